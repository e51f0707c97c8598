"""The schemas, tables and views at one ref: rows under the ref's name, and what may be done to them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from .refusals import (
    CommitConflict,
    NoSuchRelation,
    NoSuchSchema,
    RelationExists,
    SchemaExists,
    SchemaNotEmpty,
)
from .store import STAGING, one_commit
from .views import write_view

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ..protocol import TableId
    from .store import Store

RelationType = Literal["TABLE", "VIEW"]

_PUT = """
    insert into iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
    values (?, ?, ?, ?, ?)
"""
_ONE = "catalog_name = ? and table_namespace = ? and table_name = ?"
# SqlCatalog leaves the type of what it made before there were views empty.
_TYPE = "coalesce(iceberg_type, 'TABLE')"


class Relations:
    """One ref. At a commit's hash it is read-only: SQLite refuses any change."""

    def __init__(self, ref: str, store: Store, folder: Path) -> None:
        self.ref = ref
        self.warehouse = folder / "tables"
        self._store = store
        self._views = folder / "views"

    def schemas(self) -> list[str]:
        """Every schema, with or without tables."""
        with self._store.reading() as connection:
            rows = connection.execute(
                """
                select namespace from iceberg_namespace_properties where catalog_name = :ref
                union select table_namespace from iceberg_tables where catalog_name = :ref
                """,
                {"ref": self.ref},
            ).fetchall()
        return [schema for (schema,) in rows]

    def has_schema(self, schema: str) -> bool:
        with self._store.reading() as connection:
            return self._has_schema(connection, schema)

    def properties(self, schema: str) -> dict[str, str]:
        """What is said of a schema; raises ``NoSuchSchema``."""
        with self._store.reading() as connection:
            self._must_have(connection, schema)
            return dict(
                connection.execute(
                    """
                    select property_key, property_value from iceberg_namespace_properties
                    where catalog_name = ? and namespace = ?
                    """,
                    (self.ref, schema),
                ).fetchall()
            )

    def create_schema(self, schema: str, properties: Mapping[str, str] | None = None) -> None:
        """Make a schema; raises ``SchemaExists``."""
        with self._store.writing() as connection:
            if self._has_schema(connection, schema):
                raise SchemaExists(f"The schema {schema} exists already.")
            connection.executemany(
                """
                insert into iceberg_namespace_properties
                    (catalog_name, namespace, property_key, property_value)
                values (?, ?, ?, ?)
                """,
                [(self.ref, schema, *item) for item in (properties or {"exists": "true"}).items()],
            )

    def drop_schema(self, schema: str) -> None:
        """Forget a schema; raises ``NoSuchSchema`` and ``SchemaNotEmpty``."""
        with self._store.writing() as connection:
            self._must_have(connection, schema)
            [(held,)] = connection.execute(
                "select count(*) from iceberg_tables where catalog_name = ? and table_namespace = ?",
                (self.ref, schema),
            )
            if held:
                raise SchemaNotEmpty(
                    f"The schema {schema} is not empty.", why=f"it has {held} tables or views"
                )
            connection.execute(
                "delete from iceberg_namespace_properties where catalog_name = ? and namespace = ?",
                (self.ref, schema),
            )

    def names(self, schema: str, kind: RelationType) -> list[str]:
        """The tables, or the views, of a schema."""
        with self._store.reading() as connection:
            rows = connection.execute(
                f"""
                select table_name from iceberg_tables
                where catalog_name = ? and table_namespace = ? and {_TYPE} = ? order by table_name
                """,
                (self.ref, schema, kind),
            ).fetchall()
        return [name for (name,) in rows]

    def pointer(self, table: TableId, kind: RelationType = "TABLE") -> str | None:
        """Where the metadata of a table (or, with ``kind="VIEW"``, a view) is; None if there is none."""
        with self._store.reading() as connection:
            found, pointer = self._held(connection, table)
        return pointer if found == kind else None

    def point(self, moves: Sequence[tuple[TableId, str | None, str]]) -> None:
        """Let tables go from one metadata file (None: they are new) to another, all in one commit.

        Raises ``CommitConflict`` where a table is elsewhere by now, and ``RelationExists`` where a new one's name is
        taken; nothing has changed then.
        """
        with self._store.writing() as connection, self._commit(connection, [table for table, *_ in moves]):
            for table, before, after in moves:
                if before is None:
                    self._must_have(connection, table.schema)
                    if self._held(connection, table)[0]:
                        raise RelationExists(f"{table} exists already.")
                    connection.execute(_PUT, (*self._key(table), after, "TABLE"))
                    continue
                moved = connection.execute(
                    f"""
                    update iceberg_tables set metadata_location = ?, previous_metadata_location = ?
                    where {_ONE} and metadata_location = ?
                    """,
                    (after, before, *self._key(table), before),
                )
                if not moved.rowcount:
                    raise CommitConflict(f"{table} has been changed by another writer.")

    def put_view(self, view: TableId, sql: str) -> bool:
        """Make a view, or let it say ``sql`` from now on; whether that changed anything.

        Raises ``NoSuchSchema``, and ``RelationExists`` where a table has the name.
        """
        location = write_view(self._views, view, sql)
        with self._store.writing() as connection:
            self._must_have(connection, view.schema)
            kind, pointer = self._held(connection, view)
            if kind == "TABLE":
                raise RelationExists(f"{view} is a table.")
            if kind is None:
                connection.execute(_PUT, (*self._key(view), location, "VIEW"))
            elif pointer != location:
                connection.execute(
                    f"""
                    update iceberg_tables
                    set previous_metadata_location = metadata_location, metadata_location = ? where {_ONE}
                    """,
                    (location, *self._key(view)),
                )
            return pointer != location

    def drop(self, table: TableId, kind: RelationType) -> None:
        """Forget a table or a view; raises ``NoSuchRelation``. Files stay: other branches may share them."""
        with self._store.writing() as connection:
            dropped = connection.execute(
                f"delete from iceberg_tables where {_ONE} and {_TYPE} = ?", (*self._key(table), kind)
            )
            if not dropped.rowcount:
                raise NoSuchRelation(f"There is no {kind.lower()} {table}.")

    def rename(self, source: TableId, to: TableId) -> None:
        """Call a table or a view by another name; raises ``NoSuchRelation``, ``NoSuchSchema``, ``RelationExists``."""
        with self._store.writing() as connection:
            self._must_have(connection, to.schema)
            if self._held(connection, to)[0]:
                raise RelationExists(f"{to} exists already.")
            moved = connection.execute(
                f"update iceberg_tables set table_namespace = ?, table_name = ? where {_ONE}",
                (to.schema, to.name, *self._key(source)),
            )
            if not moved.rowcount:
                raise NoSuchRelation(f"There is no table {source}.")

    def adopt(self, staged: str, table: TableId, *, replace: bool) -> None:
        """Let a name mean the table that lies ready in the staging area, in one commit.

        Raises ``RelationExists`` where the name is taken, unless it is to be replaced.
        """
        with self._store.writing() as connection:
            [(pointer,)] = connection.execute(
                "delete from iceberg_tables where catalog_name = ? and table_name = ? returning metadata_location",
                (STAGING, staged),
            ).fetchall()
            conflict = (
                "update set metadata_location = excluded.metadata_location, iceberg_type = 'TABLE'"
                if replace
                else "nothing"
            )
            placed = connection.execute(
                f"{_PUT} on conflict do {conflict}", (*self._key(table), pointer, "TABLE")
            )
            if not placed.rowcount:
                raise RelationExists(f"{table} exists already.")

    @contextmanager
    def _commit(self, connection: sqlite3.Connection, tables: Sequence[TableId]) -> Iterator[None]:
        """One commit of several changes; a single one is a commit by itself."""
        if len(tables) == 1:
            yield
            return
        with one_commit(connection, self.ref, f"change {', '.join(map(str, tables))}"):
            yield

    def _held(self, connection: sqlite3.Connection, table: TableId) -> tuple[str | None, str | None]:
        """The type and the pointer of what has a name."""
        row: tuple[str, str] | None = connection.execute(
            f"select {_TYPE}, metadata_location from iceberg_tables where {_ONE}", self._key(table)
        ).fetchone()
        return row or (None, None)

    def _has_schema(self, connection: sqlite3.Connection, schema: str) -> bool:
        row = connection.execute(
            """
            select 1 from iceberg_namespace_properties where catalog_name = :ref and namespace = :schema
            union all
            select 1 from iceberg_tables where catalog_name = :ref and table_namespace = :schema
            limit 1
            """,
            {"ref": self.ref, "schema": schema},
        ).fetchone()
        return row is not None

    def _must_have(self, connection: sqlite3.Connection, schema: str) -> None:
        if not self._has_schema(connection, schema):
            raise NoSuchSchema(f"There is no schema {schema}.")

    def _key(self, table: TableId) -> tuple[str, str, str]:
        return self.ref, table.schema, table.name
