"""The lake's relations as DuckDB is to read them: tables by their names, views made anew in memory as they are read."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from ...catalog.embedded.views import read_view, view_sql
from ...errors import QueryFailed
from ...naming import CATALOG, quote
from .plan import LOCAL, replace
from .shapes import table_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...catalog.protocol import Entry, TableId
    from .plan import Reading

Entries = dict["TableId", "Entry"]


class Views:
    """What DuckDB has in the places of one ref's views."""

    def __init__(
        self,
        read: Callable[[str], Reading],
        translate: Callable[[str, str | None], str],
        make: Callable[[TableId, str], None],
    ) -> None:
        """``translate`` takes a query whose references are resolved, and the shape of all that it reads."""
        self._read = read
        self._translate = translate
        self._make = make
        self._lock = RLock()
        self._made: dict[TableId, str | None] = {}
        self._texts: dict[str, str] = {}

    def place(self, table: TableId, entries: Entries, within: tuple[TableId, ...] = ()) -> str:
        """What DuckDB is to read for a table or view; raises ``QueryFailed`` for a view that reads itself."""
        entry = entries.get(table)
        if entry is None or entry.kind == "table":
            return quote(CATALOG, table.schema, table.name)
        with self._lock:
            self._ready(entry, entries, (*within, table))
        return quote(LOCAL, table.schema, table.name)

    def shape(self, table: TableId, entries: Entries, within: tuple[TableId, ...] = ()) -> str | None:
        """All that the columns of a table or view depend on, in words; None where a table is missing.

        Raises ``QueryFailed`` for a view that reads itself.
        """
        if table in within:
            raise QueryFailed(
                f"The view {table} reads itself.", why=" reads ".join(map(str, (*within, table)))
            )
        entry = entries.get(table)
        if entry is None:
            return None
        if entry.kind == "table":
            return f"{table} {table_shape(entry.pointer) or entry.pointer}"
        sql = self.text(entry)
        inner = self.shapes(self._read(sql), entries, (*within, table))
        return None if inner is None else f"{table} {sql!r} {inner}"

    def text(self, entry: Entry) -> str:
        """What a view says, in Trino's SQL."""
        known = self._texts.get(entry.pointer)
        if known is None:
            known = self._texts[entry.pointer] = view_sql(read_view(entry.pointer))
        return known

    def shapes(self, reading: Reading, entries: Entries, within: tuple[TableId, ...] = ()) -> str | None:
        """The shape of all relations of the lake that a statement names."""
        # All of them are looked at, lest a view that reads itself go unnoticed.
        found = [self.shape(reference.id, entries, within) for reference in reading.references]
        return None if reading.strangers or None in found else repr(found)

    def _ready(self, entry: Entry, entries: Entries, within: tuple[TableId, ...]) -> None:
        """Let DuckDB have a view for one of the lake's, unless the one it has stands for the same.

        DuckDB fixes a view's columns when it is made: what it reads must have kept its shape since, too.
        """
        view, sql = entry.id, self.text(entry)
        shape = self.shape(view, entries)
        reading = self._read(sql)
        resolved = replace(sql, reading.references, lambda table: self.place(table, entries, within))
        if shape is None or self._made.get(view) != shape:
            self._make(view, self._translate(resolved, self.shapes(reading, entries)))
            self._made[view] = shape
