"""What is measured of a mart: the rule that decides which columns are added up, and which averages are right.

1. What a column's ``meta`` says (``cube: {measures: [sum]}``) holds.
2. Only numbers are measured, and neither keys nor what refers to another table's key.
3. What the mart's own SQL says: a ``sum`` or ``count`` may be added up; an average, a ratio, a ``count(distinct …)``, a
   window's result and a group's key may not.
4. Where it says nothing (a column of another model), the name and type do: a word that means no amount (``_NO_AMOUNT``)
   forbids it; then a decimal is an amount, and a whole number is a count if its last word is a plural or ``_COUNT``.
5. An average over rows is taken of what is added up where a row is one thing: where the key is a single column.
6. A column that divides sums of the same mart has its sums divided: ``overall_<column>``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import pyarrow as pa

from ..errors import ProjectError
from .derivation import Derivation, Nature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .marts import Mart

_NO_AMOUNT: Final = frozenset({
    "age", "average", "avg", "code", "cumulative", "current", "day", "days", "distinct", "first",
    "hour", "hours", "id", "index", "last", "lat", "latitude", "level", "lng", "lon", "longitude",
    "max", "maximum", "mean", "median", "min", "minimum", "minute", "minutes", "month", "months", "no",
    "number", "pct", "per", "percent", "percentage", "position", "price", "quarter", "rank", "rate",
    "ratio", "running", "score", "second", "seconds", "share", "since", "unique", "version", "week",
    "weeks", "year", "years", "ytd",
})  # fmt: skip
_COUNT: Final = frozenset({"count", "quantity", "qty", "total"})
_MONEY: Final = frozenset({
    "amount", "amounts", "charge", "charges", "cost", "costs", "discount", "discounts", "fee", "fees",
    "gross", "income", "margin", "net", "paid", "price", "prices", "profit", "refund", "refunds",
    "revenue", "sales", "shipping", "spend", "spent", "subtotal", "tax", "taxes", "tip", "tips",
    "total", "value",
})  # fmt: skip
_NO_PLURAL: Final = re.compile(r".*(ss|us|is)")
_MEASURES: Final = ("sum", "avg", "min", "max")

Kind = Literal["count", "sum", "avg", "min", "max", "number"]


class Measure(NamedTuple):
    """``sql`` is empty for a count, a column's name for all others but ``number``, which names measures in braces."""

    name: str
    kind: Kind
    sql: str
    description: str
    is_money: bool = False


def measures(mart: Mart) -> list[Measure]:
    """The measures of a mart; a name that a column has already gets an underscore."""
    derived = Derivation(mart.sql)
    found = [Measure("count", "count", "", "Rows.")]
    numbers = [name for name, kind in mart.dimensions.items() if kind == "number"]
    kinds = {name: list(_kinds(mart, name, derived)) for name in numbers}
    for name, wanted in kinds.items():
        found += [
            Measure(f"{kind}_{name}", kind, name, _description(mart, name), is_money(mart, name))
            for kind in wanted
        ]
    names = {measure.name: _free(measure.name, mart) for measure in found}
    found = [measure._replace(name=names[measure.name]) for measure in found]
    for name in numbers:
        ratio = derived.ratio(name)
        if ratio is None or not all("sum" in kinds.get(one, ()) for one in ratio.columns):
            continue
        sums = {one: f"{{{names[f'sum_{one}']}}}" for one in ratio.columns}
        sql = f"cast({ratio.above.format_map(sums)} as double) / nullif({ratio.below.format_map(sums)}, 0)"
        about = _description(mart, name), is_money(mart, name)
        found.append(Measure(_free(f"overall_{name}", mart), "number", sql, *about))
    return found


def is_money(mart: Mart, name: str) -> bool:
    """Whether a column is an amount of money: a number with a fraction, and a word that says so."""
    type_ = mart.columns[name]
    return (pa.types.is_decimal(type_) or pa.types.is_floating(type_)) and says_money(name)


def says_money(name: str) -> bool:
    """Whether the words of a name are those of an amount of money."""
    words = name.split("_")
    return not _MONEY.isdisjoint(words) and not {"rate", "ratio", "pct", "percent"} & set(words)


def _kinds(mart: Mart, name: str, derived: Derivation) -> Iterator[Kind]:
    said = _said(mart, name)
    if said is not None:
        yield from said
    elif name not in mart.keys and _is_added(mart, name, derived.nature(name)):
        yield "sum"
        if len(mart.key) == 1:
            yield "avg"


def _said(mart: Mart, name: str) -> list[Kind] | None:
    said: Any = mart.column_settings(name).get("measures")
    if said is None:
        return None
    if not isinstance(said, list) or not set(map(str, said)) <= set(_MEASURES):
        raise ProjectError(
            f"The column '{name}' of {mart.table} has measures that cannot be made.",
            why=f"its meta says cube.measures: {said}",
            todo=f"name some of {', '.join(_MEASURES)}, or none: []",
        )
    return said


def _is_added(mart: Mart, name: str, nature: Nature) -> bool:
    if nature is not Nature.UNKNOWN:
        return nature is Nature.SUM
    words = name.split("_")
    if not _NO_AMOUNT.isdisjoint(words):
        return False
    if not pa.types.is_integer(mart.columns[name]):
        return True
    last = words[-1]
    return last in _COUNT or (last.endswith("s") and not _NO_PLURAL.fullmatch(last))


def _description(mart: Mart, name: str) -> str:
    said = mart.descriptions.get(name, "")
    # What begins with shop_ is in the shop's own currency, all rows alike.
    if is_money(mart, name) and "currency" in mart.columns and not name.startswith("shop_"):
        return f"{said} Of one currency only where currency is grouped or filtered by.".strip()
    return said


def _free(name: str, mart: Mart) -> str:
    while name in mart.columns:
        name += "_"
    return name
