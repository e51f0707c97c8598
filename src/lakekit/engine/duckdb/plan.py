"""What there is to know of a statement before it runs; plain data, so that it can be kept.

Making one takes a parser, and questions to DuckDB. Nothing in it depends on rows, or on when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ...catalog.protocol import TableId  # noqa: TC001 - msgspec looks it up

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL: Final = "memory"
"""The database in memory: it holds macros, scratch tables, and the views, in schemas of their names."""

SCRATCH: Final = "lakekit_scratch"
"""The schema in memory for tables that live no longer than a model's build."""

Kind = Literal[
    "query",
    "change",
    "create schema",
    "create view",
    "create table",
    "create scratch",
    "define table",
    "drop schema",
    "drop table",
    "drop view",
]


@dataclass(frozen=True, slots=True)
class Reference:
    """A table or view that a statement names; ``start`` and ``stop`` are offsets in its text."""

    id: TableId
    start: int
    stop: int


class Script(msgspec.Struct, frozen=True):
    """The statements of a script, as they were written."""

    statements: tuple[str, ...]


class Defined(msgspec.Struct, frozen=True):
    """A column of a table to make: its type is Trino's."""

    name: str
    type: str
    required: bool


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a statement's text says, whatever the tables are that it names."""

    kind: Kind
    references: tuple[Reference, ...] = ()
    scratch: tuple[str, ...] = ()
    """The tables in memory that it reads."""
    strangers: bool = False
    """Whether it names anything of which it cannot be told whether it has changed."""
    target: TableId | None = None
    name: str = ""
    """The schema, or the table in memory, that it makes or drops."""
    body: str = ""
    """The query of what it makes."""
    columns: tuple[Defined, ...] = ()
    partitioning: tuple[str, ...] = ()
    lenient: bool = False
    """IF EXISTS, or IF NOT EXISTS."""
    replace: bool = False
    unnamed: tuple[int, ...] = ()
    """Places of result columns that Trino names after their places; negative ones count from the end."""

    @property
    def made(self) -> TableId:
        assert self.target is not None
        return self.target


class Translated(msgspec.Struct, frozen=True):
    """A statement in DuckDB's SQL, over tables of certain columns."""

    sql: str


class Planned(msgspec.Struct, frozen=True):
    """That DuckDB can plan a query."""


class Stored(msgspec.Struct, frozen=True):
    """A query whose columns have types that Iceberg can store, and these, in DuckDB's words."""

    sql: str
    columns: tuple[tuple[str, str], ...]


def replace(sql: str, found: tuple[Reference, ...], name: Callable[[TableId], str]) -> str:
    """The statement with each reference's text replaced by ``name`` of what it refers to."""
    pieces, end = [], 0
    for reference in found:
        pieces += [sql[end : reference.start], name(reference.id)]
        end = reference.stop
    return "".join([*pieces, sql[end:]])
