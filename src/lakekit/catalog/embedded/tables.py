"""PyIceberg's SqlCatalog bound to one ref: a folder for each table, views, commits to several tables at once."""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceNotEmptyError,
    NoSuchNamespaceError,
    NoSuchTableError,
    NoSuchViewError,
    TableAlreadyExistsError,
)
from pyiceberg.view import View
from typing_extensions import override

from ..protocol import TableId
from .store import STAGING, one_commit
from .views import read_view, write_view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyiceberg.table import CommitTableRequest, StagedTable, Table
    from pyiceberg.typedef import Identifier

    from .store import Store


class RefCatalog(SqlCatalog):
    """The tables and views at one ref. At a commit's hash it is read-only: SQLite refuses any change."""

    def __init__(self, ref: str, store: Store, folder: Path) -> None:
        # SqlCatalog's own __init__ opens and probes a database; ours is open, and shared by all refs.
        MetastoreCatalog.__init__(self, ref, warehouse=(folder / "tables").as_uri())
        self.engine = store.engine
        self._schema_version = "v1"
        self._store = store
        self._views = folder / "views"

    def pointer(self, table: TableId, kind: str = "TABLE") -> str | None:
        """Where the metadata of a table (or, with ``kind="VIEW"``, a view) is; None if there is none."""
        with self._store.reading() as connection:
            row = connection.execute(
                """
                select metadata_location from iceberg_tables
                where catalog_name = ? and table_namespace = ? and table_name = ?
                  and coalesce(iceberg_type, 'TABLE') = ?
                """,
                (self.name, table.schema, table.name, kind),
            ).fetchone()
        return row[0] if row else None

    def commit_tables(self, requests: Sequence[CommitTableRequest]) -> list[str]:
        """Commit to one or several tables in one transaction; the locations of their new metadata.

        Raises ``CommitFailedException`` where a requirement does not hold or another writer came first, and
        ``TableAlreadyExistsError`` where a table to create is there; nothing has changed then.
        """
        staged: list[tuple[Identifier, str | None, str]] = []
        for request in requests:
            identifier = (*request.identifier.namespace.root, request.identifier.name)
            try:
                current: Table | None = self.load_table(identifier)
            except NoSuchTableError:
                current = None
            table = self._update_and_stage_table(current, identifier, request.requirements, request.updates)
            self._write_metadata(table.metadata, table.io, table.metadata_location)
            staged.append(
                (identifier, current.metadata_location if current else None, table.metadata_location)
            )

        with self._store.writing() as connection:
            if len(staged) == 1:
                self._point(connection, *staged[0])
            else:
                names = ", ".join(".".join(identifier) for identifier, _, _ in staged)
                with one_commit(connection, self.name, f"change {names}"):
                    for table_pointers in staged:
                        self._point(connection, *table_pointers)
        return [location for _, _, location in staged]

    def put_view(self, view: TableId, sql: str) -> bool:
        """Make a view, or let it say ``sql`` from now on; whether that changed anything.

        Raises ``NoSuchNamespaceError``, and ``TableAlreadyExistsError`` where a table has the name.
        """
        if not self.namespace_exists(view.schema):
            raise NoSuchNamespaceError(f"Namespace does not exist: {view.schema}")
        location = write_view(self._views, view, sql)
        key = (self.name, view.schema, view.name)
        with self._store.writing() as connection:
            found = connection.execute(
                """
                select iceberg_type, metadata_location from iceberg_tables
                where catalog_name = ? and table_namespace = ? and table_name = ?
                """,
                key,
            ).fetchone()
            if found is None:
                connection.execute(
                    """
                    insert into iceberg_tables
                        (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
                    values (?, ?, ?, ?, 'VIEW')
                    """,
                    (*key, location),
                )
                return True
            if found[0] != "VIEW":
                raise TableAlreadyExistsError(f"{view} is a table")
            if found[1] == location:
                return False
            connection.execute(
                """
                update iceberg_tables set previous_metadata_location = metadata_location, metadata_location = ?
                where catalog_name = ? and table_namespace = ? and table_name = ?
                """,
                (location, *key),
            )
            return True

    def stage_table(self, identifier: Identifier, *description: Any) -> StagedTable:
        """What ``create_table`` would make, without making it: a later commit does. The same arguments."""
        if not self.namespace_exists(identifier[:-1]):
            raise NoSuchNamespaceError(f"Namespace does not exist: {'.'.join(identifier[:-1])}")
        return self._create_staged_table(identifier, *description)

    def adopt(self, staged: str, table: TableId, *, replace: bool) -> None:
        """Let a name of this ref mean the table that lies ready in the staging area, in one commit.

        Raises ``TableAlreadyExistsError`` where the name is taken, unless it is to be replaced.
        """
        key = (self.name, table.schema, table.name)
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
                f"""
                insert into iceberg_tables
                    (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
                values (?, ?, ?, ?, 'TABLE')
                on conflict do {conflict}
                """,
                (*key, pointer),
            )
            if not placed.rowcount:
                raise TableAlreadyExistsError(f"{table} exists already")

    @override
    def load_view(self, identifier: str | Identifier) -> View:
        view = _table_id(identifier)
        location = self.pointer(view, "VIEW")
        if location is None:
            raise NoSuchViewError(f"View does not exist: {view}")
        return View((view.schema, view.name), read_view(location))

    @override
    def view_exists(self, identifier: str | Identifier) -> bool:
        return self.pointer(_table_id(identifier), "VIEW") is not None

    @override
    def list_views(self, namespace: str | Identifier) -> list[Identifier]:
        schema = self.namespace_to_string(namespace)
        with self._store.reading() as connection:
            rows = connection.execute(
                """
                select table_name from iceberg_tables
                where catalog_name = ? and table_namespace = ? and iceberg_type = 'VIEW'
                """,
                (self.name, schema),
            ).fetchall()
        return [(schema, name) for (name,) in rows]

    @override
    def drop_view(self, identifier: str | Identifier) -> None:
        view = _table_id(identifier)
        with self._store.writing() as connection:
            dropped = connection.execute(
                """
                delete from iceberg_tables
                where catalog_name = ? and table_namespace = ? and table_name = ? and iceberg_type = 'VIEW'
                """,
                (self.name, view.schema, view.name),
            )
        if not dropped.rowcount:
            raise NoSuchViewError(f"View does not exist: {view}")

    @override
    def drop_namespace(self, namespace: str | Identifier) -> None:
        if views := self.list_views(namespace):
            raise NamespaceNotEmptyError(f"Namespace {namespace} is not empty. {len(views)} views exist.")
        super().drop_namespace(namespace)

    @override
    def purge_table(self, identifier: str | Identifier) -> None:
        # Other branches, and commits that are still to be read, share its files.
        self.drop_table(identifier)

    @override
    def _get_default_warehouse_location(self, database_name: str, table_name: str) -> str:
        # Two branches may each make a table of one name: neither may see the other's files as its own.
        place = super()._get_default_warehouse_location(database_name, table_name)
        return f"{place}-{secrets.token_hex(6)}"

    def _point(
        self, connection: sqlite3.Connection, identifier: Identifier, before: str | None, after: str
    ) -> None:
        *namespace, name = identifier
        key = (self.name, ".".join(namespace), name)
        if before is None:
            try:
                connection.execute(
                    """
                    insert into iceberg_tables
                        (catalog_name, table_namespace, table_name, metadata_location, iceberg_type)
                    values (?, ?, ?, ?, 'TABLE')
                    """,
                    (*key, after),
                )
            except sqlite3.IntegrityError as error:
                raise TableAlreadyExistsError(f"{'.'.join(identifier)} cannot be made: {error}") from error
            return
        moved = connection.execute(
            """
            update iceberg_tables set metadata_location = ?, previous_metadata_location = ?
            where catalog_name = ? and table_namespace = ? and table_name = ? and metadata_location = ?
            """,
            (after, before, *key, before),
        )
        if not moved.rowcount:
            raise CommitFailedException(f"{'.'.join(identifier)} has been changed by another writer")


def _table_id(identifier: str | Identifier) -> TableId:
    *namespace, name = RefCatalog.identifier_to_tuple(identifier)
    return TableId(".".join(namespace), name)
