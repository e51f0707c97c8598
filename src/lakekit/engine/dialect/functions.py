"""What may be said at all: functions and clauses that DuckDB answers as Trino does, as they are or rewritten."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from ...errors import UnsupportedSql
from ...trino_functions import REFUSED

_LISTED: Final = frozenset({
    # numbers
    "Abs", "Ceil", "Exp", "Floor", "Greatest", "IsNan", "Least", "Ln", "Log", "Pi", "Pow", "Rand", "Round", "Sign",
    "Sqrt", "Trunc",
    # text
    "Chr", "Concat", "Decode", "Encode", "Hex", "Length", "Levenshtein", "Lower", "MD5Digest", "Pad", "RegexpExtract",
    "RegexpExtractAll", "RegexpLike", "RegexpReplace", "RegexpSplit", "Replace", "Reverse", "SHA2Digest", "Split",
    "SplitPart", "StartsWith", "StrPosition", "Substring", "ToBase64", "Translate", "Trim", "Upper",
    # dates
    "CurrentDate", "CurrentTimestamp", "Date", "DateAdd", "DateDiff", "DateTrunc", "Day", "DayOfWeekIso", "DayOfYear", "Extract",
    "FromISO8601Date", "FromISO8601Timestamp", "Hour", "LastDay", "Localtimestamp", "Minute", "Month", "Quarter",
    "Second", "StrToTime", "TimeToStr", "TimeToUnix", "TimestampTrunc", "UnixToTime", "WeekOfYear", "Year",
    "YearOfWeek", "at_timezone", "millisecond",
    # conditions and types
    "And", "Case", "Cast", "Coalesce", "Exists", "If", "Not", "Nullif", "Or", "Try", "TryCast",
    # JSON
    "JSONExtract", "JSONExtractScalar", "ParseJSON", "json_array_length",
    # arrays, maps and rows
    "Array", "ArrayContains", "ArrayFilter", "ArrayMax", "ArrayMin", "ArrayRemove", "ArraySize", "ArraySlice",
    "ArraySort", "ArrayToString", "Flatten", "GenerateSeries", "Map", "MapKeys", "Struct", "Transform", "Unnest",
    "map_values",
    # aggregates and windows
    "AnyValue", "ArgMax", "ArgMin", "ArrayAgg", "Avg", "Count", "CountIf", "CumeDist", "DenseRank", "FirstValue",
    "GroupConcat", "Grouping", "Lag", "LastValue", "Lead", "LogicalAnd", "LogicalOr", "Max", "Min", "NthValue",
    "Ntile", "PercentRank", "Rank", "RowNumber", "Stddev", "StddevPop", "StddevSamp", "Sum", "Variance",
    "VariancePop",
})  # fmt: skip

_CLAUSES: Final = (
    exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.Command, exp.JSONExtractQuote, exp.JSONValue, exp.MatchRecognize, exp.Pivot,
    exp.TableSample,
)  # fmt: skip


def refuse_what_is_not_listed(tree: exp.Expr) -> None:
    """Raise ``UnsupportedSql`` for the first function or clause whose answer might not be Trino's."""
    for node in tree.walk():
        if isinstance(node, _CLAUSES):
            raise refusal(node, "the clause is not supported", _instead(node))
        if not isinstance(node, exp.Func):
            continue
        name = str(node.this).lower() if isinstance(node, exp.Anonymous) else type(node).__name__
        if name not in _LISTED or node.args.get("json_query"):
            raise refusal(node, "the function is not supported", _instead(node))


def refusal(node: exp.Expr, why: str, instead: str = "") -> UnsupportedSql:
    """What to raise where DuckDB's answer would not be Trino's."""
    text = _written(node)
    return UnsupportedSql(
        f"The embedded engine cannot answer {text if len(text) < 80 else text[:77] + '…'} as Trino would.",
        why=why,
        todo=(f"{instead}; or " if instead else "") + "use the trino engine",
    )


def _instead(node: exp.Expr) -> str:
    """What to write instead of a call, by the name that it has in Trino."""
    called = re.match(r"\w+", _written(node))
    return REFUSED.get(called[0].lower(), "") if called else ""


def _written(node: exp.Expr) -> str:
    try:
        return node.sql("trino")
    except ValueError:  # a JSON path that sqlglot reads and cannot write
        return type(node).__name__
