"""The page of the command line: what `--help` says of each command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click

from lakekit.cli import main

_PAGE = "reference/cli.md"


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Add every command below what the page says itself."""
    if page.file.src_uri != _PAGE:
        return markdown
    return "\n".join([markdown, *_sections(main, ("lakekit",))])


def _sections(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    yield f"\n{'#' * (len(path) + 1)} {' '.join(path)}\n\n```text\n{_help(path[1:])}```\n"
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _sections(found, (*path, name))


def _help(arguments: tuple[str, ...]) -> str:
    """Asked of the command itself: not every one of them is click's."""
    return subprocess.run(
        [sys.executable, "-m", "lakekit", *arguments, "--help"],
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
