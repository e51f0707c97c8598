"""One value, as a column of a plain type holds it: exactly, or not at all.

Every reader takes a value and the column's type, and raises ``Misfit`` with the reason.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn
from uuid import UUID

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_NO_NUMBER: Final = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_TRUTH: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_DAY: Final = r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
_CLOCK: Final = r"(?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:\.(?P<fraction>[0-9]+))?"
_TIME: Final = re.compile(_CLOCK)
_MOMENT: Final = re.compile(rf"{_DAY}(?:[T ]{_CLOCK})? ?(?P<zone>[zZ]|UTC|[+-][0-9]{{2}}:?[0-9]{{2}})?")
_EXACT: Final = Context(prec=200)


class Misfit(ValueError):
    """A value that a type cannot hold; the message is the reason, and may be empty."""


def misfit(value: Any, todo: str) -> NoReturn:
    """Refuse a value for its Python type."""
    raise Misfit(f"it is a {type(value).__name__}: {todo}")


def boolean(value: Any, _: pa.DataType) -> bool:
    if isinstance(value, str):
        value = _TRUTH.get(value.strip().lower(), value)
    return value if isinstance(value, bool) else misfit(value, "give True or False")


def whole(value: Any, type_: pa.DataType) -> int:
    number = _number(value)
    if not number.is_finite() or number != number.to_integral_value(context=_EXACT):
        raise Misfit("it is not a whole number")
    bits = type_.bit_width
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if pa.types.is_signed_integer(type_) else (0, 2**bits)
    if not low <= number < high:
        raise Misfit(f"it is not from {low} to {high - 1}")
    return int(number)


def floating(value: Any, type_: pa.DataType) -> float:
    number = float(value) if isinstance(value, float) else float(_number(value))
    if type_.bit_width < 64 and math.isfinite(number):
        try:
            number = struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError as error:
            raise Misfit("it is too large") from error
    elif math.isinf(number) and _number(value).is_finite():
        raise Misfit("it is too large")
    return number


def decimal(value: Any, type_: pa.DataType) -> Decimal:
    number = _number(value)
    if not number.is_finite():
        raise Misfit("it is not finite")
    if number and number.adjusted() > type_.precision:  # before a million digits are written out
        raise Misfit(f"it has more than {type_.precision - type_.scale} digits before the point")
    fitted = number.quantize(Decimal(1).scaleb(-type_.scale), context=_EXACT)
    if fitted != number:
        raise Misfit(f"it has more than {type_.scale} decimal places")
    if fitted and fitted.adjusted() + type_.scale >= type_.precision:
        raise Misfit(f"it has more than {type_.precision - type_.scale} digits before the point")
    return fitted


def _number(value: Any) -> Decimal:
    """Any number, exactly; a double is what it is written as."""
    if isinstance(value, bool):
        return misfit(value, "it is a boolean")
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return Decimal(text)
        if text.lower().lstrip("+-") in _NO_NUMBER:
            return Decimal(text)
        raise Misfit("it is not a number")
    return Decimal(value) if isinstance(value, (int, Decimal)) else misfit(value, "give a number")


def text(value: Any, _: pa.DataType) -> str:
    """Text; of what JSON would nest, its JSON, as the landing stores it."""
    if isinstance(value, (Mapping, list, tuple)):
        try:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise Misfit(f"it cannot be JSON: {error}") from error
    if isinstance(value, UUID):
        return str(value)
    return (
        str(value)
        if isinstance(value, str)
        else misfit(value, "give text, or a dict or list to store as JSON")
    )


def day(value: Any, _: pa.DataType) -> date:
    if isinstance(value, str):
        value = _parsed_moment(value, zoned=False)
    if isinstance(value, datetime):  # how a data frame holds a date
        if value.tzinfo or value.time() != time():
            raise Misfit("it has a time of day")
        return value.date()
    return value if isinstance(value, date) else misfit(value, "give a date, or text like 2026-01-31")


def clock(value: Any, type_: pa.DataType) -> time:
    if isinstance(value, str):
        written = _TIME.fullmatch(value.strip())
        if not written:
            raise Misfit("a time reads like 23:59:59.999999")
        value = _valid(time.fromisoformat, written["clock"]).replace(microsecond=_micros(written["fraction"]))
    if not isinstance(value, time):
        return misfit(value, "give a time, or text like 23:59:59")
    if value.tzinfo:
        raise Misfit("it has a zone, and the column has none")
    _check_unit(value.microsecond, type_)
    return value


def moment(value: Any, type_: pa.DataType) -> datetime:
    if isinstance(value, str):
        value = _parsed_moment(value, zoned=bool(type_.tz))
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 (its zone comes below)
    if not isinstance(value, datetime):
        return misfit(value, "give a datetime, or text like 2026-01-31T23:59:59Z")
    if getattr(value, "nanosecond", 0):
        raise Misfit("it is finer than a microsecond")
    _check_unit(value.microsecond, type_)
    if type_.tz:
        try:
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        except OverflowError as error:
            raise Misfit("in UTC it is not in the years 1 to 9999") from error
    if value.tzinfo:
        raise Misfit("it has a zone, and the column has none")
    return value


def _parsed_moment(text: str, *, zoned: bool) -> datetime:
    written = _MOMENT.fullmatch(text.strip())
    if not written:
        raise Misfit(f"a moment reads like 2026-01-31T23:59:59{'Z' if zoned else ''}, a date like 2026-01-31")
    zone = written["zone"] or ""
    zone = "Z" if zone == "UTC" else zone.upper()
    moment: datetime = _valid(datetime.fromisoformat, f"{written['day']}T{written['clock'] or '00:00'}{zone}")
    return moment.replace(microsecond=_micros(written["fraction"]))


def _valid(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise Misfit(str(error)) from error


def _micros(fraction: str | None) -> int:
    digits = (fraction or "").rstrip("0")
    if len(digits) > 6:
        raise Misfit("it is finer than a microsecond")
    return int(digits.ljust(6, "0"))


def _check_unit(micros: int, type_: pa.DataType) -> None:
    if micros % {"s": 1_000_000, "ms": 1000}.get(type_.unit, 1):
        raise Misfit(f"it is finer than the column's unit, {type_.unit}")


def binary(value: Any, type_: pa.DataType) -> bytes:
    if isinstance(value, str):
        value = _valid(bytes.fromhex, value)
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return misfit(value, "give bytes, or their hexadecimal digits")
    if pa.types.is_fixed_size_binary(type_) and len(value) != type_.byte_width:
        raise Misfit(f"it has {len(value)} bytes, not {type_.byte_width}")
    return bytes(value)
