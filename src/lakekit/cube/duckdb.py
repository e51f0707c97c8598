"""The marts in a file that Cube's DuckDB driver serves: that cannot read the embedded lake's catalog itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import MissingExtra, UsageError
from ..naming import quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from ..catalog.protocol import TableId
    from ..lake import Lake


def export(lake: Lake, tables: Iterable[TableId], file: Path) -> int:
    """Copy tables into a new DuckDB file in place of ``file``, and return their rows.

    They are of one moment where the lake is at a commit. Raises ``UsageError`` where the file cannot be written, or Cube could
    not tell it from a schema.
    """
    tables = list(tables)
    if file.stem in {table.schema for table in tables}:
        raise UsageError(
            f"{file.name} cannot be served.",
            why=f"DuckDB calls the file '{file.stem}', as the schema in it: it could not tell which is meant",
            todo="name it otherwise, like lake.duckdb",
        )
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise MissingExtra("duckdb", "duckdb") from error

    draft = file.with_name(f".new-{os.getpid()}-{file.name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with duckdb.connect(str(draft)) as database:
                rows = sum(_copy(lake, table, database) for table in tables)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, duckdb.IOException) as error:
        raise UsageError(f"{file} cannot be written.", why=str(error)) from error
    return rows


def _copy(lake: Lake, table: TableId, database: DuckDBPyConnection) -> int:
    rows = lake.sql(f"select * from {quote(table.schema, table.name)}").arrow()
    database.execute(f"create schema if not exists {quote(table.schema)}")
    database.register("lakekit_rows", rows)
    database.execute(f"create table {quote(table.schema, table.name)} as from lakekit_rows")
    database.unregister("lakekit_rows")
    return int(rows.num_rows)
