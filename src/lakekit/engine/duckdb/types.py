"""DuckDB's types that neither Trino nor Iceberg has, and what stands for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import pyarrow as pa

from ...errors import QueryFailed
from ...naming import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

# What Iceberg can store instead. sum(bigint) is a HUGEINT; Trino's is a bigint, and fails where it overflows.
_STORED: Final = {
    "hugeint": "BIGINT",
    "uhugeint": "BIGINT",
    "ubigint": "DECIMAL(20, 0)",
    "uinteger": "BIGINT",
    "usmallint": "INTEGER",
    "utinyint": "INTEGER",
    "smallint": "INTEGER",
    "tinyint": "INTEGER",
    "timestamp_s": "TIMESTAMP",
    "timestamp_ms": "TIMESTAMP",
    "timestamp_ns": "TIMESTAMP",
    "json": "VARCHAR",
    "enum": "VARCHAR",
}

# Where Trino's name for a type is not DuckDB's in lower case.
_TRINO: Final = {
    "blob": "varbinary",
    "float": "real",
    "time": "time(6)",
    "timestamp": "timestamp(6)",
    "timestamp with time zone": "timestamp(6) with time zone",
    "hugeint": "bigint",
    "uhugeint": "bigint",
    "ubigint": "decimal(20,0)",
    "uinteger": "bigint",
    "usmallint": "integer",
    "utinyint": "smallint",
    "timestamp_s": "timestamp(6)",
    "timestamp_ms": "timestamp(6)",
    "timestamp_ns": "timestamp(6)",
    "enum": "varchar",
}

# What a result's column becomes: types that Trino could have answered with.
_ANSWERED: Final = {
    "hugeint": pa.int64(),
    "uhugeint": pa.int64(),
    "ubigint": pa.decimal128(20, 0),
    "uinteger": pa.int64(),
    "usmallint": pa.int32(),
    "utinyint": pa.int16(),
    "timestamp_s": pa.timestamp("us"),
    "timestamp_ms": pa.timestamp("us"),
    "timestamp_ns": pa.timestamp("us"),
}


def stored_type(kind: DuckDBPyType) -> str:
    """The type, in DuckDB's words, that Iceberg stores for ``kind``."""
    if str(kind) == "JSON":  # to DuckDB a VARCHAR by another name
        return "VARCHAR"
    match kind.id:
        case "list" | "array":
            return f"{stored_type(_children(kind)['child'])}[]"
        case "map":
            return f"MAP({stored_type(_children(kind)['key'])}, {stored_type(_children(kind)['value'])})"
        case "struct":
            fields = (f"{quote(name)} {stored_type(child)}" for name, child in _children(kind).items())
            return f"STRUCT({', '.join(fields)})"
    return _STORED.get(kind.id, str(kind))


def trino_type(kind: DuckDBPyType) -> str:
    """The type as Trino names it."""
    if str(kind) == "JSON":
        return "json"
    match kind.id:
        case "list" | "array":
            return f"array({trino_type(_children(kind)['child'])})"
        case "map":
            children = _children(kind)
            return f"map({trino_type(children['key'])}, {trino_type(children['value'])})"
        case "struct":
            fields = (f"{quote(name)} {trino_type(child)}" for name, child in _children(kind).items())
            return f"row({', '.join(fields)})"
    return _TRINO.get(kind.id, str(kind).lower())


def as_stored(query: str, columns: Sequence[tuple[str, DuckDBPyType]]) -> str:
    """A DuckDB query whose columns have types that Iceberg can store."""
    casts = [
        f"cast({quote(name)} as {stored_type(kind)}) as {quote(name)}"
        for name, kind in columns
        if not _is_stored(kind)
    ]
    return f"select * replace ({', '.join(casts)}) from ({query}\n)" if casts else query


def answer(cursor: DuckDBPyConnection) -> pa.Table:
    """The rows of an executed query, in types that Trino has; raises ``QueryFailed`` on an overflow."""
    assert cursor.description is not None
    kinds = [column[1] for column in cursor.description]
    table = cursor.to_arrow_table()
    columns = []
    if any(kind.id == "interval" for kind in kinds):
        raise QueryFailed("A column's type cannot be returned.", why="it is an interval", todo="cast it")
    for name, column, kind in zip(table.column_names, table.columns, kinds, strict=True):
        wanted = _answered(kind, column.type)
        try:
            columns.append(column if wanted == column.type else column.cast(wanted))
        except pa.ArrowInvalid as error:
            raise QueryFailed(f"Column '{name}' does not fit into {wanted}.", why=str(error)) from error
    return pa.Table.from_arrays(columns, names=table.column_names)


def _answered(kind: DuckDBPyType, arrow: pa.DataType) -> pa.DataType:
    match kind.id:
        case "list":
            return pa.list_(_answered(_children(kind)["child"], arrow.value_type))
        case "map":
            return pa.map_(
                _answered(_children(kind)["key"], arrow.key_type),
                _answered(_children(kind)["value"], arrow.item_type),
            )
        case "struct":
            return pa.struct(
                [(name, _answered(child, arrow.field(name).type)) for name, child in _children(kind).items()]
            )
    return _ANSWERED.get(kind.id, arrow)


def _children(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    return dict(cast("list[tuple[str, DuckDBPyType]]", kind.children))


def _is_stored(kind: DuckDBPyType) -> bool:
    if kind.id in ("list", "map", "struct"):
        return all(_is_stored(child) for child in _children(kind).values())
    return kind.id not in _STORED and kind.id != "array" and str(kind) != "JSON"
