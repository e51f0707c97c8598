"""One ref in DuckDB: a connection with the lake attached, and the ref's views made ready as they are used."""

from __future__ import annotations

import re
from contextlib import contextmanager
from threading import Lock, RLock
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import duckdb

from ...catalog.embedded.refusals import NoSuchSchema, Refused, RelationExists
from ...catalog.embedded.store import STAGING, STAGING_SCHEMA
from ...catalog.embedded.views import read_view, view_sql
from ...catalog.protocol import TableId
from ...errors import QueryFailed, UsageError
from ...naming import CATALOG, is_hash, quote
from ..dialect import MACROS, SETTINGS, transpile
from .extensions import EXTENSIONS, link_extensions
from .names import parse, references, replace
from .types import as_stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

    from ...catalog.embedded import EmbeddedCatalog
    from ...catalog.embedded.endpoint import Endpoint
    from ...catalog.embedded.relations import Relations
    from ...catalog.protocol import Entry
    from .names import Reference

LOCAL: Final = "memory"
"""The database in memory: it holds macros, scratch tables, and the views, in schemas of their names."""

SCRATCH: Final = "lakekit_scratch"
"""The schema in memory for tables that live no longer than a model's build."""

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
    # A name that is no table must fail, never find a Python variable.
    "python_enable_replacements": "false",
    "threads": "2",
}

# What stands behind a relation at a moment: its pointer, and for a view those of all that it reads.
Fingerprint = tuple[object, ...]
Entries = dict[TableId, "Entry"]
Columns = dict[str, "DuckDBPyType"]


class Session:
    """DuckDB at a ref. Safe to use from several threads; each takes a cursor of its own."""

    def __init__(self, catalog: EmbeddedCatalog, endpoint: Endpoint, ref: str) -> None:
        self.catalog = catalog
        self.endpoint = endpoint
        self.ref = catalog.ref(ref).name
        self._idle: list[DuckDBPyConnection] = []
        self._idle_lock = Lock()
        self._views_lock = RLock()
        self._views: dict[TableId, Fingerprint] = {}
        self._definitions: dict[str, tuple[str, list[Reference]]] = {}
        self._columns: dict[TableId, tuple[Fingerprint, Columns]] = {}
        extensions = link_extensions(catalog.folder / "extensions")
        spill = catalog.folder / "spill"
        self._root = duckdb.connect(
            config=_CONFIG | {"extension_directory": str(extensions), "temp_directory": str(spill)}
        )
        for extension in EXTENSIONS:
            self._root.load_extension(extension)
        self._root.execute(f"create secret endpoint (type iceberg, token '{endpoint.token}')")
        self._attach(CATALOG, endpoint.url(ref))
        if not is_hash(ref):
            self._attach(STAGING, endpoint.url(STAGING))
        self._root.execute(f"create schema {quote(LOCAL, SCRATCH)}")
        for macro in MACROS:
            self._root.execute(macro)

    @contextmanager
    def cursor(self) -> Iterator[DuckDBPyConnection]:
        """A cursor for this thread alone, given back when the block ends."""
        cursor = self.take_cursor()
        try:
            yield cursor
        finally:
            self.give_back(cursor)

    def take_cursor(self) -> DuckDBPyConnection:
        with self._idle_lock:
            if self._idle:
                return self._idle.pop()
        cursor = self._root.cursor()
        for setting in SETTINGS:  # they hold for one cursor only
            cursor.execute(setting)
        return cursor

    def give_back(self, cursor: DuckDBPyConnection) -> None:
        with self._idle_lock:
            self._idle.append(cursor)

    def close(self) -> None:
        with self._idle_lock:
            for cursor in self._idle:
                cursor.close()
            self._idle.clear()
        self._root.close()

    def translate(self, sql: str) -> str:
        """Trino SQL as DuckDB's, its references resolved. Raises ``QueryFailed`` and ``UnsupportedSql``."""
        return transpile(self.resolve(sql, references(parse(sql))), self._describe)

    def resolve(self, sql: str, found: list[Reference]) -> str:
        """The statement with every reference to the lake in full, views ready to be read."""
        entries = self.catalog.entries(self.ref) if found else {}
        return replace(sql, found, lambda table: self._place(table, entries, ()))

    def columns(self, table: TableId) -> Columns | None:
        """The columns of a table or view, by name; None if there is none of that name."""
        entries = self.catalog.entries(self.ref)
        if table.schema == SCRATCH:
            with self.cursor() as cursor:
                return dict(described(cursor, f"from {quote(LOCAL, SCRATCH, table.name)}"))
        if table not in entries:
            return None
        fingerprint = self._fingerprint(table, entries, ())
        known = self._columns.get(table)
        if known is None or known[0] != fingerprint:
            with self.cursor() as cursor, failing():
                found = described(cursor, f"from {self._place(table, entries, ())}")
            known = self._columns[table] = fingerprint, dict(found)
        return known[1]

    def describe(self, sql: str) -> Columns:
        """The columns that a query (Trino's) would give. Raises ``QueryFailed`` and ``UnsupportedSql``."""
        with self.cursor() as cursor, failing():
            return dict(described(cursor, self.translate(sql)))

    def scratch(self, name: str, rows: pa.Table) -> TableId:
        """Keep rows in memory under a name, for statements to read; ``drop_scratch`` forgets them."""
        with self.cursor() as cursor, failing():
            cursor.register(name, rows)
            cursor.execute(f"create or replace table {quote(LOCAL, SCRATCH, name)} as from {quote(name)}")
            cursor.unregister(name)
        return TableId(SCRATCH, name)

    def create_scratch(self, name: str, query: str) -> None:
        """Keep the rows of a query (DuckDB's, resolved) in memory, with the types they would be stored in."""
        with self.cursor() as cursor, failing():
            stored = as_stored(query, described(cursor, query))
            cursor.execute(f"create or replace table {quote(LOCAL, SCRATCH, name)} as {stored}")

    def drop_scratch(self, name: str) -> None:
        with self.cursor() as cursor, failing():
            cursor.execute(f"drop table if exists {quote(LOCAL, SCRATCH, name)}")

    def create_view(self, view: TableId, sql: str) -> bool:
        """Let a view say ``sql`` (Trino's) from now on; whether that changed anything.

        Raises ``QueryFailed`` where its query cannot be planned, or a table has its name.
        """
        found = references(parse(sql))
        entries = self.catalog.entries(self.ref)
        for reference in found:
            self._fingerprint(reference.id, entries, (view,))  # refuses to go in circles
        translated = transpile(self.resolve(sql, found), self._describe)
        with self.cursor() as cursor, failing():
            cursor.execute(f"describe {translated}")
            return self.writable().put_view(view, sql)

    def create_table(
        self, table: TableId, query: str, *, replace: bool = False, partitioning: Sequence[str] = ()
    ) -> None:
        """Make a table of a query (DuckDB's, resolved), in one commit; ``replace`` what is there."""
        with self.cursor() as cursor, failing():
            partitioned = f"partitioned by ({', '.join(partitioning)})" if partitioning else ""
            stored = as_stored(query, described(cursor, query))
            columns = ", ".join(f"{quote(name)} {kind}" for name, kind in described(cursor, stored))
            with self._staged(table, replace=replace) as place:
                # Not CREATE TABLE … AS: DuckDB would make an empty folder "data" where the process happens to work.
                cursor.execute(f"create table {place} ({columns}) {partitioned}")
                cursor.execute(f"insert into {place} {stored}")

    def define_table(
        self,
        table: TableId,
        columns: Sequence[str],
        *,
        replace: bool = False,
        partitioning: Sequence[str] = (),
    ) -> None:
        """Make an empty table of column definitions (DuckDB's), in one commit; ``replace`` what is there."""
        with self.cursor() as cursor, failing():
            partitioned = f"partitioned by ({', '.join(partitioning)})" if partitioning else ""
            with self._staged(table, replace=replace) as place:
                cursor.execute(f"create table {place} ({', '.join(columns)}) {partitioned}")

    def writable(self) -> Relations:
        """What may be changed at the ref; raises ``UsageError`` at a commit's hash."""
        if is_hash(self.ref):
            raise UsageError(f"Nothing can be changed at {self.ref[:12]}.", why="a commit never changes")
        return self.catalog.relations(self.ref)

    @contextmanager
    def _staged(self, table: TableId, *, replace: bool) -> Iterator[str]:
        """A place where to make a table that no one sees; when the block ends, its name means what is there."""
        target = self.writable()
        if not target.has_schema(table.schema):
            raise NoSuchSchema(f"There is no schema {table.schema}.")
        if not replace and table in self.catalog.entries(self.ref):
            raise RelationExists(f"{table} exists already.")
        name = f"{table.schema}_{table.name}_{uuid4().hex}"
        yield quote(STAGING, STAGING_SCHEMA, name)
        target.adopt(name, table, replace=replace)

    def _attach(self, name: str, url: str) -> None:
        self._root.execute(
            f"attach '{name}' as {quote(name)} (type iceberg, endpoint '{url}', secret endpoint)"
        )

    def _describe(self, query: str) -> list[tuple[str, str]]:
        """What the dialect asks: the names and types, in DuckDB's words, of a query's columns."""
        with self.cursor() as cursor, failing():
            return [(name, str(kind)) for name, kind in described(cursor, query)]

    def _place(self, table: TableId, entries: Entries, within: tuple[TableId, ...]) -> str:
        """What DuckDB is to read for a table or view."""
        entry = entries.get(table)
        if entry is None or entry.kind == "table":
            return quote(CATALOG, table.schema, table.name)
        self._make_view(entry, entries, within)
        return quote(LOCAL, table.schema, table.name)

    def _make_view(self, entry: Entry, entries: Entries, within: tuple[TableId, ...]) -> None:
        """Make DuckDB's own view for one of the lake's, unless the one it has still stands for the same.

        DuckDB fixes a view's columns when it is made: what it reads must not have changed since either.
        """
        view = entry.id
        with self._views_lock:
            fingerprint = self._fingerprint(view, entries, within)
            if self._views.get(view) == fingerprint:
                return
            sql, found = self._definition(entry)
            resolved = replace(sql, found, lambda table: self._place(table, entries, (*within, view)))
            with self.cursor() as cursor, failing(f"The view {view} cannot be read."):
                cursor.execute(f"create schema if not exists {quote(LOCAL, view.schema)}")
                cursor.execute(
                    f"create or replace view {quote(LOCAL, view.schema, view.name)} as "
                    f"{transpile(resolved, self._describe)}"
                )
            self._views[view] = fingerprint

    def _fingerprint(self, table: TableId, entries: Entries, within: tuple[TableId, ...]) -> Fingerprint:
        entry = entries.get(table)
        if entry is None or entry.kind == "table":
            return (table, entry.pointer if entry else None)
        if table in within:
            raise QueryFailed(
                f"The view {table} reads itself.", why=" reads ".join(map(str, (*within, table)))
            )
        _, found = self._definition(entry)
        return (
            entry.pointer,
            *(self._fingerprint(reference.id, entries, (*within, table)) for reference in found),
        )

    def _definition(self, entry: Entry) -> tuple[str, list[Reference]]:
        known = self._definitions.get(entry.pointer)
        if known is None:
            sql = view_sql(read_view(entry.pointer))
            known = self._definitions[entry.pointer] = sql, references(parse(sql))
        return known


def described(cursor: DuckDBPyConnection, query: str) -> list[tuple[str, DuckDBPyType]]:
    """The columns of a query, and their types."""
    cursor.execute(f"select * from ({query}\n) limit 0")
    return [(column[0], column[1]) for column in cursor.description or []]


@contextmanager
def failing(what: str = "") -> Iterator[None]:
    """Raise what DuckDB and the catalog raise as ``QueryFailed``."""
    try:
        yield
    except (duckdb.Error, Refused) as error:
        first, _, rest = str(error).partition("\n")
        rest, *_ = re.split(
            r"\s*^LINE \d+:", rest, maxsplit=1, flags=re.MULTILINE
        )  # it shows DuckDB's SQL, not Trino's
        raise QueryFailed(
            what or first, why="\n".join(filter(None, [first if what else "", rest.strip()]))
        ) from error
