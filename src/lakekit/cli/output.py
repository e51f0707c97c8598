"""How results look: tables for people, JSON for machines; and how progress does."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# In a pipe or a log nobody can widen the window: long rows run on rather than fold.
console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 1000)
_json = msgspec.json.Encoder(decimal_format="number")
_WIDEST: Final = 80
_SECONDS_A_LINE: Final = 5.0
progress = Console(stderr=True, soft_wrap=True)
"""Where progress goes, so that standard output stays a command's result."""


@contextmanager
def doing(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something is going on while the block runs, and what it tells the function that it is given.

    A spinner on a terminal; in a pipe or a log a line every few seconds.
    """
    if progress.is_terminal:
        with progress.status(f"{what} …") as status:
            yield lambda text: status.update(f"{text} …")
        return
    said = time.monotonic()

    def say(text: str) -> None:
        nonlocal said
        if time.monotonic() - said >= _SECONDS_A_LINE:
            progress.print(f"{text} …", markup=False, highlight=False)
            said = time.monotonic()

    yield say


def show(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print rows as a table; numbers are right-aligned."""
    rows = list(rows)
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for index, column in enumerate(columns):
        values = [row[index] for row in rows if row[index] is not None]
        numeric = bool(values) and all(isinstance(value, int | float | Decimal) for value in values)
        table.add_column(escape(column), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table, soft_wrap=False)


def print_json(value: Any) -> None:
    """Print JSON: dates and instants in ISO 8601, decimals as numbers with all their digits."""
    click.echo(msgspec.json.format(_json.encode(value)).decode())


def count(number: int, what: str) -> str:
    """``1 model``, ``1,204 models``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def command() -> str:
    """How to call lakekit from any folder of this terminal: by its name if it is on PATH, else by its path."""
    return "lakekit" if shutil.which("lakekit") else shlex.quote(str(Path(sys.argv[0]).absolute()))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "[dim]null[/dim]"
        case Decimal():
            return f"{value:,}"
        case bool() | dict() | list():
            text = _json.encode(value).decode()
        case _:
            text = str(value)
    return escape(text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…")
