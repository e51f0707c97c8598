"""When a found value is the expected one: by the column's type, within a tolerance, as JSON, or whatever it is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from .values import convert

if TYPE_CHECKING:
    from collections.abc import Hashable

_EXACT: Final = Context(prec=100)
_NAN: Final = "NaN"


class _Special:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:  # one object only, also after a copy and in another process
        return self._name


ANY: Final = _Special("ANY")
"""Expects anything, null too."""

NOT_NULL: Final = _Special("NOT_NULL")
"""Expects anything but null."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a cell should hold: ``value``, a value near it, the JSON that it is, or whatever a sentinel stands for."""

    value: Any
    type: pa.DataType
    tolerance: float = 0
    json: Any = None

    @property
    def is_exact(self) -> bool:
        """Whether only ``value`` itself will do, so that it can be looked up."""
        return not isinstance(self.value, _Special) and self.json is None and not self.tolerance

    def matches(self, found: Any) -> bool:
        """Whether ``found``, a value of the column, is what is expected."""
        if self.value is ANY:
            return True
        if self.value is NOT_NULL:
            return found is not None
        if found is None or self.value is None:
            return found is self.value
        if self.json is not None:
            return bool(_parsed(found) == self.json)
        if self.tolerance and not _may_be_near(found, self.value, self.tolerance):
            return False
        same = lookup(found, self.type) == lookup(self.value, self.type)
        return same or (bool(self.tolerance) and _near(found, self.value, self.tolerance))


def expect(value: Any, type_: pa.DataType, tolerance: float = 0) -> Expected:
    """The expectation that ``value`` stands for; raises ``Misfit``.

    A dict or list in a column of text is compared as JSON, so that spaces and the order of keys do not matter.
    """
    if isinstance(value, _Special):
        return Expected(value, type_)
    held = convert(value, type_)
    if isinstance(value, (Mapping, list, tuple)) and isinstance(held, str):
        return Expected(held, type_, json=_parsed(held))
    return Expected(held, type_, tolerance if is_numeric(type_) and held is not None else 0)


def is_numeric(type_: pa.DataType) -> bool:
    """Whether a tolerance makes sense for the type."""
    return bool(pa.types.is_floating(type_) or pa.types.is_decimal(type_) or pa.types.is_integer(type_))


def lookup(value: Any, type_: pa.DataType) -> Hashable:
    """A column's value in a form that equals, and hashes like, every other form of it: NaN is NaN, a map has no order."""
    match value:
        case float() if math.isnan(value):
            return _NAN
        case list() if pa.types.is_map(type_):
            return frozenset(
                (lookup(key, type_.key_type), lookup(item, type_.item_type)) for key, item in value
            )
        case list():
            return tuple(lookup(item, type_.value_type) for item in value)
        case dict():
            return tuple(lookup(value[field.name], field.type) for field in type_)
    return value  # type: ignore[no-any-return]


def _may_be_near(found: Any, wanted: Any, tolerance: float) -> bool:
    """Quick, and wrong only where it says yes: most pairs are far apart."""
    one, other = float(found), float(wanted)
    return not abs(one - other) > tolerance + 1e-9 * (abs(one) + abs(other) + tolerance)


def _near(found: Any, wanted: Any, tolerance: float) -> bool:
    """By the digits that are written: 1.1 is within 0.1 of 1.0, though the doubles are a little further apart."""
    one, other, limit = (Decimal(repr(n) if isinstance(n, float) else n) for n in (found, wanted, tolerance))
    if not (one.is_finite() and other.is_finite()):
        return False
    return _EXACT.abs(_EXACT.subtract(one, other)) <= limit


def _parsed(text: str) -> Any:
    """JSON whose numbers are equal by value, and to no boolean; to Python ``1 == True``."""
    try:
        return json.loads(text, parse_int=_tagged, parse_float=_tagged)
    except ValueError:
        return None


def _tagged(number: str) -> tuple[str, Decimal]:
    return ("number", Decimal(number))
