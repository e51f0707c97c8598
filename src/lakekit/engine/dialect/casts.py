"""Casts: what rounds otherwise, what DuckDB is laxer with, and what reads otherwise as text.

Source of what Trino reads as what: its own answers (``tests/parity.py``).
"""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from .functions import refusal
from .numbers import with_a_whole_digit
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
_DIGITS: Final = "digits"
"""Where it is kept to how many digits of a second a timestamp was cast: DuckDB's have six, and do not know."""

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
        _row(node, to, kinds[1:])
    elif to.is_type("json", "char", "bpchar"):
        raise refusal(node, f"a cast to {to.sql('trino').lower()} is not supported")
    elif kind == "JSON":
        _from_json(node, to)
    elif to.is_type("array", "map", "struct"):
        _parts(node, kind, to)
    elif to.is_type("varchar", "text"):
        _to_text(node, kind, to)
    elif kind == "VARCHAR":
        _from_text(node, to)
    elif to.is_type("timestamp", "timestamptz", "timestampntz"):
        _to_timestamp(node, to)
    elif to.is_type("date", "time") and kind in _FLOATS | {"BOOLEAN"}:
        raise refusal(node, f"Trino cannot cast {kind.lower()} to {to.sql('trino').lower()}")
    elif kind in _FLOATS:
        _from_float(node, to)


def _from_float(node: exp.Expr, to: exp.DataType) -> None:
    if to.is_type(*_WHOLE):
        node.set("this", call("round", node.this))
    elif to.is_type("decimal"):
        # By way of its text: 1.005 is 1.01 to Trino, though the double is a little less.
        node.set("this", cast_to(node.this, "varchar"))


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
    if node.this.unnest().meta.get(_DIGITS) == 6 and not to.expressions:
        node.replace(call("lk_instant_text", node.this, " UTC" if kind.endswith("ZONE") else ""))
        return
    if kind not in _READS_THE_SAME and not kind.startswith("DECIMAL"):
        raise refusal(
            node,
            f"{kind.lower()} reads otherwise as text there",
            "date_format, or a cast to decimal or timestamp(6) first",
        )
    if wider := with_a_whole_digit(kind):
        node.set("this", cast_to(node.this, wider))
    if to.expressions:
        if kind != "VARCHAR":
            raise refusal(node, "Trino fails where the text is too long", "cast it to varchar")
        node.replace(call("left", node.this, int(to.expressions[0].name)))


def _to_timestamp(node: exp.Expr, to: exp.DataType) -> None:
    """Instants have microseconds here; a lower precision is rounded to, as Trino does."""
    digits = int(to.expressions[0].name) if to.expressions else 3
    zoned = "timestamptz" if to.is_type("timestamptz") else "timestamp"
    plain = type(node)(this=node.this, to=exp.DataType.build(zoned, dialect="duckdb"))
    plain.meta[_DIGITS] = digits
    if isinstance(node.this, exp.Literal) or digits == 6:
        node.replace(plain)
    elif digits in (0, 3):
        node.replace(call("lk_milliseconds" if digits else "lk_seconds", plain))
    else:
        raise refusal(node, f"a precision of {digits} is not supported", "timestamp(6)")


def _row(node: exp.Expr, to: exp.DataType, kinds: list[str]) -> None:
    if len(to.expressions) != len(kinds):
        raise refusal(node, "only a row of as many plain fields as the type has is supported")
    casts = [
        exp.Cast(this=value, to=field.args["kind"])
        for field, value in zip(to.expressions, node.this.expressions, strict=True)
    ]
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(field.name), expression=value)
        for field, value in zip(to.expressions, casts, strict=True)
    ]
    node.replace(exp.Struct(expressions=fields))
    for value, kind in zip(casts, kinds, strict=True):
        cast(value, [kind])


def _parts(node: exp.Expr, kind: str, to: exp.DataType) -> None:
    """DuckDB casts what is inside as it would outside, which is not always as Trino does."""
    if '"NULL"' not in kind and not _casts_alike(exp.DataType.build(kind, dialect="duckdb"), to):
        raise refusal(
            node,
            f"a cast of {kind.lower()} to {to.sql('trino').lower()} is not supported",
            "cast the parts before they are put together",
        )


def _casts_alike(kind: exp.DataType, to: exp.DataType) -> bool:
    """Whether DuckDB casts one type to the other just as Trino does."""
    if to.is_type("array", "map", "struct"):
        # DuckDB finds a row's fields by their names, Trino by their places.
        parts, wanted = (
            [(part.name, part.args.get("kind", part)) for part in whole.expressions] for whole in (kind, to)
        )
        return (
            kind.this == to.this
            and len(parts) == len(wanted)
            and all(
                name == other_name and _casts_alike(one, other)
                for (name, one), (other_name, other) in zip(parts, wanted, strict=True)
            )
        )
    is_text = to.is_type("varchar", "text") and not to.expressions
    if kind.is_type(*_WHOLE):
        return to.is_type(*_WHOLE, "decimal", "double", "float") or is_text
    if kind.is_type("decimal"):
        reads_alike = is_text and with_a_whole_digit(kind.sql("duckdb")) is None
        return to.is_type(*_WHOLE, "decimal", "double", "float") or reads_alike
    if kind.is_type("timestamp", "timestamptz"):
        return kind.this == to.this and to.sql("trino").find("(6)") > 0
    if to.is_type("varchar", "text"):
        return is_text and kind.is_type("varchar", "text", "boolean", "date")
    return bool(kind.this == to.this)
