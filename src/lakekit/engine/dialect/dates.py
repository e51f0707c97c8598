"""Dates and instants: whole units, Trino's result types, and zones that a DuckDB instant cannot carry."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from .functions import refusal
from .rule import call, cast_to

_DAYS: Final = frozenset({"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_UNITS: Final = _DAYS | {"HOUR", "MINUTE", "SECOND", "MILLISECOND"}
_FIELDS: Final = frozenset(
    {
        "YEAR",
        "QUARTER",
        "MONTH",
        "WEEK",
        "DAY",
        "DOW",
        "DAY_OF_WEEK",
        "DOY",
        "DAY_OF_YEAR",
        "HOUR",
        "MINUTE",
        "SECOND",
    }
)
_FORMAT: Final = re.compile(r"(?:%[YmdHiSsjyMWeT%]|[^%])*")
_TAKES_A_LOCAL_TIME: Final = (
    exp.Date, exp.Day, exp.DayOfWeekIso, exp.DayOfYear, exp.Extract, exp.Hour, exp.Minute, exp.Month, exp.Quarter,
    exp.Second, exp.TimeToStr, exp.WeekOfYear, exp.Year,
)  # fmt: skip


def truncate(node: exp.Expr, kinds: list[str]) -> None:
    _check_moment(node, kinds[0])
    unit = _unit(node)
    if kinds[0] == "DATE":
        if unit not in _DAYS:
            raise refusal(node, "a date has no hours")
        node.replace(cast_to(call("date_trunc", unit.lower(), node.this), "date"))
    else:
        node.replace(call("date_trunc", unit.lower(), node.this))


def add(node: exp.Expr, kinds: list[str]) -> None:
    _check_moment(node, kinds[0])
    unit = _unit(node)
    steps = {
        "QUARTER": ("to_months", 3),
        "WEEK": ("to_days", 7),
        "MONTH": ("to_months", 1),
        "YEAR": ("to_years", 1),
        "DAY": ("to_days", 1),
    }
    if unit in steps:
        function, times = steps[unit]
        count = (
            exp.Mul(this=exp.paren(node.expression), expression=exp.Literal.number(times))
            if times > 1
            else node.expression
        )
        step = call(function, cast_to(count, "integer"))
    else:
        step = call(f"to_{unit.lower()}s", node.expression)
    moved = exp.Paren(this=exp.Add(this=node.this, expression=step))
    if kinds[0] == "DATE" and unit not in _DAYS:
        raise refusal(node, "a date has no hours")
    node.replace(cast_to(moved, "date") if kinds[0] == "DATE" else moved)


def difference(node: exp.Expr, kinds: list[str]) -> None:
    """Whole units between two moments; DuckDB's date_diff counts the boundaries that it crosses."""
    for kind in kinds:
        _check_moment(node, kind)
    if _unit(node) == "MILLISECOND":
        raise refusal(node, "Trino rounds both moments first", "count seconds")
    node.replace(call("date_sub", _unit(node).lower(), node.expression, node.this))


def date(node: exp.Expr, _kinds: list[str]) -> None:
    node.replace(cast_to(node.this, "date"))


def at_time_zone(node: exp.Expr, kinds: list[str]) -> None:
    """``x at time zone z``: a local time, where it is turned into one at once.

    To Trino it is the same instant with another zone to it, which DuckDB cannot keep.
    """
    if kinds[0] not in ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", '"NULL"'):
        raise refusal(node, f"{kinds[0].lower()} has no zone")
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    to = parent.args.get("to") if isinstance(parent, exp.Cast) else None
    if not (isinstance(parent, _TAKES_A_LOCAL_TIME) or (to and to.is_type("date", "timestamp", "time"))):
        raise refusal(
            node,
            "the zone would be lost",
            "cast it to date or timestamp(6) on the spot: cast(… at time zone … as date)",
        )
    instant = call("timezone", "UTC", node.this) if kinds[0] == "TIMESTAMP" else node.this
    node.replace(call("timezone", node.args["zone"], instant))


def extract(node: exp.Expr, _kinds: list[str]) -> None:
    field = node.this.name.upper()
    if field not in _FIELDS:
        raise refusal(node, f"the field {field.lower()} is not supported")
    if field in ("DOW", "DAY_OF_WEEK"):
        node.replace(call("isodow", node.expression))


def formatted(node: exp.Expr, kinds: list[str]) -> None:
    _check_moment(node, kinds[0])
    _check_format(node, node.args["format"])
    if kinds[0].startswith("TIMESTAMP"):  # Trino rounds to milliseconds before it formats
        node.set("this", call("lk_milliseconds", node.this))


def parsed(node: exp.Expr, _kinds: list[str]) -> None:
    _check_format(node, node.args["format"])


def from_unixtime(node: exp.Expr, kinds: list[str]) -> None:
    """An instant of whole milliseconds; with a zone, as long as that is made use of at once."""
    if kinds and kinds[0] in ("VARCHAR", "BOOLEAN"):
        raise refusal(node, f"{kinds[0].lower()} is no number of seconds", "cast it")
    if node.args.get("hours"):
        raise refusal(node, "the zone would be lost", "add the hours to the number, and leave the zone away")
    instant, zone = call("lk_instant", node.this), node.args.get("zone")
    if zone is None:
        node.replace(instant)
        return
    zoned = exp.AtTimeZone(this=instant, zone=zone)
    node.replace(zoned)
    at_time_zone(zoned, ["TIMESTAMP WITH TIME ZONE"])


def clock(node: exp.Expr, _kinds: list[str]) -> None:
    """Trino reads the clock to the millisecond, unless it is told otherwise."""
    digits = int(node.this.name) if node.this else 3
    plain = type(node)()
    if digits == 6:
        node.replace(plain)
    elif digits in (0, 3):
        node.replace(call("lk_milliseconds" if digits else "lk_seconds", plain))
    else:
        raise refusal(node, f"a precision of {digits} is not supported", "a precision of 6")


def from_iso8601(node: exp.Expr, _kinds: list[str]) -> None:
    """Trino keeps milliseconds, and drops what is finer."""
    node.replace(call("date_trunc", "milliseconds", cast_to(node.this, "timestamptz")))


def sequence(node: exp.Expr, kinds: list[str]) -> None:
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if kinds[0] == "DATE":
        node.replace(
            call(
                "lk_days",
                start,
                end,
                step or exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this="DAY")),
            )
        )
    elif kinds[0].startswith("TIMESTAMP"):
        if step is None:
            raise refusal(node, "it has no step")
        node.replace(call("generate_series", start, end, step))
    elif step is None:
        node.replace(call("lk_sequence", start, end))


def _unit(node: exp.Expr) -> str:
    unit = str(node.args["unit"].name).upper()
    if unit not in _UNITS:
        raise refusal(node, f"the unit {unit.lower()} is not supported")
    return unit


def _check_moment(node: exp.Expr, kind: str) -> None:
    if kind not in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", '"NULL"'):
        raise refusal(node, f"{kind.lower()} is no date", "cast it")


def _check_format(node: exp.Expr, given: exp.Expr) -> None:
    # sqlglot has turned the letters into strftime's by now: the text is looked up as it was written.
    written = re.search(r"'((?:[^']|'')*)'\s*\)$", node.sql("trino"))
    if not isinstance(given, exp.Literal) or written is None or not _FORMAT.fullmatch(written[1]):
        raise refusal(node, "the format is not supported", "letters of Y m d H i s j y M W e")
