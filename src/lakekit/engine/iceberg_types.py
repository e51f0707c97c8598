"""Iceberg's types as Trino names them, so that a table's columns can be known without asking Trino.

Source: the Iceberg connector's type mapping in Trino's documentation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

_SIMPLE: Final[dict[type[IcebergType], str]] = {
    BooleanType: "boolean",
    IntegerType: "integer",
    LongType: "bigint",
    FloatType: "real",
    DoubleType: "double",
    DateType: "date",
    TimeType: "time(6)",
    TimestampType: "timestamp(6)",
    TimestamptzType: "timestamp(6) with time zone",
    StringType: "varchar",
    UUIDType: "uuid",
    FixedType: "varbinary",
    BinaryType: "varbinary",
}
_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")


def trino_columns(schema: Schema) -> list[tuple[str, str]]:
    """The columns of a table as Trino's information_schema tells them; raises ValueError for a type that it has not."""
    return [(field.name.lower(), _trino(field.field_type)) for field in schema.fields]


def _trino(type_: IcebergType) -> str:
    match type_:
        case DecimalType():
            return f"decimal({type_.precision},{type_.scale})"
        case ListType():
            return f"array({_trino(type_.element_type)})"
        case MapType():
            return f"map({_trino(type_.key_type)}, {_trino(type_.value_type)})"
        case StructType():
            return f"row({', '.join(f'{_name(field.name)} {_trino(field.field_type)}' for field in type_.fields)})"
    if simple := _SIMPLE.get(type(type_)):
        return simple
    msg = f"Trino has no type for {type_}"
    raise ValueError(msg)


def _name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'
