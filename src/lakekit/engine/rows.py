"""Putting rows into a table in place of those with the same key, on either engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..errors import QueryFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog as IcebergCatalog

    from ..catalog.protocol import TableId

# What Iceberg stores instead of types that it has not.
_STORED: Final = {
    pa.int8(): pa.int32(),
    pa.int16(): pa.int32(),
    pa.uint8(): pa.int32(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.date64(): pa.date32(),
    pa.time32("s"): pa.time64("us"),
    pa.time32("ms"): pa.time64("us"),
    pa.time64("ns"): pa.time64("us"),
}


def storable(rows: pa.Table) -> pa.Table:
    """The rows in types that Iceberg has; raises ``QueryFailed`` where a value does not fit."""
    schema = pa.schema([_field(field) for field in rows.schema])
    try:
        return rows if schema.equals(rows.schema) else rows.cast(schema)
    except pa.ArrowInvalid as error:
        raise QueryFailed("A value does not fit into what can be stored.", why=str(error)) from error


def must_be_given(rows: pa.Table, required: set[str], table: TableId) -> None:
    """Raise ``QueryFailed`` where rows leave a required column of their table empty."""
    for name in sorted(required):
        if name not in rows.column_names:
            raise QueryFailed(f"'{name}' of {table} must be given.", why="it may not be null")
        if rows.column(name).null_count:
            raise QueryFailed(f"'{name}' of {table} is null in a row.", why="it may not be")


def must_have_key(rows: pa.Table, key: Sequence[str], table: TableId) -> None:
    """Raise ``QueryFailed`` where rows lack a column of their key."""
    for name in key:
        if name not in rows.column_names:
            raise QueryFailed(f"The rows for {table} have no column '{name}'.", why="it is their key")


def put_through_pyiceberg(
    iceberg: IcebergCatalog, id_: TableId, rows: pa.Table, key: Sequence[str], *, replace: bool = False
) -> None:
    """Put rows into a table in one commit, in place of those with the same key; the table is made if need be.

    With ``replace`` they are put in place of all that it held. Raises ``QueryFailed`` where they do not fit, or where
    others do not stop writing to it.
    """
    from pyiceberg.exceptions import CommitFailedException

    from ..catalog.rereading import until_committed

    must_have_key(rows, key, id_)
    rows = storable(rows)
    for column, array in zip(rows.column_names, rows.columns, strict=True):
        if any(_would_be_emptied(chunk) for chunk in array.chunks):
            raise QueryFailed(
                f"'{column}' has an array of rows that is null.",
                why="PyIceberg would write an empty one",
                todo="give an empty array, or test it on the embedded engine",
            )
    try:
        until_committed(lambda: _put(iceberg, id_, rows, key, replace=replace))
    except CommitFailedException as error:
        raise QueryFailed(f"{id_} kept changing.", why=str(error), todo="try it again") from error


def _put(iceberg: IcebergCatalog, id_: TableId, rows: pa.Table, key: Sequence[str], *, replace: bool) -> None:
    from pyiceberg.exceptions import NoSuchTableError
    from pyiceberg.expressions import AlwaysTrue

    from ..catalog.rereading import as_read, make

    try:
        table = as_read(iceberg.load_table((id_.schema, id_.name)))
    except NoSuchTableError:
        must_be_given(rows, {field.name for field in rows.schema if not field.nullable}, id_)
        make(iceberg, id_, rows)
        return
    must_be_given(rows, {field.name for field in table.schema().fields if field.required}, id_)
    found = None
    if table.current_snapshot() and (replace or (key and rows.num_rows)):
        found = AlwaysTrue() if replace else _among(rows, key)
    if found is not None and not table.scan(row_filter=found).count():
        found = None  # PyIceberg warns of a delete that finds nothing
    with table.transaction() as change:
        if set(rows.column_names) - set(table.schema().column_names):
            with change.update_schema() as update:
                update.union_by_name(_optional(rows.schema))
        schema = change.table_metadata.schema().as_arrow()
        if found is not None:
            change.delete(found)
        change.append(_as(rows, schema))


def _among(rows: pa.Table, key: Sequence[str]) -> Any:
    """The filter that finds what has the key of any of the rows."""
    from pyiceberg import expressions

    of: Any = expressions  # its constructors take plain names and values, which its annotations do not say
    if len(key) == 1:
        values = rows.column(key[0]).unique()
        known = values.drop_null().to_pylist()
        found = of.In(key[0], known) if known else of.AlwaysFalse()
        return of.Or(found, of.IsNull(key[0])) if values.null_count else found
    found = of.AlwaysFalse()
    for row in rows.select(list(key)).group_by(list(key)).aggregate([]).to_pylist():
        same: Any = of.AlwaysTrue()
        for name, value in row.items():
            same = of.And(same, of.IsNull(name) if value is None else of.EqualTo(name, value))
        found = of.Or(found, same)
    return found


def _would_be_emptied(array: pa.Array) -> bool:
    """Whether it holds a null array of rows, at any depth: PyIceberg 0.12 makes an empty array of that."""
    if pa.types.is_struct(array.type):
        return any(map(_would_be_emptied, array.flatten()))
    if pa.types.is_map(array.type):
        return _would_be_emptied(array.keys) or _would_be_emptied(array.items)
    if pa.types.is_list(array.type):
        lost = pa.types.is_struct(array.type.value_type) and array.null_count > 0
        return lost or _would_be_emptied(array.flatten())
    return False


def _as(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with exactly the columns of a table; those that they lack are null."""
    columns = {}
    for field in schema:
        if field.name not in rows.column_names:
            columns[field.name] = pa.nulls(rows.num_rows, field.type)
            continue
        given = rows.column(field.name)
        # PyIceberg fits nested ones itself, and Arrow's cast makes empty lists of those that are null.
        columns[field.name] = given if pa.types.is_nested(given.type) else given.cast(field.type)
    nullable = {field.name: field.nullable for field in schema}
    fields = [pa.field(name, column.type, nullable[name]) for name, column in columns.items()]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))


def _optional(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _field(field: pa.Field) -> pa.Field:
    try:
        return field.with_type(_type(field.type))
    except ValueError as error:
        raise QueryFailed(f"Column '{field.name}' cannot be stored.", why=str(error)) from error


def _type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind):
        raise ValueError("it has no type: all of it is null")
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_struct(kind):
        return pa.struct([_field(field) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_field(kind.key_field), _field(kind.item_field))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_field(kind.value_field))
    return _STORED.get(kind, kind)
