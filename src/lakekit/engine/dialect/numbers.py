"""Arithmetic: Trino's decimals have types and roundings of their own, and dividing by zero fails."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from .functions import CALLED, refusal
from .rule import call, cast_to, typed, whole_call

_PRECISION: Final = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "INT": 10, "BIGINT": 19, "HUGEINT": 19}
_FLOATS: Final = frozenset({"DOUBLE", "FLOAT", "REAL"})
_MOMENTS: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME"})
_DAYS: Final = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_WIDEST: Final = 38

Decimal = tuple[int, int]
"""Precision and scale."""


def type_of_literal(text: str) -> str:
    """The type that Trino gives a number as it is written; ``0.10`` is a ``decimal(2, 2)``."""
    if "e" in text.lower():
        return "DOUBLE"
    if "." in text:
        whole, _, fraction = text.partition(".")
        return f"DECIMAL({max(len(whole.lstrip('0')) + len(fraction), 1)},{len(fraction)})"
    return "INTEGER" if int(text) < 2**31 else "BIGINT"


def type_decimals(tree: exp.Expr) -> None:
    """Give each decimal that is written with zeros before it Trino's type: DuckDB counts the zeros as digits."""
    for literal in list(tree.find_all(exp.Literal)):
        if (
            not literal.is_string
            and re.match(r"0+[0-9.]*\.|\.", literal.name)
            and "e" not in literal.name.lower()
        ):
            literal.replace(typed(literal, type_of_literal(literal.name).lower()))


def with_a_whole_digit(kind: str) -> str | None:
    """The decimal, or the array of them, that can hold a 0 before the point, if ``kind`` cannot."""
    found = re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)((?:\[\])?)", kind)
    if not found or found[1] != found[2] or int(found[1]) == _WIDEST:
        return None
    return f"decimal({int(found[1]) + 1},{found[2]}){found[3]}"


def add_or_subtract(node: exp.Expr, kinds: list[str]) -> None:
    left, right = kinds
    if "INTERVAL" in kinds:
        _move(node, kinds)
    elif types := _decimals(node, kinds):
        (p1, s1), (p2, s2) = types
        scale = max(s1, s2)
        precision = min(_WIDEST, max(p1 - s1, p2 - s2) + scale + 1)
        wide = f"decimal({_WIDEST},{scale})"
        same = type(node)(this=cast_to(node.this, wide), expression=cast_to(node.expression, wide))
        node.replace(cast_to(same, f"decimal({precision},{scale})"))
    elif left in _MOMENTS or right in _MOMENTS:
        raise refusal(node, "it gives an interval", "date_diff('day', …)")


def multiply(node: exp.Expr, kinds: list[str]) -> None:
    if types := _decimals(node, kinds):
        (p1, s1), (p2, s2) = types
        precision, scale = min(_WIDEST, p1 + p2), s1 + s2
        if scale > _WIDEST:
            raise refusal(node, f"a decimal cannot have {scale} places")
        product = exp.Mul(
            this=cast_to(node.this, f"decimal({max(_WIDEST - s2, p1)},{s1})"),
            expression=cast_to(node.expression, f"decimal({p2},{s2})"),
        )
        node.replace(cast_to(product, f"decimal({precision},{scale})"))


def divide(node: exp.Expr, kinds: list[str]) -> None:
    if types := _decimals(node, kinds):
        (p1, s1), (_, s2) = types
        scale = max(s1, s2)
        precision = min(_WIDEST, p1 + s2 + max(s2 - s1, 0))
        node.replace(_quotient(node.this, s1, node.expression, s2, (precision, scale)))
    elif _FLOATS & set(kinds):
        node.replace(call("lk_ratio", node.this, node.expression))
    else:
        node.replace(call("lk_quotient", node.this, node.expression))


def remainder(node: exp.Expr, kinds: list[str]) -> None:
    left, right = node.this.unnest(), node.expression.unnest()
    if types := _decimals(node, kinds):
        (p1, s1), (p2, s2) = types
        scale = max(s1, s2)
        precision = min(p1 - s1, p2 - s2) + scale
        wide = f"decimal({_WIDEST},{scale})"
        rest = call("lk_remainder", cast_to(left, wide), cast_to(right, wide))
        node.replace(cast_to(rest, f"decimal({max(precision, 1)},{scale})"))
    elif not _FLOATS & set(kinds):
        node.replace(call("lk_remainder", left, right))


def average(node: exp.Expr, kinds: list[str]) -> None:
    decimal = _decimal(kinds[0])
    if decimal is None or kinds[0] in _PRECISION:
        _check_number(node, kinds[0])
        _keep_real(node, kinds[0])
        return
    whole = whole_call(node)
    total, count = whole.copy(), whole.copy()
    for wrapped, aggregate in (
        (total, exp.Sum(this=node.this.copy())),
        (count, exp.Count(this=node.this.copy(), big_int=True)),
    ):
        found = wrapped.find(exp.Avg)
        assert found is not None
        if found is wrapped:
            total, count = (aggregate, count) if wrapped is total else (total, aggregate)
        else:
            found.replace(aggregate)
    # The average of nothing is null, not a division by zero.
    divisor = exp.Nullif(this=count, expression=exp.Literal.number(0))
    whole.replace(_quotient(total, decimal[1], divisor, 0, decimal))


def total(node: exp.Expr, kinds: list[str]) -> None:
    _check_number(node, kinds[0])
    _keep_real(node, kinds[0])
    if kinds[0] in _PRECISION:
        whole = whole_call(node)
        whole.replace(cast_to(whole.copy(), "bigint"))


def to_places(node: exp.Expr, kinds: list[str]) -> None:
    places = node.args.get("decimals")
    if places is None:
        to_whole(node, kinds)
    elif (decimal := _decimal(kinds[0])) and kinds[0] not in _PRECISION:
        precision, scale = decimal
        node.replace(cast_to(node.copy(), f"decimal({min(_WIDEST, precision + 1)},{scale})"))


def to_whole(node: exp.Expr, kinds: list[str]) -> None:
    kind = kinds[0]
    _check_number(node, kind)
    if kind == '"NULL"':
        raise refusal(node, "the null has no type", "cast it")
    if isinstance(node, exp.Trunc) and node.args.get("decimals"):
        raise refusal(node, "truncating to places is not supported", "round")
    if kind in _PRECISION:
        whole = (
            cast_to(node.this, f"decimal({_PRECISION[kind]},0)") if isinstance(node, exp.Trunc) else node.this
        )
        node.replace(exp.paren(whole))
    elif decimal := _decimal(kind):
        precision, scale = decimal
        more = 0 if isinstance(node, exp.Trunc) else min(scale, 1)
        node.replace(cast_to(node.copy(), f"decimal({max(precision - scale + more, 1)},0)"))


def sign(node: exp.Expr, kinds: list[str]) -> None:
    kind = kinds[0]
    node.replace(cast_to(node.copy(), kind if kind in _FLOATS | set(_PRECISION) else "decimal(1,0)"))


def logarithm(node: exp.Expr, _kinds: list[str]) -> None:
    """Trino divides two natural logarithms, which shows in the last digit; only ``log10`` is its own."""
    base, value = node.this, node.expression
    if value is None:
        raise refusal(node, "it has no base", "ln, log10")
    if node.meta.get(CALLED) == "log10":
        node.replace(call("log10", value))
    else:
        node.replace(call("lk_ratio", call("ln", value), call("ln", base)))


def bitwise_not(node: exp.Expr, kinds: list[str]) -> None:
    if kinds[0] not in _PRECISION and kinds[0] != '"NULL"':
        raise refusal(node, "only whole numbers have bits")
    node.set("this", cast_to(node.this, "bigint"))


def random(node: exp.Expr, _kinds: list[str]) -> None:
    if node.this:
        raise refusal(node, "a whole number is not supported", "cast(floor(random() * n) as integer)")


def count_if(node: exp.Expr, _kinds: list[str]) -> None:
    """Of no rows DuckDB's count_if is null, Trino's 0: it is said with count, whose answer is the same everywhere."""
    counted = exp.Case(ifs=[exp.If(this=node.this, true=exp.Literal.number(1))])
    node.replace(exp.Count(this=counted))


def as_integer(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(cast_to(node.copy(), "integer"))


def _quotient(left: exp.Expr, s1: int, right: exp.Expr, s2: int, to: Decimal) -> exp.Expr:
    """``left / right`` rounded, halves away from zero, by way of whole numbers: DuckDB's would be a double."""
    precision, scale = to
    quotient = call("lk_rounded_quotient", _scaled(left, s1, scale - s1 + s2), _scaled(right, s2, 0))
    unit = cast_to(exp.Literal.string(f"{10**-scale:.{scale}f}"), f"decimal({scale + 1},{scale})")
    back = exp.Mul(this=cast_to(quotient, f"decimal({_WIDEST - 0},0)"), expression=unit)
    return cast_to(back, f"decimal({precision},{scale})")


def _scaled(value: exp.Expr, scale: int, more: int) -> exp.Expr:
    """A decimal of a scale as the whole number of its last places (``more`` of them)."""
    wide = cast_to(value.copy(), f"decimal({_WIDEST},{scale})")
    whole = cast_to(
        exp.Mul(this=wide, expression=cast_to(exp.Literal.number(10**scale), "decimal(38,0)")), "hugeint"
    )
    return exp.Mul(this=whole, expression=cast_to(exp.Literal.number(10**more), "hugeint")) if more else whole


def _move(node: exp.Expr, kinds: list[str]) -> None:
    moment = kinds[0] if kinds[1] == "INTERVAL" else kinds[1]
    interval = node.find(exp.Interval)
    if moment == "DATE":
        unit = interval.args["unit"].name.upper() if interval and interval.args.get("unit") else ""
        if unit not in _DAYS:
            raise refusal(node, "a date moves by whole days only", "cast it to timestamp(6)")
        node.replace(cast_to(node.copy(), "date"))
    elif moment not in _MOMENTS:
        raise refusal(node, f"{moment} does not move by an interval")


def _decimals(node: exp.Expr, kinds: list[str]) -> tuple[Decimal, Decimal] | None:
    """Both operands' decimals, if the operation is one of decimals in Trino."""
    for kind in kinds:
        _check_number(node, kind)
    left, right = (_decimal(kind) for kind in kinds)
    if left is None or right is None or all(kind in _PRECISION for kind in kinds):
        return None
    return left, right


def _decimal(kind: str) -> Decimal | None:
    if kind in _PRECISION:
        return _PRECISION[kind], 0
    if found := re.fullmatch(r"(?:DECIMAL|NUMERIC)\((\d+), ?(\d+)\)", kind):
        return int(found[1]), int(found[2])
    return None


def _keep_real(aggregate: exp.Expr, kind: str) -> None:
    if kind in ("FLOAT", "REAL"):
        whole = whole_call(aggregate)
        whole.replace(cast_to(whole.copy(), "real"))


def _check_number(node: exp.Expr, kind: str) -> None:
    if kind == "INTERVAL" and isinstance(node, exp.Avg | exp.Sum):
        raise refusal(node, "intervals cannot be summed", "date_diff('second', …)")
    if kind in ("VARCHAR", "BOOLEAN", "JSON"):
        raise refusal(node, f"Trino does no arithmetic on {kind.lower()}", "cast it")
