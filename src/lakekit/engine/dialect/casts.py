"""Casts: what rounds otherwise, what DuckDB is laxer with, and what reads otherwise as text."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from .functions import refusal
from .rule import call, cast_to

_WHOLE: Final = ("tinyint", "smallint", "int", "bigint")
_FLOATS: Final = frozenset({"DOUBLE", "FLOAT", "REAL"})
_READS_THE_SAME: Final = frozenset(
    {"VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "DATE", '"NULL"'}
)


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
    elif to.is_type("timestamp", "timestamptz", "timestampntz"):
        _to_timestamp(node, to)
    elif to.is_type(*_WHOLE) and kind == "VARCHAR":
        checked = "lk_try_whole_number" if isinstance(node, exp.TryCast) else "lk_whole_number"
        node.set("this", call(checked, node.this))
    elif to.is_type(*_WHOLE) and kind in _FLOATS:
        node.set("this", call("round", node.this))
    elif to.is_type("decimal") and kind in _FLOATS:
        # By way of its text: 1.005 is 1.01 to Trino, though the double is a little less.
        node.set("this", cast_to(node.this, "varchar"))
    elif to.find(exp.DataType) and to.is_type("date", "time") and kind in _FLOATS | {"BOOLEAN"}:
        raise refusal(node, f"Trino cannot cast {kind.lower()} to {to.sql('trino').lower()}")


def attempt(node: exp.Expr, _kinds: list[str]) -> None:
    """``try(…)``: null for a cast or a division that fails; anything else might fail in other ways."""
    inner = node.this.unnest()
    if isinstance(inner, exp.Cast):  # rewritten already, if it had to be
        for checked in inner.find_all(exp.Anonymous):
            if str(checked.this) == "lk_whole_number":
                checked.set("this", "lk_try_whole_number")
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
