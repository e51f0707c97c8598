"""What may be said at all: functions and clauses that DuckDB answers as Trino does, as they are or rewritten."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from ...errors import UnsupportedSql
from ...trino_functions import REFUSED
from .rule import as_written

_LISTED: Final = frozenset({
    # numbers
    "abs", "ceiling", "exp", "greatest", "is_nan", "least", "ln", "log", "log10", "log2", "pi", "pow", "power",
    "rand", "random", "round", "sign", "sqrt", "truncate",
    # text
    "concat", "from_utf8", "length", "levenshtein_distance", "lower", "lpad", "ltrim", "md5", "regexp_extract",
    "regexp_extract_all", "regexp_like", "regexp_replace", "regexp_split", "replace", "reverse", "rpad",
    "rtrim", "sha256", "split", "split_part", "starts_with", "strpos", "substr", "to_base64", "to_hex",
    "to_utf8", "translate", "upper",
    # dates
    "at_timezone", "current_timestamp", "date", "date_add", "date_diff", "date_format", "date_parse",
    "date_trunc", "day", "day_of_week", "day_of_year", "dow", "doy", "from_iso8601_date",
    "from_iso8601_timestamp", "from_unixtime", "hour", "last_day_of_month", "localtimestamp", "millisecond",
    "minute", "month", "now", "quarter", "second", "to_unixtime", "week", "week_of_year", "year",
    "year_of_week",
    # conditions
    "coalesce", "nullif", "try",
    # JSON
    "json_array_length", "json_extract", "json_extract_scalar", "json_parse",
    # arrays, maps and rows
    "array_join", "array_max", "array_min", "array_remove", "array_sort", "cardinality", "contains", "filter",
    "flatten", "map", "map_keys", "map_values", "row", "sequence", "slice", "transform",
    # aggregates and windows
    "any_value", "arbitrary", "array_agg", "avg", "bool_and", "bool_or", "count", "count_if", "cume_dist",
    "dense_rank", "first_value", "grouping", "lag", "last_value", "lead", "max", "min", "nth_value", "ntile",
    "percent_rank", "rank", "row_number", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp",
    "variance",
})  # fmt: skip
"""By the names that they have in Trino: sqlglot takes other dialects' names for the same, and one class for several."""

_SYNTAX: Final = (
    exp.And, exp.ArgMax, exp.ArgMin, exp.Array, exp.Case, exp.Cast, exp.Ceil, exp.Chr, exp.CurrentDate,
    exp.CurrentTimestamp, exp.Exists, exp.Extract, exp.Floor, exp.GroupConcat, exp.If, exp.Localtimestamp, exp.Not, exp.Or,
    exp.ParseJSON, exp.StrPosition, exp.Substring, exp.Trim, exp.TryCast, exp.Unnest,
)  # fmt: skip
"""What is written without a name, or is parsed in a way of its own, where sqlglot does not keep the name."""

CALLED: Final = "called"
"""Where a function's name, as it was written, is kept in ``meta``."""

_CLAUSES: Final = (
    exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.Command, exp.JSONExtractQuote, exp.JSONValue, exp.MatchRecognize, exp.Pivot,
    exp.TableSample,
)  # fmt: skip


def refuse_what_is_not_listed(tree: exp.Expr, sql: str) -> None:
    """Raise ``UnsupportedSql`` for the first function or clause of a statement whose answer might not be Trino's."""
    for node in tree.walk():
        if isinstance(node, _CLAUSES):
            raise refusal(node, "the clause is not supported", _instead(node))
        if not isinstance(node, exp.Func):
            continue
        name = _name(node, sql)
        if name not in _LISTED if name else not isinstance(node, _SYNTAX):
            instead = REFUSED.get(name, "") if name else _instead(node)
            raise refusal(node, "the function is not supported", instead, name)
        node.meta[CALLED] = name


def refusal(node: exp.Expr, why: str, instead: str = "", called: str = "") -> UnsupportedSql:
    """What to raise where DuckDB's answer would not be Trino's; ``called`` is the function's name as it was written."""
    text = _written(node)
    if not text.lower().startswith(f"{called}("):  # sqlglot calls it otherwise
        text = f"{called.upper()}(…)" if called else text
    return UnsupportedSql(
        f"The embedded engine cannot answer {text if len(text) < 80 else text[:77] + '…'} as Trino would.",
        why=why,
        todo=(f"{instead}; or " if instead else "") + "use the trino engine",
    )


def _name(node: exp.Func, sql: str) -> str:
    """The function's name as it was written, in lower case; empty where it is not written with one."""
    if "start" not in node.meta:
        return ""
    return sql[node.meta["start"] : node.meta["end"] + 1].strip('"').lower()


def _instead(node: exp.Expr) -> str:
    """What to write instead of a call, by the name that it has in Trino."""
    called = re.match(r"\w+", _written(node))
    return REFUSED.get(called[0].lower(), "") if called else ""


def _written(node: exp.Expr) -> str:
    try:
        return node.transform(as_written).sql("trino")
    except ValueError:  # a JSON path that sqlglot reads and cannot write
        return type(node).__name__
