"""Rows from Arrow into a table of the lake, through DuckDB, in one commit."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from pyarrow.parquet import write_table

from ...catalog.embedded.refusals import SchemaExists
from ...errors import QueryFailed
from ...naming import CATALOG, quote
from ..rows import must_be_given, must_have_key, put_through_pyiceberg, storable
from .session import described, failing
from .shapes import column_names, required_columns, requires_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa
    from duckdb import DuckDBPyConnection

    from ...catalog.protocol import Entry, TableId
    from .session import Session


def put_rows(session: Session, table: TableId, rows: pa.Table, key: Sequence[str]) -> None:
    """Put rows into a table in place of those with the same key; the table is made of their schema if need be.

    Raises ``QueryFailed`` where they do not fit; nothing has changed then.
    """
    must_have_key(rows, key, table)
    rows = storable(rows)
    entry = session.catalog.entries(session.ref).get(table)
    if entry and entry.kind == "table" and requires_inside(entry.pointer):
        session.writable()
        with failing():
            put_through_pyiceberg(session.catalog.iceberg(session.ref), table, rows, key)
        return
    with session.cursor() as cursor, failing(), _readable(rows, session.catalog.folder) as given:
        if entry is None:
            _create(session, cursor, table, rows, given)
        else:
            _replace(session, cursor, entry, rows, given, key)


@contextmanager
def _readable(rows: pa.Table, folder: Path) -> Iterator[str]:
    """What DuckDB is to read for rows: a file, for as long as the block runs.

    To register an Arrow table DuckDB imports all of Arrow's functions, which takes longer than a model's build.
    """
    file = folder / "given" / f"{uuid4().hex}.parquet"
    file.parent.mkdir(exist_ok=True)
    try:
        write_table(rows, file, compression="none")
        yield f"read_parquet('{str(file).replace(chr(39), chr(39) * 2)}')"
    finally:
        file.unlink(missing_ok=True)


def _create(session: Session, cursor: DuckDBPyConnection, table: TableId, rows: pa.Table, given: str) -> None:
    required = {field.name for field in rows.schema if not field.nullable}
    must_be_given(rows, required, table)
    relations = session.writable()
    if not relations.has_schema(table.schema):
        with suppress(SchemaExists):  # another writer may be making it
            relations.create_schema(table.schema)
    columns = [
        f"{quote(column)} {kind} {'not null' if column in required else ''}"
        for column, kind in described(cursor, f"from {given}")
    ]
    with session.staged(cursor, table, columns) as place:
        if rows.num_rows:
            cursor.execute(f"insert into {place} from {given}")


def _replace(
    session: Session,
    cursor: DuckDBPyConnection,
    entry: Entry,
    rows: pa.Table,
    given: str,
    key: Sequence[str],
) -> None:
    if entry.kind == "view":
        raise QueryFailed(f"{entry.id} is a view: rows cannot be put into it.")
    session.writable()
    must_be_given(rows, required_columns(entry.pointer), entry.id)
    place = quote(CATALOG, entry.id.schema, entry.id.name)
    held = {column.lower() for column in column_names(entry.pointer)}
    for column, kind in described(cursor, f"from {given}"):
        if column.lower() not in held:
            cursor.execute(f"alter table {place} add column {quote(column)} {kind}")
    if not rows.num_rows:
        return
    cursor.begin()
    try:
        if key:
            same = " and ".join(f"given.{quote(k)} is not distinct from held.{quote(k)}" for k in key)
            cursor.execute(
                f"delete from {place} as held where exists (select 1 from {given} as given where {same})"
            )
        cursor.execute(f"insert into {place} by name from {given}")
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
