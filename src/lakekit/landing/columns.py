"""JSON schema to Arrow columns, and JSON values into them.

Types are those of Airbyte's own Iceberg destination: integer → long, number → double, date-time → timestamptz,
anything nested or mixed → JSON text. A value that does not fit becomes null, and the row's meta column says so.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

import msgspec
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
    if not hasattr(schema, "get"):  # `true` is a schema, too: of anything
        return pa.string()
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


class Fields:
    """A stream's columns, and how a record's JSON is read into them."""

    def __init__(self, types: Mapping[str, pa.DataType]) -> None:
        self.types = types
        # A value is kept as its JSON until its column's type is known to fit: what is nested is never taken apart.
        places = {f"f{n}": name for n, name in enumerate(types)}
        fields: Any = [(place, msgspec.Raw, None) for place in places]
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Fields", fields, rename=places))

    def read(self, data: bytes | msgspec.Raw) -> tuple[dict[str, Any], list[str]]:
        """A record's values by column, and the columns whose value does not fit; those are null."""
        values: dict[str, Any] = {}
        nulled = []
        for (name, type_), raw in zip(
            self.types.items(), msgspec.structs.astuple(self._decoder.decode(data)), strict=True
        ):
            try:
                values[name] = None if raw is None else convert(bytes(raw), type_)
            except (ValueError, OverflowError, msgspec.DecodeError):
                values[name] = None
                nulled.append(name)
        return values, nulled


def convert(raw: bytes, type_: pa.DataType) -> Any:  # noqa: C901, PLR0911 (a table of types)
    """The value that JSON stands for, as ``type_`` holds it; raises ValueError if it does not fit."""
    if raw == b"null":
        return None
    if pa.types.is_string(type_):
        return _text(raw) if raw.startswith(b'"') else raw.decode()
    if pa.types.is_boolean(type_):
        return {b"true": True, b"false": False}[raw] if raw in (b"true", b"false") else _misfit(raw, type_)
    if pa.types.is_integer(type_):
        number = raw.strip(b'"')
        if number.lstrip(b"-").isdigit():
            whole = int(number)
        else:
            whole = int(float(number)) if float(number).is_integer() else _misfit(raw, type_)
        return whole if -(2**63) <= whole < 2**63 else _misfit(raw, type_)
    if pa.types.is_floating(type_):
        return float(raw.strip(b'"'))
    if not raw.startswith(b'"'):
        return _misfit(raw, type_)
    text = _text(raw)
    if pa.types.is_timestamp(type_):
        instant = datetime.fromisoformat(text)
        if type_.tz:
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        return instant.replace(tzinfo=None)
    if pa.types.is_date(type_):
        return date.fromisoformat(text)
    return time.fromisoformat(text).replace(tzinfo=None)


_text: Final = msgspec.json.Decoder(str).decode


def _misfit(raw: bytes, type_: pa.DataType) -> Any:
    msg = f"{raw[:80]!r} is no {type_}"
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
