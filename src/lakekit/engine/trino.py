"""Trino as an engine: a catalog for each ref, Arrow out."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import trino

from ..catalog.nessie import catalog_name
from ..catalog.views import rebind
from ..errors import QueryFailed, StackFailed
from ..naming import AT, CATALOG, MAIN, is_hash, new_branch_name, quote
from ..stack.trino import connect, create_catalog_sql, not_let_in
from .protocol import DbtTarget
from .rows import put_through_pyiceberg
from .trino_types import arrow_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..catalog.nessie import NessieCatalog
    from ..catalog.protocol import TableId
    from ..stack.endpoints import Endpoints


# At each connection it remarks that there is no keyring, which nothing here asks for.
logging.getLogger("trino.auth").setLevel(logging.WARNING)


class TrinoEngine:
    """Runs statements on one Trino, at any ref of a Nessie catalog."""

    def __init__(self, endpoints: Endpoints, catalog: NessieCatalog) -> None:
        self._endpoints = endpoints
        self._nessie = catalog
        self._known: set[str] = set()
        self._old_commits: dict[str, str] = {}
        self._lock = Lock()

    def execute(self, ref: str, sql: str) -> pa.Table:
        name = self._catalog(ref)
        if name != CATALOG and CATALOG in sql:
            # "lake.shop.orders" means the table at the ref that the statement runs at, not main's.
            sql = rebind(sql, CATALOG.__eq__, name)
        try:
            return self._run(sql, name)
        except trino.exceptions.TrinoUserError as error:
            if error.error_name != "CATALOG_NOT_FOUND":
                raise _query_failed(error) from error
            # Trino keeps its catalogs in memory: it was started anew since this one was made.
            self._known.discard(name)
            self._catalog(ref)
            try:
                return self._run(sql, name)
            except trino.exceptions.TrinoQueryError as again:
                raise _query_failed(again) from again
        except trino.exceptions.TrinoQueryError as error:
            raise _query_failed(error) from error

    def put_rows(self, ref: str, table: TableId, rows: pa.Table, key: Sequence[str]) -> None:
        # What Trino takes for each statement is more than a commit through PyIceberg takes as a whole.
        try:
            put_through_pyiceberg(self._nessie.iceberg(ref), table, rows, key)
        except OSError as error:
            raise StackFailed(
                f"The S3 store does not answer at {self._endpoints.s3_endpoint}.",
                why=str(error),
                todo="lakekit status",
            ) from error

    def connection(self, ref: str) -> trino.dbapi.Connection:
        """A DB-API connection of Trino's own client, whose catalog is the ref's."""
        return connect(self._endpoints, self._catalog(ref))

    def dbt_target(self, ref: str) -> DbtTarget:
        at, catalog = self._endpoints, self._catalog(ref)
        env = {
            "LAKEKIT_TRINO_HOST": at.trino_host,
            "LAKEKIT_TRINO_PORT": str(at.trino_port),
            "LAKEKIT_TRINO_USER": at.trino_user,
            "LAKEKIT_TRINO_SCHEME": at.trino_scheme,
            "LAKEKIT_CATALOG": catalog,
        }
        if at.ca:
            env |= {"LAKEKIT_TRINO_CA": at.ca, "REQUESTS_CA_BUNDLE": at.ca}
        if at.trino_password:
            secret = {"DBT_ENV_SECRET_TRINO_PASSWORD": at.trino_password}
            return DbtTarget("trino_password", env | secret, catalog)
        if at.trino_token:
            return DbtTarget("trino_jwt", env | {"DBT_ENV_SECRET_TRINO_TOKEN": at.trino_token}, catalog)
        return DbtTarget("trino", env, catalog)

    def forget(self, ref: str) -> None:
        name = catalog_name(ref)
        if ref != MAIN:
            self._run(f"drop catalog if exists {quote(name)}")
            self._known.discard(name)

    def close(self) -> None:
        with ExitStack() as left:  # what can be done of it is, whatever fails
            for branch in self._old_commits.values():
                left.callback(self._nessie.delete_branch, branch)
                left.callback(self.forget, branch)
            self._old_commits.clear()

    def _catalog(self, ref: str) -> str:
        """The Trino catalog that shows ``ref``, made if need be."""
        read_only = is_hash(ref)
        if read_only:
            ref = self._branch_at(ref)
        name = catalog_name(ref)
        with self._lock:
            if name not in self._known:
                self._run(create_catalog_sql(name, ref, self._endpoints, read_only=read_only))
                self._known.add(name)
        return name

    def _branch_at(self, commit: str) -> str:
        """A branch at an old commit, until this engine closes: the commit's own views may read any catalog.

        It is this engine's alone: another that closed would take it from under a query.
        """
        with self._lock:
            if commit not in self._old_commits:
                branch = new_branch_name(AT)
                self._nessie.create_branch(branch, at=commit)
                self._old_commits[commit] = branch
            return self._old_commits[commit]

    def _run(self, sql: str, catalog: str | None = None) -> pa.Table:
        connection = connect(self._endpoints, catalog)
        cursor = connection.cursor()
        try:
            cursor.execute(sql)
            rows = cursor.fetchall()
            if cursor.update_type or not cursor.description:
                return pa.table({})
            return _table(cursor.description, rows)
        except trino.exceptions.HttpError as error:
            if "401" not in str(error) and "403" not in str(error):
                raise
            raise not_let_in(self._endpoints, error) from error
        except trino.exceptions.TrinoConnectionError as error:
            raise StackFailed(
                f"Trino does not answer at {self._endpoints.trino_uri}.",
                why=str(error),
                todo="lakekit status",
            ) from error
        finally:
            connection.close()  # type: ignore[no-untyped-call]


def _table(description: list[Any], rows: list[list[Any]]) -> pa.Table:
    try:
        types = [arrow_type(column.type_code) for column in description]
    except ValueError as error:
        raise QueryFailed("A column's type cannot be returned.", why=str(error), todo="cast it") from error
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in types]
    arrays = [pa.array(map(_plain, values), type_) for values, type_ in zip(columns, types, strict=True)]
    return pa.Table.from_arrays(arrays, names=[column.name for column in description])


def _plain(value: Any) -> Any:
    """What Arrow takes for Python's form of a Trino value."""
    match value:
        case UUID():
            return str(value)
        case dict():
            return [(_plain(key), _plain(item)) for key, item in value.items()]
        case tuple() | list():
            return (list if isinstance(value, list) else tuple)(map(_plain, value))
        case _:
            return value


def _query_failed(error: trino.exceptions.TrinoQueryError) -> QueryFailed:
    return QueryFailed("Trino refused the statement.", why=f"{error.error_name}: {error.message}")
