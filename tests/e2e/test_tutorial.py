"""docs/tutorial.md, followed to the letter in a fresh home: nothing is there but Python and a package index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"\A\S+ (\S+)\n")


def test_the_tutorial_leads_to_a_published_mart(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, CHECKOUT]
    subprocess.run(build, check=True)
    home = tmp_path / "home"
    home.mkdir()
    ran = subprocess.run(
        ["bash", "-e"],
        input="\n".join(_lines()),
        cwd=home,
        env={
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            "HOME": str(home),
            "PATH": f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}",
            "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip")),
            # Where the page's `pip install` finds this checkout's lakekit.
            "PIP_FIND_LINKS": f"{os.environ.get('PIP_FIND_LINKS', '')} {wheels}".strip(),
        },
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    told = f"{ran.stdout}\n{ran.stderr}"
    assert ran.returncode == 0, told
    assert "1 passed" in told
    assert "All fine" in told
    assert re.search(r"marts\.fct_weekday_sales\s+added\s+35 ", told)
    assert "'weekdays' is published" in told
    assert "25 models" in told  # the whole lake, with the new mart, a week later


def _lines() -> list[str]:
    """The page as a script: console blocks are run, others are files that their first line names."""
    lines = []
    for language, body in BLOCKS:
        if language == "console":
            lines += body.splitlines()
        else:
            [name] = NAMED.findall(body)
            lines += [f"cat > {name} <<'END OF FILE'", body.removesuffix("\n"), "END OF FILE"]
    return lines
