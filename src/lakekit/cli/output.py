"""How results look: tables for people, JSON for machines."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# In a pipe or a log nobody can widen the window: long rows run on rather than fold.
console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 1000)
_json = msgspec.json.Encoder(decimal_format="number")
_WIDEST: Final = 80
progress = Console(stderr=True, soft_wrap=True)
"""Where progress goes, so that standard output stays a command's result."""


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


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]null[/dim]"
    if isinstance(value, Decimal):
        return f"{value:,}"
    text = str(value)
    return escape(text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…")
