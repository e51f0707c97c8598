"""A test's values, typed as a table's columns have them.

What a test writes is Python or text: ``30``, ``"30.00"``, ``"2026-01-03T00:00:00Z"``. Its meaning comes from the column
alone, never from the other rows, so that a column of nothing but nulls, or of no rows, keeps its type. A value
that a column cannot hold exactly is refused: a test that rounds its own input tests something else.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..errors import UsageError
from . import scalars
from .rows import Written, rows_of
from .scalars import Misfit, misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Misfit", "arrow_table", "check_columns", "convert", "plain", "rows_of", "type_name", "typed_cell"]


def arrow_table(rows: Iterable[Mapping[str, Any]], schema: pa.Schema, *, what: str) -> pa.Table:
    """``rows`` as a table of that schema; a column that a row does not name is null.

    ``what`` is what the errors call the table. Raises ``UsageError``.
    """
    rows = list(rows)
    for number, row in enumerate(rows, 1):
        check_columns(row, schema.names, f"Row {number} of {what}")
    columns = [
        pa.array(
            [typed_cell(row, number, field, what) for number, row in enumerate(rows, 1)], type=field.type
        )
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def check_columns(names: Iterable[str], known: Sequence[str], where: str) -> None:
    """Raise ``UsageError``, with the nearest name and all of them, for a column that is not ``known``."""
    for name in names:
        if name not in known:
            near = _nearest(name, known)
            raise UsageError(
                f"{where} names a column '{name}', which there is not.",
                why=f"the columns are {', '.join(known)}",
                todo=f"did you mean '{near}'?" if near else "name one of them",
            )


def typed_cell(row: Mapping[str, Any], number: int, field: pa.Field, what: str) -> Any:
    value = row.get(field.name)
    try:
        converted = convert(value, field.type)
    except Misfit as error:
        raise UsageError(
            f"Row {number} of {what}: {value!r} is no value for '{field.name}' ({type_name(field.type)}).",
            why=str(error),
        ) from error
    if converted is None and not field.nullable:
        raise UsageError(
            f"Row {number} of {what} has no value for '{field.name}'.",
            why="the column is required",
            todo=f"give it one of {type_name(field.type)}",
        )
    return converted


def convert(value: Any, type_: pa.DataType) -> Any:
    """The value that a column of that type holds for ``value``, a Python value or its text; raises ``Misfit``.

    A moment without a zone is in UTC where the column has zones. Text for an array, a row or a map is JSON.
    """
    if isinstance(value, pa.Scalar):
        value = value.as_py()
    elif hasattr(value, "dtype") and hasattr(value, "item"):  # a data frame library's number
        value = value.item()
    if value is None:
        return None
    for is_type, read in _READERS:
        if is_type(type_):
            return read(value, type_)
    raise Misfit("no value but null can be given for this type")


def _array(value: Any, type_: pa.DataType) -> list[Any]:
    value = _from_json(value)
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        return misfit(value, "give a list")
    return [_inside(item, type_.value_type, f"item {number}") for number, item in enumerate(value, 1)]


def _row(value: Any, type_: pa.DataType) -> dict[str, Any]:
    value = _from_json(value)
    names = [field.name for field in type_]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        if len(value) != len(names):
            raise Misfit(f"it has {len(value)} values for the fields {', '.join(names)}")
        value = dict(zip(names, value, strict=True))
    if not isinstance(value, Mapping):
        return misfit(value, "give a dict, or a list with a value for each field")
    for name in value:
        if name not in names:
            near = _nearest(str(name), names)
            hint = f"; did you mean '{near}'?" if near else ""
            raise Misfit(f"there is no field '{name}' among {', '.join(names)}{hint}")
    return {
        field.name: _inside(value.get(field.name), field.type, f"field '{field.name}'") for field in type_
    }


def _map(value: Any, type_: pa.DataType) -> list[tuple[Any, Any]]:
    value = _from_json(value)
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list) or not all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs
    ):
        return misfit(value, "give a dict, or a list of pairs")
    entries = [
        (
            _inside(key, type_.key_type, f"key {key!r}"),
            _inside(item, type_.item_type, f"the value of key {key!r}"),
        )
        for key, item in pairs
    ]
    keys = [key for key, _ in entries]
    if any(key is None or keys.count(key) > 1 for key in keys):
        raise Misfit("its keys are not all there, and all different")
    return entries


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Written)
    except json.JSONDecodeError as error:
        raise Misfit(f"as text it is not JSON: {error}") from error


def _inside(value: Any, type_: pa.DataType, where: str) -> Any:
    try:
        return convert(value, type_)
    except Misfit as error:
        raise Misfit(f"{where} is {value!r}, no {type_name(type_)}: {error}") from error


def _nearest(name: str, known: Iterable[str]) -> str | None:
    spelled = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), spelled, n=1)
    return spelled[near[0]] if near else None


def plain(value: Any, type_: pa.DataType) -> Any:  # noqa: PLR0911 (a table of types)
    """A column's value as JSON can write it; ``convert`` reads it back as it was."""
    if pa.types.is_dictionary(type_):
        return plain(value, type_.value_type)
    match value:
        case list() if pa.types.is_map(type_):
            pairs = [[plain(key, type_.key_type), plain(item, type_.item_type)] for key, item in value]
            pairs.sort(key=lambda pair: json.dumps(pair[0]))
            return dict(pairs) if _is_text(type_.key_type) else pairs
        case list():
            return [plain(item, type_.value_type) for item in value]
        case dict():
            return {field.name: plain(value[field.name], field.type) for field in type_}
        case float() if not math.isfinite(value):
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        case Decimal():
            return f"{value:f}"
        case datetime(tzinfo=zone) if zone:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
    return value


def type_name(type_: pa.DataType) -> str:  # noqa: PLR0911 (a table of types)
    """The type as Trino names it; Arrow's own name for what Trino does not have."""
    if _is.is_dictionary(type_):
        return type_name(type_.value_type)
    if _is_array(type_):
        return f"array({type_name(type_.value_type)})"
    if _is.is_struct(type_):
        return f"row({', '.join(f'{field.name} {type_name(field.type)}' for field in type_)})"
    if _is.is_map(type_):
        return f"map({type_name(type_.key_type)}, {type_name(type_.item_type)})"
    if _is.is_decimal(type_):
        return f"decimal({type_.precision},{type_.scale})"
    if _is.is_timestamp(type_):
        zone = " with time zone" if type_.tz else ""
        return f"timestamp({_PLACES[type_.unit]}){zone}"
    if _is.is_time(type_):
        return f"time({_PLACES[type_.unit]})"
    return next((name for is_type, name in _NAMES if is_type(type_)), str(type_))


def _is_array(type_: pa.DataType) -> bool:
    return bool(
        _is.is_list(type_)
        or _is.is_large_list(type_)
        or _is.is_fixed_size_list(type_)
        or _is.is_list_view(type_)
    )


def _is_text(type_: pa.DataType) -> bool:
    return bool(_is.is_string(type_) or _is.is_large_string(type_) or _is.is_string_view(type_))


def _is_binary(type_: pa.DataType) -> bool:
    return bool(_is.is_binary(type_) or _is.is_large_binary(type_) or _is.is_fixed_size_binary(type_))


_is = pa.types
_PLACES: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_NAMES: Final[Sequence[tuple[Callable[[pa.DataType], bool], str]]] = (
    (_is.is_null, "unknown"),
    (_is.is_boolean, "boolean"),
    (_is.is_int8, "tinyint"),
    (_is.is_int16, "smallint"),
    (_is.is_int32, "integer"),
    (_is.is_int64, "bigint"),
    (_is.is_float32, "real"),
    (_is.is_float64, "double"),
    (_is.is_date, "date"),
    (_is_text, "varchar"),
    (_is_binary, "varbinary"),
)
_READERS: Final[Sequence[tuple[Callable[[pa.DataType], bool], Callable[[Any, Any], Any]]]] = (
    (_is_text, scalars.text),
    (_is.is_boolean, scalars.boolean),
    (_is.is_integer, scalars.whole),
    (_is.is_floating, scalars.floating),
    (_is.is_decimal, scalars.decimal),
    (_is.is_timestamp, scalars.moment),
    (_is.is_date, scalars.day),
    (_is.is_time, scalars.clock),
    (_is_binary, scalars.binary),
    (_is_array, _array),
    (_is.is_struct, _row),
    (_is.is_map, _map),
    (_is.is_dictionary, lambda value, type_: convert(value, type_.value_type)),
)
