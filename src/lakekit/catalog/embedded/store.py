"""The SQLite database under the embedded catalog: its tables, its triggers, and how to open it.

PyIceberg's ``SqlCatalog`` keeps one row a table, under a catalog's name. Here that name is a branch's, so that
a branch is a copy of rows. Triggers on those rows keep the history: whoever changes a pointer (PyIceberg in a
landing, DuckDB through the endpoint, a merge) thereby writes a commit, in the same transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from filelock import FileLock
from pyiceberg.catalog.sql import SqlCatalogBaseTable
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

from ...errors import ProjectError
from ...naming import MAIN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Engine

    from .history import Key, State, Value

_VERSION: Final = 1

STAGING: Final = "!staging"
"""A ref that no branch can be named after, and without history: where tables lie that are not done yet."""

STAGING_SCHEMA: Final = "staging"

# Seconds since 1970, with fractions: SQLite has a plain function for that only since 3.42.
_NOW: Final = "(julianday('now') - 2440587.5) * 86400.0"

# refs.open: NULL where each change is a commit of its own; a commit's hash while several changes go into that
# one; '' while pointers are merely copied. It is set and cleared inside one transaction: no one else sees it.
_TABLES: Final = f"""
create table if not exists refs (
    name text primary key,
    hash text not null,
    open text,
    checked text
) without rowid;

create table if not exists commits (
    seq integer primary key,
    hash text not null unique,
    parent text,
    merged text,
    message text not null,
    committed_at real not null
);

-- What a commit set each thing to; `value` is null where it was removed. A thing is a relation (its value the
-- location of its metadata) or a property of a namespace.
create table if not exists changes (
    id integer primary key,
    hash text not null,
    scope text not null check (scope in ('relation', 'property')),
    schema text not null,
    name text not null,
    type text,
    value text
);
create index if not exists changes_of_commit on changes (hash);

create table if not exists checks (
    branch text not null,
    name text not null,
    passed integer not null,
    primary key (branch, name)
) without rowid;

insert into commits (hash, message, committed_at)
select lower(hex(randomblob(16))), 'create the lake', {_NOW}
where not exists (select 1 from commits);
insert into refs (name, hash, open)
select name, hash, open from commits, (select '{MAIN}' as name, null as open union all select '{STAGING}', '')
where seq = 1 on conflict do nothing;
insert into iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
values ('{STAGING}', '{STAGING_SCHEMA}', 'exists', 'true') on conflict do nothing;
"""

_SOURCES: Final[dict[str, tuple[str, str, str, str | None, str]]] = {
    # Of each of SqlCatalog's tables: our scope, and its columns for schema, name, type and value.
    "iceberg_tables": ("relation", "table_namespace", "table_name", "iceberg_type", "metadata_location"),
    "iceberg_namespace_properties": ("property", "namespace", "property_key", None, "property_value"),
}


def _triggers() -> Iterator[str]:
    for table, (scope, schema, name, kind, value) in _SOURCES.items():
        new = f"new.{schema}, new.{name}, {f'new.{kind}' if kind else 'null'}, new.{value}"
        gone = f"old.{schema}, old.{name}, null, null"
        renamed = f"(old.{schema}, old.{name}) is not (new.{schema}, new.{name})"
        what = {
            "insert": ("new", "create", [_record(scope, "new", new)]),
            "delete": ("old", "drop", [_record(scope, "old", gone)]),
            "update": ("new", "change", [_record(scope, "new", gone, renamed), _record(scope, "new", new)]),
        }
        for verb, (row, word, records) in what.items():
            yield f"""
            create trigger if not exists log_{verb}_{scope} after {verb} on {table} begin
                insert into commits (hash, parent, message, committed_at)
                select lower(hex(randomblob(16))), hash,
                       '{word} ' || {row}.{schema} || {f"'.' || {row}.{name}" if kind else "''"}, {_NOW}
                from refs where name = {row}.catalog_name and open is null;
                update refs set hash = (select hash from commits order by seq desc limit 1)
                where name = {row}.catalog_name and open is null;
                {"".join(records)}
            end;
            """
        yield f"""
        create trigger if not exists guard_{scope} before insert on {table}
        when not exists (select 1 from refs where name = new.catalog_name) begin
            select raise(abort, 'the branch is not there any more');
        end;
        """


def _record(scope: str, row: str, values: str, when: str = "true") -> str:
    return f"""
    insert into changes (hash, scope, schema, name, type, value)
    select hash, '{scope}', {values} from refs where name = {row}.catalog_name and open is not '' and {when};
    """


class Store:
    """A database with the pointers of one or more refs. Safe for several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The lake's database in ``folder``, made where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "catalog.db"
        engine = create_engine(
            f"sqlite:///{file}", pool_size=4, max_overflow=-1, connect_args={"timeout": 60}
        )
        event.listen(engine, "connect", _configure)
        store = cls(engine)
        with store.reading() as connection:
            version = connection.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise ProjectError(
                f"{file} was written by a newer lakekit.",
                why=f"its version is {version}",
                todo="upgrade lakekit",
            )
        if version < _VERSION:
            with FileLock(folder / "catalog.lock"):
                store._make()
        return store

    @classmethod
    def pinned(cls, ref: str, state: State) -> Self:
        """A read-only database in memory, with the pointers of one commit under the name ``ref``."""
        store = cls(
            create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        )
        SqlCatalogBaseTable.metadata.create_all(store.engine)
        with store.writing() as connection:
            set_state(connection, ref, state)
        with store.reading() as connection:
            connection.execute("pragma query_only = on")
        return store

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements all see one state of the database."""
        yield from self._transaction("begin")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that holds the write lock: all that is done with it takes effect, or nothing."""
        yield from self._transaction("begin immediate")

    def close(self) -> None:
        self.engine.dispose()

    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        pooled = self.engine.raw_connection()
        try:
            connection: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
            connection.execute(begin)
            yield connection
            connection.commit()
        finally:
            pooled.close()  # gives it back, rolling back what is still open

    def _make(self) -> None:
        SqlCatalogBaseTable.metadata.create_all(self.engine)
        pooled = self.engine.raw_connection()
        try:
            script = "".join([_TABLES, *_triggers()])
            pooled.driver_connection.executescript(  # type: ignore[union-attr]
                f"pragma journal_mode = wal; begin immediate; {script} pragma user_version = {_VERSION}; commit;"
            )
        finally:
            pooled.close()


def set_state(connection: sqlite3.Connection, ref: str, state: Mapping[Key, Value | None]) -> None:
    """Set (or, with None, remove) the pointers and namespace properties of a ref."""
    tables = {columns[0]: (table, columns[1:]) for table, columns in _SOURCES.items()}
    for (scope, schema, name), new in state.items():
        table, (schema_column, name_column, type_column, value_column) = tables[scope]
        connection.execute(
            f"delete from {table} where catalog_name = ? and {schema_column} = ? and {name_column} = ?",
            (ref, schema, name),
        )
        if new is None:
            continue
        row: dict[str, str | None] = {
            "catalog_name": ref,
            schema_column: schema,
            name_column: name,
            value_column: new.value,
        }
        if type_column:
            row[type_column] = new.type
        connection.execute(
            f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )


def copy_state(connection: sqlite3.Connection, source: str, to: str) -> None:
    """Copy all pointers and namespaces of one branch to another, which has none."""
    for table, (_, *columns) in _SOURCES.items():
        names = ", ".join(column for column in columns if column)
        connection.execute(
            f"insert into {table} (catalog_name, {names}) select ?, {names} from {table} where catalog_name = ?",
            (to, source),
        )


@contextmanager
def one_commit(
    connection: sqlite3.Connection, branch: str, message: str, merged: str | None = None
) -> Iterator[None]:
    """Make one commit of all that changes on a branch inside the block."""
    connection.execute(
        f"""
        insert into commits (hash, parent, merged, message, committed_at)
        select lower(hex(randomblob(16))), hash, ?, ?, {_NOW} from refs where name = ?
        """,
        (merged, message, branch),
    )
    connection.execute(
        """
        update refs set (hash, open) = (select hash, hash from commits order by seq desc limit 1)
        where name = ?
        """,
        (branch,),
    )
    yield
    connection.execute("update refs set open = null where name = ?", (branch,))


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    # In WAL mode this survives a kill at any moment. A power cut may take the last commits with it; it may as well
    # take table files, which no one has forced to disk either.
    connection.execute("pragma synchronous = normal")
