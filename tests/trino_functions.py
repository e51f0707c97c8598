"""Every function that Trino 476 knows, and a plausible call of each of its signatures."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

SIGNATURES = Path(__file__).with_name("trino_476_functions.txt")
"""What SHOW FUNCTIONS answers, a line each: name, kind, types of the arguments, type of the answer."""

PLUGINS = Path(__file__).with_name("trino_plugin_functions.txt").read_text(encoding="utf-8").split()
"""Functions of plugins (Teradata, machine learning, geometry) that are documented, but not in the stack's Trino."""

_SAMPLES = {
    "bigint": "2", "integer": "2", "smallint": "smallint '2'", "tinyint": "tinyint '2'",
    "double": "0.5e0", "real": "real '0.5'", "boolean": "true",
    "varchar": "'a'", "joniregexp": "'a'", "codepoints": "'a'", "jsonpath": "'$.a'", "json": "json_parse('[1]')",
    "varbinary": "to_utf8('a')", "ipaddress": "ipaddress '10.0.0.1'", "color": "color('red')",
    "date": "date '2026-01-31'", "interval day to second": "interval '1' day",
    "interval year to month": "interval '1' month", "unknown": "null",
    "K": "'x'", "map(K,V)": "map(array['x'], array[1])",
    "hyperloglog": "approx_set(1)", "setdigest": "make_set_digest(1)", "tdigest": "tdigest_agg(0.5e0)",
    "qdigest(bigint)": "qdigest_agg(2)", "qdigest(double)": "qdigest_agg(0.5e0)",
    "qdigest(real)": "qdigest_agg(real '0.5')",
}  # fmt: skip
_PRECISE = {
    "varchar": "'a'", "char": "cast('a' as char(1))", "decimal": "0.25",
    "time": "time '10:00:00'", "time with time zone": "time '10:00:00+00:00'",
    "timestamp": "timestamp '2026-01-31 10:00:00'",
    "timestamp with time zone": "timestamp '2026-01-31 10:00:00 UTC'",
}  # fmt: skip

# What a text has to say to be an argument of these; None is whatever its type gives.
_TEXTS: dict[str, tuple[str | None, ...]] = {
    "date": ("'2026-01-31'",),
    "date_add": ("'day'",),
    "date_diff": ("'day'",),
    "date_format": (None, "'%Y'"),
    "date_parse": ("'2026'", "'%Y'"),
    "date_trunc": ("'day'",),
    "from_base64": ("'YQ=='",),
    "from_iso8601_date": ("'2026-01-31'",),
    "from_iso8601_timestamp": ("'2026-01-31T10:00:00Z'",),
    "from_iso8601_timestamp_nanos": ("'2026-01-31T10:00:00Z'",),
    "from_hex": ("'61'",),
    "json_array_length": ("'[1]'",),
    "json_extract": ("'{\"a\": 1}'",),
    "json_extract_scalar": ("'{\"a\": 1}'",),
    "json_parse": ("'[1]'",),
    "normalize": (None, "NFC"),
}
_VARIADIC = frozenset({"concat", "greatest", "least", "map_concat"})

# Calls with a syntax of their own, and functions that SHOW FUNCTIONS does not tell of.
_SPELLED_OUT = {
    "at_timezone": ["at_timezone(now(), 'UTC')", "date(at_timezone(now(), 'UTC'))"],
    "classifier": ["select * from (values 1) as t (a) match_recognize (measures classifier() as c pattern (p) define p as true)"],
    "coalesce": ["coalesce(null, 1)"],
    "count": ["count(*)", "count(1)"],
    "cast": ["cast('1' as bigint)"],
    "current_date": ["current_date"],
    "current_time": ["current_time", "current_time(3)"],
    "current_timestamp": ["current_timestamp", "current_timestamp(6)"],
    "exclude_columns": ["select * from table(exclude_columns(input => table(select 1 as a, 2 as b), columns => descriptor(a)))"],
    "extract": ["extract(year from date '2026-01-31')"],
    "format": ["format('%s', 1)"],
    "grouping": ["select grouping(a) as g from (values 1) as t (a) group by rollup (a)"],
    "if": ["if(true, 1)", "if(true, 1, 2)"],
    "json_array": ["json_array(1)"],
    "json_exists": ["json_exists('{}', 'lax $.a')"],
    "json_object": ["json_object('a': 1)"],
    "json_query": ["json_query('{}', 'lax $.a')", "json_query('{}', 'strict $.a' with wrapper)"],
    "json_table": ["select * from json_table('[]', 'lax $[*]' columns (a bigint path 'lax $.a'))"],
    "json_value": ["json_value('{}', 'lax $.a')", "json_value('{}', 'lax $.a' returning bigint)"],
    "listagg": ["select listagg(a, '-') within group (order by a) as c from (values 'a', 'b') as t (a)"],
    "localtime": ["localtime", "localtime(3)"],
    "localtimestamp": ["localtimestamp", "localtimestamp(6)"],
    "match_number": ["select * from (values 1) as t (a) match_recognize (measures match_number() as c pattern (p) define p as true)"],
    "merge": ["select merge(a) as c from (select approx_set(1)) as t (a)"],
    "merge_set_digest": ["select merge_set_digest(a) as c from (select make_set_digest(1)) as t (a)"],
    "nullif": ["nullif(1, 2)"],
    "position": ["position('a' in 'ab')"],
    "row": ["row(1, 2)"],
    "table_changes": ["select * from table(system.table_changes('core', 't', 1, 2))"],
    "try": ["try(cast('a' as bigint))"],
    "try_cast": ["try_cast('a' as bigint)"],
    "unnest": ["select a from unnest(array[1]) as t (a)"],
    "version": ["version()"],
}  # fmt: skip


def calls() -> dict[str, list[str]]:
    """Calls of every function, by its name: expressions, or whole queries where that is how it is called."""
    found = defaultdict(list, {name: list(spelled) for name, spelled in _SPELLED_OUT.items()})
    for line in SIGNATURES.read_text(encoding="utf-8").splitlines():
        name, kind, arguments, _ = line.split(" | ")
        if name not in _SPELLED_OUT:
            found[name].append(_call(name, kind, arguments.split(", ") if arguments else []))
    return dict(sorted(found.items()))


def query(call: str) -> str:
    """A statement that makes one call."""
    return call if call.startswith("select ") else f"select {call} as c"


def _call(name: str, kind: str, types: list[str]) -> str:
    given = [_sample(type_) for type_ in types]
    for place, text in enumerate(_TEXTS.get(name, ())):
        if text and place < len(given) and given[place] == "'a'":
            given[place] = text
    if name in _VARIADIC and len(given) == 1:
        given *= 2
    called = f"{name}({', '.join(given)})"
    if kind == "table":
        return f"select * from table({called})"
    return f"{called} over (order by 1)" if kind == "window" else called


def _sample(type_: str) -> str:
    """An expression of a type; what the type's variables stand for is a whole number."""
    if type_ in _SAMPLES:
        return _SAMPLES[type_]
    if precise := re.fullmatch(r"(\w+)\([^()]+\)( with time zone)?", type_):
        plain = precise[1] + (precise[2] or "")
        if plain in _PRECISE:
            return _PRECISE[plain]
    if not (compound := re.fullmatch(r"(\w+)\((.+)\)", type_)):
        return "2"
    inner = [_sample(part) for part in _parts(compound[2])]
    match compound[1]:
        case "array":
            return f"array[{inner[0]}]"
        case "map":
            return f"map(array[{inner[0]}], array[{inner[1]}])"
        case "row":
            return f"row({', '.join(inner)})"
        case "function":
            parameters = ", ".join(f"x{n}" for n in range(len(inner) - 1))
            return f"({parameters}) -> {inner[-1]}"
    raise AssertionError(type_)


def _parts(types: str) -> list[str]:
    """``array(t),function(t,boolean)`` in its parts; types within types are not nested deeper than once."""
    return re.findall(r"(?:[^,()]|\((?:[^()]|\([^()]*\))*\))+", types)
