"""One ref in DuckDB: a connection with the lake attached, and the ref's views made ready as they are used."""

from __future__ import annotations

import re
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import uuid4

import duckdb
from msgspec import Struct

from ...catalog.embedded.refusals import NoSuchSchema, Refused, RelationExists
from ...catalog.embedded.store import STAGING, STAGING_SCHEMA
from ...catalog.protocol import TableId
from ...errors import QueryFailed, UsageError
from ...naming import CATALOG, is_hash, quote
from ..dialect import MACROS, SETTINGS, transpile
from .extensions import EXTENSIONS, extension_file
from .plan import LOCAL, SCRATCH, Planned, Reading, Stored, Translated, replace
from .shapes import table_shape
from .types import as_stored
from .views import Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

    from ...catalog.embedded import EmbeddedCatalog
    from ...catalog.embedded.endpoint import Endpoint
    from ...catalog.embedded.relations import Relations
    from .plans import Plans

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
    # A name that is no table must fail, never find a Python variable.
    "python_enable_replacements": "false",
    "threads": "2",
    # What it loads is named by its path in an installed wheel. To hash 80 MB for a signature takes a fifth of a second,
    # and tells nothing that is not taken on trust of the wheel of DuckDB itself.
    "allow_unsigned_extensions": "true",
}

Columns = dict[str, "DuckDBPyType"]
T = TypeVar("T", bound=Struct)


class Session:
    """DuckDB at a ref. Safe to use from several threads; each takes a cursor of its own."""

    def __init__(self, catalog: EmbeddedCatalog, endpoint: Endpoint, ref: str, plans: Plans) -> None:
        self.catalog = catalog
        self.endpoint = endpoint
        self.plans = plans
        self.ref = catalog.ref(ref).name
        self.views = Views(self.reading, self._translated, self._make_view)
        self._idle: list[DuckDBPyConnection] = []
        self._idle_lock = Lock()
        self._columns: dict[TableId, tuple[str | None, Columns]] = {}
        self._scratch: dict[str, str] = {}
        self._has_staging = False
        self._staging_lock = Lock()
        self._root = duckdb.connect(config=_CONFIG | {"temp_directory": str(catalog.folder / "spill")})
        for extension in EXTENSIONS:
            self._root.load_extension(str(extension_file(extension)))
        self._root.execute(f"create secret endpoint (type iceberg, token '{endpoint.token}')")
        self._attach(CATALOG, endpoint.url(ref))
        self._root.execute("; ".join([f"create schema {quote(LOCAL, SCRATCH)}", *MACROS]))

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

    def reading(self, sql: str) -> Reading:
        """What one statement (Trino's) says. Raises ``QueryFailed`` and ``UnsupportedSql``."""

        def make() -> Reading:
            from .reading import read

            return read(sql)

        return self.plans.get(Reading, (sql,), make)

    def translate(self, sql: str) -> str:
        """Trino SQL as DuckDB's, its references resolved. Raises ``QueryFailed`` and ``UnsupportedSql``."""
        return self._translated(*self._resolved(sql))

    def stored(self, sql: str) -> Stored:
        """A query (Trino's) in DuckDB's SQL, with the types that Iceberg can store."""
        resolved, shape = self._resolved(sql)

        def make() -> Stored:
            query = self._translated(resolved, shape)
            with self.cursor() as cursor, failing():
                stored = as_stored(query, described(cursor, query))
                kinds = described(cursor, stored)
            return Stored(stored, tuple((name, str(kind)) for name, kind in kinds))

        return self._kept(Stored, resolved, shape, make)

    def columns(self, table: TableId) -> Columns | None:
        """The columns of a table or view, by name; None if there is none of that name."""
        if table.schema == SCRATCH:
            with self.cursor() as cursor:
                return dict(described(cursor, f"from {quote(LOCAL, SCRATCH, table.name)}"))
        entries = self.catalog.entries(self.ref)
        entry = entries.get(table)
        if entry is None:
            return None
        if entry.kind == "table" and (known := table_shape(entry.pointer)):
            with self.cursor() as cursor:
                return {name: cursor.type(kind) for name, kind in known}
        shape = self.views.shape(table, entries)
        made = self._columns.get(table)
        if made is None or shape is None or made[0] != shape:
            with self.cursor() as cursor, failing():
                found = described(cursor, f"from {self.views.place(table, entries)}")
            made = self._columns[table] = shape, dict(found)
        return made[1]

    def describe(self, sql: str) -> Columns:
        """The columns that a query (Trino's) would give. Raises ``QueryFailed`` and ``UnsupportedSql``."""
        with self.cursor() as cursor, failing():
            return dict(described(cursor, self.translate(sql)))

    def scratch(self, name: str, rows: pa.Table) -> TableId:
        """Keep rows in memory under a name, for statements to read; ``drop_scratch`` forgets them."""
        place = quote(LOCAL, SCRATCH, name)
        with self.cursor() as cursor, failing():
            cursor.register(name, rows)
            cursor.execute(f"create or replace table {place} as from {quote(name)}")
            cursor.unregister(name)
            self._scratch[name] = repr(
                [(column, str(kind)) for column, kind in described(cursor, f"from {place}")]
            )
        return TableId(SCRATCH, name)

    def create_scratch(self, name: str, query: Stored) -> None:
        """Keep the rows of a query in memory."""
        with self.cursor() as cursor, failing():
            cursor.execute(f"create or replace table {quote(LOCAL, SCRATCH, name)} as {query.sql}")
        self._scratch[name] = repr(query.columns)

    def drop_scratch(self, name: str) -> None:
        self._scratch.pop(name, None)
        with self.cursor() as cursor, failing():
            cursor.execute(f"drop table if exists {quote(LOCAL, SCRATCH, name)}")

    def create_view(self, view: TableId, sql: str) -> bool:
        """Let a view say ``sql`` (Trino's) from now on; whether that changed anything.

        Raises ``QueryFailed`` where its query cannot be planned, or a table has its name.
        """
        # It may not go in circles; and it is planned, unless it was when the tables had these shapes.
        self.views.shapes(self.reading(sql), self.catalog.entries(self.ref), (view,))
        resolved, shape = self._resolved(sql)

        def plan() -> Planned:
            with self.cursor() as cursor, failing():
                cursor.execute(f"describe {self._translated(resolved, shape)}")
            return Planned()

        self._kept(Planned, resolved, shape, plan)
        with failing():
            return self.writable().put_view(view, sql)

    def create_table(
        self, table: TableId, query: Stored, *, replace: bool = False, partitioning: Sequence[str] = ()
    ) -> None:
        """Make a table of a query in one commit; ``replace`` what is there."""
        columns = [f"{quote(name)} {kind}" for name, kind in query.columns]
        how: Any = {"replace": replace, "partitioning": partitioning}
        with self.cursor() as cursor, failing(), self.staged(cursor, table, columns, **how) as place:
            # Not CREATE TABLE … AS: DuckDB would make an empty folder "data" where the process happens to work.
            cursor.execute(f"insert into {place} {query.sql}")

    def define_table(
        self,
        table: TableId,
        columns: Sequence[str],
        *,
        replace: bool = False,
        partitioning: Sequence[str] = (),
    ) -> None:
        """Make an empty table of column definitions (DuckDB's), in one commit; ``replace`` what is there."""
        how: Any = {"replace": replace, "partitioning": partitioning}
        with self.cursor() as cursor, failing(), self.staged(cursor, table, columns, **how):
            pass

    def writable(self) -> Relations:
        """What may be changed at the ref; raises ``UsageError`` at a commit's hash."""
        if is_hash(self.ref):
            raise UsageError(f"Nothing can be changed at {self.ref[:12]}.", why="a commit never changes")
        return self.catalog.relations(self.ref)

    @contextmanager
    def staged(
        self,
        cursor: DuckDBPyConnection,
        table: TableId,
        columns: Sequence[str],
        *,
        replace: bool = False,
        partitioning: Sequence[str] = (),
    ) -> Iterator[str]:
        """A table of column definitions (DuckDB's) where no one sees it; when the block ends, its name means it."""
        target = self.writable()
        if not target.has_schema(table.schema):
            raise NoSuchSchema(f"There is no schema {table.schema}.")
        if not replace and table in self.catalog.entries(self.ref):
            raise RelationExists(f"{table} exists already.")
        with self._staging_lock:
            if not self._has_staging:
                self._attach(STAGING, self.endpoint.url(STAGING))
                self._has_staging = True
        name = f"{table.schema}_{table.name}_{uuid4().hex}"
        place = quote(STAGING, STAGING_SCHEMA, name)
        partitioned = f"partitioned by ({', '.join(partitioning)})" if partitioning else ""
        cursor.execute(f"create table {place} ({', '.join(columns)}) {partitioned}")
        yield place
        target.adopt(name, table, replace=replace)

    def _attach(self, name: str, url: str) -> None:
        self._root.execute(
            f"attach '{name}' as {quote(name)} (type iceberg, endpoint '{url}', secret endpoint)"
        )

    def _resolved(self, sql: str) -> tuple[str, str | None]:
        """A statement with every reference to the lake in full, views ready to be read; and the shape of what it names."""
        reading = self.reading(sql)
        entries = self.catalog.entries(self.ref) if reading.references else {}
        resolved = replace(sql, reading.references, lambda table: self.views.place(table, entries))
        shape = self.views.shapes(reading, entries)
        scratch = [self._scratch.get(name) for name in reading.scratch]
        return resolved, None if shape is None or None in scratch else f"{shape} {scratch}"

    def _translated(self, resolved: str, shape: str | None) -> str:
        def make() -> Translated:
            return Translated(transpile(resolved, self._describe))

        return self._kept(Translated, resolved, shape, make).sql

    def _kept(self, form: type[T], resolved: str, shape: str | None, make: Callable[[], T]) -> T:
        """A plan of a statement, made anew where it cannot be told over which tables it would hold."""
        return make() if shape is None else self.plans.get(form, (resolved, shape), make)

    def _describe(self, query: str) -> list[tuple[str, str]]:
        """What the dialect asks: the names and types, in DuckDB's words, of a query's columns."""
        with self.cursor() as cursor, failing():
            return [(name, str(kind)) for name, kind in described(cursor, query)]

    def _make_view(self, view: TableId, query: str) -> None:
        with self.cursor() as cursor, failing(f"The view {view} cannot be read."):
            cursor.execute(f"create schema if not exists {quote(LOCAL, view.schema)}")
            cursor.execute(f"create or replace view {quote(LOCAL, view.schema, view.name)} as {query}")


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
