"""JSON schema to Arrow columns, and JSON values into them.

Types are those of Airbyte's own Iceberg destination: integer → long, number → double, date-time → timestamptz,
anything nested or mixed → JSON text. A value that does not fit becomes null, and the row's meta column says so.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..naming import EXTRACTED_AT, GENERATION_ID, META, RAW_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHANGE: Final = pa.struct(
    [pa.field(name, pa.string(), nullable=False) for name in ("field", "change", "reason")]
)
META_FIELDS: Final = (
    pa.field(RAW_ID, pa.string(), nullable=False),
    pa.field(EXTRACTED_AT, pa.int64(), nullable=False),
    pa.field(
        META,
        pa.struct(
            [
                pa.field("sync_id", pa.int64(), nullable=False),
                pa.field("changes", pa.list_(pa.field("element", _CHANGE, nullable=False)), nullable=False),
            ]
        ),
        nullable=False,
    ),
    pa.field(GENERATION_ID, pa.int64(), nullable=False),
)
_SIMPLE: Final = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
}


def arrow_schema(properties: Mapping[str, Any]) -> pa.Schema:
    """The columns of a stream's table: its fields in their order, then Airbyte's meta columns."""
    return pa.schema([*(pa.field(name, arrow_type(of)) for name, of in properties.items()), *META_FIELDS])


def arrow_type(schema: Mapping[str, Any]) -> pa.DataType:  # noqa: PLR0911 (a table of types)
    """The column type of one JSON schema property."""
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    kinds.discard("null")
    if len(kinds) != 1:
        return pa.string()
    kind = kinds.pop()
    match schema.get("format"), schema.get("airbyte_type"):
        case "date", _ if kind == "string":
            return pa.date32()
        case "time", _ if kind == "string":
            return pa.time64("us")
        case "date-time", "timestamp_without_timezone" if kind == "string":
            return pa.timestamp("us")
        case "date-time", _ if kind == "string":
            return pa.timestamp("us", "UTC")
        case _, "integer":
            return pa.int64()
    return _SIMPLE.get(kind, pa.string())


def convert(value: Any, type_: pa.DataType) -> Any:  # noqa: C901, PLR0911 (a table of types)
    """A JSON value (or the Python value it stands for) as ``type_`` holds it; raises ValueError if it does not fit."""
    if value is None:
        return None
    if pa.types.is_string(type_):
        if isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    if pa.types.is_boolean(type_) and isinstance(value, bool):
        return value
    if pa.types.is_integer(type_) and not isinstance(value, bool) and int(value) == float(value):
        return int(value)
    if pa.types.is_floating(type_) and not isinstance(value, bool):
        return float(value)
    if pa.types.is_timestamp(type_):
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        if type_.tz:
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        return instant.replace(tzinfo=None)
    if pa.types.is_date(type_):
        return value if isinstance(value, date) else date.fromisoformat(value)
    if pa.types.is_time(type_):
        return value if isinstance(value, time) else time.fromisoformat(value).replace(tzinfo=None)
    msg = f"{value!r} is no {type_}"
    raise ValueError(msg)


def infer(value: Any) -> pa.DataType:
    """The column type for a Python value that has no schema."""
    for python, arrow in (
        (bool, pa.bool_()),
        (int, pa.int64()),
        (float, pa.float64()),
        (datetime, pa.timestamp("us", "UTC")),
        (date, pa.date32()),
        (time, pa.time64("us")),
    ):
        if isinstance(value, python):
            return arrow
    return pa.string()
