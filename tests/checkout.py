"""The files of this checkout as a clone of it would have them: what git ignores is left out, what is not committed yet is not."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[1]
EXAMPLE: Final = CHECKOUT / "examples/shopify_klaviyo"
"""The template as it is rendered, for what a test needs of it as it stands."""


def files() -> set[str]:
    """Their paths in it. It need not be a repository itself: git is asked by an empty one."""
    with tempfile.TemporaryDirectory() as empty:
        subprocess.run(["git", "init", "-q", "--bare", empty], check=True)
        asked = ["git", f"--git-dir={empty}", f"--work-tree={CHECKOUT}", "ls-files", "-z", "--others"]
        listed = subprocess.run(
            [*asked, "--exclude-standard"], cwd=CHECKOUT, check=True, capture_output=True, text=True
        )
    return set(listed.stdout.strip("\0").split("\0"))


def copy(folder: Path) -> Path:
    """Copy them to a folder, which is returned."""
    for file in files():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / file, folder / file)
    return folder
