"""The documentation builds without a warning, and has every command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from lakekit.cli import main

CHECKOUT = Path(__file__).parents[2]


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "site/reference/cli/index.html").read_text()
    sections = set(re.findall(r"<h[1-6] id=\"([\w-]+)\"", page))
    assert {f"lakekit-{name}" for name in main.list_commands(click.Context(main))} <= sections
    # Nothing of a page comes from another server.
    for file in (tmp_path / "site").rglob("*.html"):
        assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?://", file.read_text()), file


def test_every_page_is_in_the_navigation() -> None:
    told = (CHECKOUT / "mkdocs.yml").read_text()
    for file in (CHECKOUT / "docs").rglob("*.md"):
        assert f": {file.relative_to(CHECKOUT / 'docs').as_posix()}\n" in told, file
