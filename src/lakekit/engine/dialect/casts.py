"""Casts: what rounds otherwise, what DuckDB is laxer with, and what reads otherwise as text.

Source of what Trino reads as what: its own answers (``tests/parity.py``).
"""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from .functions import refusal
from .rule import call, cast_to

_WHOLE: Final = ("tinyint", "smallint", "int", "bigint")
_KINDS: Final = {
    "boolean": ("boolean",),
    "whole number": _WHOLE,
    "double": ("double", "float"),
    "decimal": ("decimal",),
    "date": ("date",),
    "time": ("time",),
    "timestamp with time zone": ("timestamptz",),
    "timestamp": ("timestamp", "timestampntz"),
}
_FLOATS: Final = frozenset({"DOUBLE", "FLOAT", "REAL"})
_READS_THE_SAME: Final = frozenset(
    {"VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "DATE", '"NULL"'}
)


_NUMBER: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DAY: Final = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_CLOCK: Final = r"([01]?[0-9]|2[0-3]):[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?"
_ZONE: Final = r"( ?(UTC|Z|[+-][0-9]{2}:[0-9]{2})| [A-Za-z_]+(/[A-Za-z_]+)+)"
_WRITTEN: Final = {
    "boolean": "(?i:t|true|1|f|false|0)",
    "whole number": r"\s*[+-]?[0-9]+\s*",
    "double": rf"\s*({_NUMBER}|[+-]?Infinity|NaN)\s*",
    "decimal": _NUMBER,
    "date": rf"\s*{_DAY}\s*",
    "time": rf"\s*{_CLOCK}\s*",
    "timestamp": rf"\s*{_DAY}( {_CLOCK})?\s*",
    "timestamp with time zone": rf"\s*{_DAY}( {_CLOCK}{_ZONE}?)?\s*",
}
"""How a text must be written to be cast: by both engines, and to the same."""

_FOR_TRINO_ONLY: Final = {
    "double": rf"\s*{_NUMBER}[dDfF]\s*",
    "timestamp": r"\s*[+-]?[0-9]+-[0-9]+-[0-9]+ [0-9].*",
    "timestamp with time zone": r"\s*[+-]?[0-9]+-[0-9]+-[0-9]+ [0-9].*",
}
"""What Trino may read and DuckDB reads otherwise: an error even where it is only tried."""


def cast(node: exp.Expr, kinds: list[str]) -> None:
    """Give a cast Trino's meaning, by the type it is from and the one it is to."""
    kind, to = kinds[0], node.args["to"]
    assert isinstance(to, exp.DataType)
    if isinstance(node.this, exp.Struct) and to.is_type("struct"):
        _row(node, to)
    elif to.is_type("json", "char", "bpchar"):
        raise refusal(node, f"a cast to {to.sql('trino').lower()} is not supported")
    elif kind == "JSON":
        _from_json(node, to)
    elif to.is_type("varchar", "text"):
        _to_text(node, kind, to)
    elif kind == "VARCHAR":
        _from_text(node, to)
    elif to.is_type("timestamp", "timestamptz", "timestampntz"):
        _to_timestamp(node, to)
    elif to.is_type(*_WHOLE) and kind in _FLOATS:
        node.set("this", call("round", node.this))
    elif to.is_type("decimal") and kind in _FLOATS:
        # By way of its text: 1.005 is 1.01 to Trino, though the double is a little less.
        node.set("this", cast_to(node.this, "varchar"))
    elif to.find(exp.DataType) and to.is_type("date", "time") and kind in _FLOATS | {"BOOLEAN"}:
        raise refusal(node, f"Trino cannot cast {kind.lower()} to {to.sql('trino').lower()}")


def _from_text(node: exp.Expr, to: exp.DataType) -> None:
    """Hold the text against what Trino reads, before DuckDB reads it, which is content with more."""
    wanted = next((name for name, kinds in _KINDS.items() if to.is_type(*kinds)), None)
    if wanted is None:
        raise refusal(node, f"a cast of varchar to {to.sql('trino').lower()} is not supported")
    written, wider = _WRITTEN[wanted], _FOR_TRINO_ONLY.get(wanted, "")
    if isinstance(node.this, exp.Literal) and re.fullmatch(written, node.this.name):
        node.set("this", exp.Literal.string(node.this.name.strip()))
    elif isinstance(node.this, exp.Literal) and wider and re.fullmatch(wider, node.this.name):
        raise refusal(node, f"only Trino reads that as a {wanted}")
    else:
        name = "lk_try_written" if isinstance(node, exp.TryCast) else "lk_written"
        node.set("this", call(name, node.this, written, wider, wanted))
    if wanted.startswith("timestamp"):
        _to_timestamp(node, to)


def attempt(node: exp.Expr, _kinds: list[str]) -> None:
    """``try(…)``: null for a cast or a division that fails; anything else might fail in other ways."""
    inner = node.this.unnest()
    if isinstance(inner, exp.Cast):  # rewritten already, if it had to be
        for checked in inner.find_all(exp.Anonymous):
            if str(checked.this) == "lk_written":
                checked.set("this", "lk_try_written")
        if inner.find(exp.Anonymous) is None or inner.this.find(exp.Anonymous) is inner.this:
            node.replace(exp.TryCast(this=inner.this, to=inner.args["to"]))
            return
    if isinstance(inner, exp.Anonymous) and str(inner.this) in ("lk_quotient", "lk_remainder"):
        left, right = inner.expressions
        inner.set("expressions", [left, exp.Nullif(this=right, expression=exp.Literal.number(0))])
        node.replace(inner)
        return
    raise refusal(
        node, "of try(), only try(cast(…)) and a division of whole numbers are supported", "try_cast, nullif"
    )


def _from_json(node: exp.Expr, to: exp.DataType) -> None:
    if to.is_type("varchar", "text"):
        node.replace(call("lk_json_varchar", node.this))
        return
    kinds = [kind for kind in to.find_all(exp.DataType) if kind is not to]
    if to.is_type("array") and len(kinds) == 1 and kinds[0].is_type("varchar", "text"):
        node.replace(call("lk_json_varchars", node.this))
        return
    plain = ("json", "boolean", "double", *_WHOLE)
    allowed = to.is_type(*plain, "decimal") or (
        to.is_type("array", "map")
        and kinds[-1].is_type(*plain)
        and len(kinds) == (1 if to.is_type("array") else 2)
    )
    if not allowed:
        raise refusal(
            node,
            f"a cast of JSON to {to.sql('trino').lower()} is not supported",
            "cast it to array(json), and take the fields with json_extract_scalar",
        )


def _to_text(node: exp.Expr, kind: str, to: exp.DataType) -> None:
    if kind not in _READS_THE_SAME and not kind.startswith("DECIMAL"):
        raise refusal(
            node, f"{kind.lower()} reads otherwise as text there", "date_format, or a cast to decimal"
        )
    if to.expressions:
        if kind != "VARCHAR":
            raise refusal(node, "Trino fails where the text is too long", "cast it to varchar")
        node.replace(call("left", node.this, int(to.expressions[0].name)))


def _to_timestamp(node: exp.Expr, to: exp.DataType) -> None:
    """Instants have microseconds here; a lower precision is rounded to, as Trino does."""
    digits = int(to.expressions[0].name) if to.expressions else 3
    zoned = "timestamptz" if to.is_type("timestamptz") else "timestamp"
    plain = type(node)(this=node.this, to=exp.DataType.build(zoned, dialect="duckdb"))
    if isinstance(node.this, exp.Literal) or digits == 6:
        node.replace(plain)
    elif digits in (0, 3):
        node.replace(call("lk_milliseconds" if digits else "lk_seconds", plain))
    else:
        raise refusal(node, f"a precision of {digits} is not supported", "timestamp(6)")


def _row(node: exp.Expr, to: exp.DataType) -> None:
    fields = [
        exp.PropertyEQ(
            this=exp.to_identifier(field.name), expression=exp.Cast(this=value, to=field.args["kind"])
        )
        for field, value in zip(to.expressions, node.this.expressions, strict=True)
    ]
    node.replace(exp.Struct(expressions=fields))
