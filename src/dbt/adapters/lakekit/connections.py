"""dbt's connection to the embedded engine: a session at a ref, whose cursors hold whole results."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from dbt.adapters.contracts.connection import AdapterResponse, Connection, ConnectionState, Credentials
from dbt.adapters.sql.connections import SQLConnectionManager
from dbt_common.exceptions import DbtDatabaseError, DbtRuntimeError
from typing_extensions import override

from lakekit.dbt.recording import at_its_time, under_way
from lakekit.engine.duckdb import shared_engine
from lakekit.engine.duckdb.operations import Rows, ask
from lakekit.errors import LakekitError
from lakekit.naming import CATALOG, MAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakekit.engine.duckdb.session import Session


@dataclass
class LakekitCredentials(Credentials):
    """A target of ``profiles.yml``: ``path`` is the lake's folder, relative to the dbt project's.

    The ref is no part of it: it is read from LAKEKIT_REF when a connection opens (main if unset), so that
    building on another branch does not make dbt parse the project anew.
    """

    path: str

    # There is one database, so a profile need not name it.
    database: str = field(default=CATALOG, kw_only=True)

    @property
    @override
    def type(self) -> str:
        return "lakekit"

    @property
    @override
    def unique_field(self) -> str:
        return self.path

    @override
    def _connection_keys(self) -> tuple[str, ...]:
        return ("path", "database", "schema")


def asked(session: Session, name: str, *arguments: str) -> Any:
    """Ask the engine something; where a build is being recorded, that it was asked and answered is written down."""
    build = under_way.get()
    if build is None:
        return ask(session, name, arguments)
    build.may(name)
    answer = ask(session, name, at_its_time(name, arguments, build.now))
    build.note(name, arguments, answer)
    return answer


@dataclass
class Cursor:
    """What dbt expects of a cursor, as far as it uses one."""

    session: Session
    _rows: Rows = field(default_factory=lambda: Rows(pa.table({})))

    @property
    def description(self) -> list[tuple[str, None]] | None:
        """Name and, as dbt never asks for it, no type of each column."""
        return [(name, None) for name in self._rows.table.column_names] or None

    @property
    def rowcount(self) -> int:
        return int(self._rows.table.num_rows)

    def execute(self, sql: str, bindings: object = None) -> None:
        if bindings:
            raise DbtRuntimeError("lakekit: statements with bindings are not supported")
        self._rows = asked(self.session, "run", sql)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows.tuples()

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        return self.fetchall()[:size]

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchmany(1)), None)


@dataclass
class Handle:
    """A connection: the session is shared, so there is nothing to close, and each statement stands alone."""

    session: Session

    def cursor(self) -> Cursor:
        return Cursor(self.session)

    def close(self) -> None:
        """Leave the session to the process: the engine owns it."""

    def rollback(self) -> None:
        """Nothing is ever left open."""


class LakekitConnectionManager(SQLConnectionManager):
    """Connections at the ref that LAKEKIT_REF names."""

    TYPE = "lakekit"

    @classmethod
    @override
    def open(cls, connection: Connection) -> Connection:
        if connection.state != ConnectionState.OPEN:
            engine = shared_engine(Path(connection.credentials.path))
            connection.handle = Handle(engine.session(os.environ.get("LAKEKIT_REF") or MAIN))
            connection.state = ConnectionState.OPEN
        return connection

    @contextmanager
    @override
    def exception_handler(self, sql: str) -> Iterator[None]:
        try:
            yield
        except LakekitError as error:
            raise DbtDatabaseError(str(error)) from error

    @override
    def cancel(self, connection: Connection) -> None:
        """Let a running statement come to its end: it commits as a whole or not at all."""

    @classmethod
    @override
    def get_response(cls, cursor: Cursor) -> AdapterResponse:
        return AdapterResponse(_message="OK", rows_affected=cursor.rowcount)

    # Each statement is a transaction of its own: an Iceberg commit.
    @override
    def begin(self) -> None: ...

    @override
    def commit(self) -> None: ...

    @override
    def commit_if_has_connection(self) -> None: ...

    @override
    def clear_transaction(self) -> None: ...
