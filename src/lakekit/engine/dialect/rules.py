"""The rewrites that depend on types: which expressions have one, whose types it asks for, and what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp

from . import casts, dates, numbers, texts
from .rule import Rule, both, cast_parts, first, outside_lambda

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPARISONS: Final = (
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.In, exp.Between,
    exp.Nullif, exp.Coalesce, exp.Greatest, exp.Least, exp.Case,
)  # fmt: skip

_OF_BINARY: Final = (exp.Decode, exp.Hex, exp.LowerHex, exp.MD5Digest, exp.SHA2Digest, exp.ToBase64)

RULES: Final[Mapping[type[exp.Expr], Rule]] = {
    exp.Add: Rule(both, numbers.add_or_subtract),
    exp.Sub: Rule(both, numbers.add_or_subtract),
    exp.Mul: Rule(both, numbers.multiply),
    exp.Div: Rule(both, numbers.divide),
    exp.Mod: Rule(both, numbers.remainder),
    exp.Avg: Rule(first, numbers.average),
    exp.Sum: Rule(first, numbers.total),
    exp.CountIf: Rule(lambda _: [], numbers.count_if),
    exp.Round: Rule(first, numbers.to_places),
    exp.Ceil: Rule(first, numbers.to_whole),
    exp.Floor: Rule(first, numbers.to_whole),
    exp.Trunc: Rule(first, numbers.to_whole),
    exp.Log: Rule(lambda _: [], numbers.logarithm),
    exp.Rand: Rule(lambda _: [], numbers.random),
    exp.BitwiseNot: Rule(first, numbers.bitwise_not),
    exp.Sign: Rule(first, numbers.sign),
    exp.Try: Rule(lambda _: [], casts.attempt),
    exp.Cast: Rule(cast_parts, casts.cast),
    exp.TryCast: Rule(cast_parts, casts.cast),
    **dict.fromkeys(_COMPARISONS, Rule(texts.beside_literal, texts.compare)),
    exp.DPipe: Rule(texts.joined, texts.join),
    exp.Concat: Rule(texts.joined, texts.join),
    exp.Upper: Rule(lambda _: [], texts.upper),
    exp.StrPosition: Rule(lambda _: [], texts.position),
    exp.Replace: Rule(lambda _: [], texts.replace),
    exp.ArrayToString: Rule(first, texts.array_join),
    exp.ArrayMax: Rule(lambda _: [], texts.extreme),
    exp.ArrayMin: Rule(lambda _: [], texts.extreme),
    exp.Substring: Rule(outside_lambda, texts.substring),
    exp.Length: Rule(outside_lambda, texts.length),
    exp.Reverse: Rule(outside_lambda, texts.reverse),
    exp.Pad: Rule(outside_lambda, texts.pad),
    **dict.fromkeys(_OF_BINARY, Rule(outside_lambda, texts.binary)),
    exp.Split: Rule(lambda _: [], texts.split),
    exp.SplitPart: Rule(lambda _: [], texts.split_part),
    exp.RegexpLike: Rule(lambda _: [], texts.regular_expression),
    exp.RegexpSplit: Rule(lambda _: [], texts.regular_expression),
    exp.RegexpExtractAll: Rule(lambda _: [], texts.regular_expression),
    exp.RegexpExtract: Rule(lambda _: [], texts.regexp_extract),
    exp.RegexpReplace: Rule(lambda _: [], texts.regexp_replace),
    exp.JSONExtractScalar: Rule(lambda _: [], texts.json_scalar),
    exp.JSONExtract: Rule(lambda _: [], texts.json_part),
    exp.TimestampTrunc: Rule(first, dates.truncate),
    exp.DateTrunc: Rule(first, dates.truncate),
    exp.DateAdd: Rule(first, dates.add),
    exp.DateDiff: Rule(both, dates.difference),
    exp.Date: Rule(first, dates.date),
    exp.AtTimeZone: Rule(first, dates.at_time_zone),
    exp.Extract: Rule(lambda _: [], dates.extract),
    exp.TimeToStr: Rule(first, dates.formatted),
    exp.StrToTime: Rule(lambda _: [], dates.parsed),
    exp.UnixToTime: Rule(outside_lambda, dates.from_unixtime),
    exp.CurrentTimestamp: Rule(lambda _: [], dates.clock),
    exp.Localtimestamp: Rule(lambda _: [], dates.clock),
    exp.FromISO8601Timestamp: Rule(lambda _: [], dates.from_iso8601),
    exp.GenerateSeries: Rule(lambda node: [node.args["start"]], dates.sequence),
    exp.ArraySize: Rule(first, texts.cardinality),
    exp.ArrayContains: Rule(lambda _: [], texts.contains),
    exp.ArraySlice: Rule(lambda _: [], texts.array_slice),
    exp.Bracket: Rule(first, texts.subscript),
    exp.Struct: Rule(lambda _: [], texts.row),
    exp.ArgMax: Rule(lambda _: [], texts.arg_extreme),
    exp.ArgMin: Rule(lambda _: [], texts.arg_extreme),
    exp.Grouping: Rule(lambda _: [], numbers.as_integer),
    exp.Anonymous: Rule(lambda node: node.expressions[:1], texts.by_name),
}


def static_type(node: exp.Expr) -> str | None:  # noqa: C901, PLR0911 (a table, told as a match)
    """The type of an expression that need not be asked for."""
    match node:
        case exp.Paren():
            return static_type(node.this)
        case exp.Literal():
            return "VARCHAR" if node.is_string else numbers.type_of_literal(node.name)
        case exp.Null():
            return '"NULL"'
        case exp.Interval():
            return "INTERVAL"
        case exp.Cast(to=exp.DataType() as to) if not to.is_type("timestamp", "timestamptz"):
            return to.sql("duckdb").upper().replace(", ", ",").replace("TEXT", "VARCHAR")
        case exp.DPipe() if "VARCHAR" in (static_type(node.this), static_type(node.expression)):
            return "VARCHAR"
        case exp.Count():
            return "BIGINT"
        case exp.JSONExtractScalar() | exp.Lower() | exp.Upper() | exp.Trim() | exp.Hex() | exp.LowerHex():
            return "VARCHAR"
        case exp.Anonymous() if str(node.this) in ("lk_json_scalar", "lk_json_text", "lk_upper"):
            return "VARCHAR"
        case exp.ParseJSON() | exp.JSONExtract() | exp.Anonymous(this="json_extract"):
            return "JSON"
        case exp.Encode() | exp.MD5Digest() | exp.SHA2Digest():
            return "BLOB"
    return None
