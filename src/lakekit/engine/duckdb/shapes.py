"""The columns of the lake's tables in DuckDB's types, told by their metadata: no query is needed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ...catalog.embedded.files import read_json
from ...catalog.embedded.metadata import current_schema
from ...naming import quote

if TYPE_CHECKING:
    from ...catalog.embedded.files import Json

# Iceberg's types as DuckDB's Iceberg extension reads them.
_PRIMITIVE: Final = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "string": "VARCHAR",
    "uuid": "UUID",
    "binary": "BLOB",
}

Shape = tuple[tuple[str, str], ...]
"""Names and types of columns, in order."""


@lru_cache(maxsize=10_000)
def table_shape(pointer: str) -> Shape | None:
    """The columns of the table whose metadata lies there; None where a type is not among the usual ones."""
    schema = current_schema(read_json(pointer))
    try:
        return tuple((field["name"], _duckdb(field["type"])) for field in schema["fields"])
    except KeyError:
        return None


def column_names(pointer: str) -> list[str]:
    """The names of the table's columns, in order."""
    return [field["name"] for field in current_schema(read_json(pointer))["fields"]]


def required_columns(pointer: str) -> set[str]:
    """The columns that may not be null."""
    fields = current_schema(read_json(pointer))["fields"]
    return {field["name"] for field in fields if field["required"]}


def requires_inside(pointer: str) -> bool:
    """Whether something inside a column may not be null: DuckDB then refuses what is empty, too."""
    fields = current_schema(read_json(pointer))["fields"]
    return any(_requires(field["type"]) for field in fields)


def _requires(kind: Json | str) -> bool:
    if isinstance(kind, str):
        return False
    match kind["type"]:
        case "struct":
            return any(field["required"] or _requires(field["type"]) for field in kind["fields"])
        case "list":
            return bool(kind["element-required"]) or _requires(kind["element"])
    return bool(kind["value-required"]) or _requires(kind["value"])


def _duckdb(kind: Json | str) -> str:
    if isinstance(kind, str):
        return kind.replace("decimal(", "DECIMAL(").replace(" ", "") if "(" in kind else _PRIMITIVE[kind]
    match kind["type"]:
        case "struct":
            fields = (f"{quote(field['name'])} {_duckdb(field['type'])}" for field in kind["fields"])
            return f"STRUCT({', '.join(fields)})"
        case "list":
            return f"{_duckdb(kind['element'])}[]"
        case "map":
            return f"MAP({_duckdb(kind['key'])}, {_duckdb(kind['value'])})"
    raise KeyError(kind["type"])
