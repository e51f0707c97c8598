"""The SQLite database under the embedded catalog: its tables, its triggers, and how to open it.

PyIceberg's ``SqlCatalog`` keeps one row a table, under a catalog's name. Here that name is a branch's, so that
a branch is a copy of rows. Triggers on those rows keep the history: whoever changes a pointer (PyIceberg in a
landing, DuckDB through the endpoint, a merge) thereby writes a commit, in the same transaction.
"""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from ...errors import ProjectError
from ...naming import MAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from .history import Key, State, Value

_VERSION: Final = 1

_KEPT: Final = 4
"""How many idle connections are kept open."""

STAGING: Final = "!staging"
"""A ref that no branch can be named after, and without history: where tables lie that are not done yet."""

STAGING_SCHEMA: Final = "staging"

# Seconds since 1970, with fractions: SQLite has a plain function for that only since 3.42.
_NOW: Final = "(julianday('now') - 2440587.5) * 86400.0"

# SqlCatalog's own two, as it makes them.
_ICEBERG_TABLES: Final = """
create table if not exists iceberg_namespace_properties (
    catalog_name varchar(255) not null,
    namespace varchar(255) not null,
    property_key varchar(255) not null,
    property_value varchar(1000) not null,
    primary key (catalog_name, namespace, property_key)
);
create table if not exists iceberg_tables (
    catalog_name varchar(255) not null,
    table_namespace varchar(255) not null,
    table_name varchar(255) not null,
    metadata_location varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type varchar(5),
    primary key (catalog_name, table_namespace, table_name)
);
"""

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

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self.connect = connect
        """A new connection to the database, for whoever keeps connections of its own."""
        self._idle: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The lake's database in ``folder``, made where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "catalog.db"
        store = cls(lambda: _connect(file))
        with store.reading() as connection:
            version = connection.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise ProjectError(
                f"{file} was written by a newer lakekit.",
                why=f"its version is {version}",
                todo="upgrade lakekit",
            )
        if version < _VERSION:
            with (folder / "catalog.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                store._make()
        return store

    @classmethod
    def pinned(cls, ref: str, state: State) -> Self:
        """Read-only databases in memory, with the pointers of one commit under the name ``ref``."""

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(":memory:", check_same_thread=False)
            connection.executescript(_ICEBERG_TABLES)
            set_state(connection, ref, state)
            connection.commit()
            connection.execute("pragma query_only = on")
            return connection

        return cls(connect)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements all see one state of the database."""
        yield from self._transaction("begin")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that holds the write lock: all that is done with it takes effect, or nothing."""
        yield from self._transaction("begin immediate")

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.connect()
        try:
            connection.execute(begin)
            yield connection
            connection.commit()
        finally:
            if connection.in_transaction:
                connection.rollback()
            if len(self._idle) < _KEPT:
                self._idle.append(connection)
            else:
                connection.close()

    def _make(self) -> None:
        connection = self.connect()
        script = "".join([_ICEBERG_TABLES, _TABLES, *_triggers()])
        connection.executescript(
            f"pragma journal_mode = wal; begin immediate; {script} pragma user_version = {_VERSION}; commit;"
        )
        connection.close()


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


def move_state(connection: sqlite3.Connection, source: str, to: str) -> None:
    """Make the pointers and namespaces of one branch those of another, touching only rows that differ."""
    for table, (_, *columns) in _SOURCES.items():
        names = [column for column in columns if column]
        same = " and ".join(f"one.{name} is other.{name}" for name in names)
        for ref, other, change in (
            (to, source, "delete from {table} where rowid in (select one.rowid {rows})"),
            (source, to, "insert into {table} (catalog_name, {names}) select :ref, {ours} {rows}"),
        ):
            rows = f"""
                from {table} as one where one.catalog_name = :one and not exists
                (select 1 from {table} as other where other.catalog_name = :other and {same})
            """
            statement = change.format(
                table=table,
                rows=rows,
                names=", ".join(names),
                ours=", ".join(f"one.{name}" for name in names),
            )
            connection.execute(statement, {"ref": to, "one": ref, "other": other})


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


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=60, check_same_thread=False)
    # In WAL mode this survives a kill at any moment. A power cut may take the last commits with it; it may as well
    # take table files, which no one has forced to disk either.
    connection.execute("pragma synchronous = normal")
    return connection
