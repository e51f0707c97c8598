"""What the tests of the refused functions take for Trino's is Trino's: names, signatures, calls and advice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lakekit import Lake
from lakekit.settings import FILE
from lakekit.trino_functions import REFUSED

from ..trino_functions import SIGNATURES, calls, query

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.stack import Endpoints

INSTEAD = {
    "all_match(array[1, 3], x -> x > 2)": "cardinality(filter(array[1, 3], x -> x > 2)) = cardinality(array[1, 3])",
    "any_match(array[1, 3], x -> x > 2)": "cardinality(filter(array[1, 3], x -> x > 2)) > 0",
    "approx_distinct(1)": "count(distinct 1)",
    "arrays_overlap(array[1, 3], array[3])": "cardinality(filter(array[1, 3], x -> contains(array[3], x))) > 0",
    "concat_ws('-', 'a', null, 'b')": "array_join(array['a', null, 'b'], '-')",
    "current_time is null": "cast(localtimestamp as time(6)) is null",
    "day_of_month(date '2026-01-31')": "day(date '2026-01-31')",
    "degrees(2e0)": "2e0 * 180 / pi()",
    "e()": "exp(1)",
    "every(1 > 0)": "bool_and(1 > 0)",
    "format('%s-%s', 'a', 1)": "'a' || '-' || cast(1 as varchar)",
    "format_datetime(date '2026-01-31', 'yyyy-MM-dd')": "date_format(date '2026-01-31', '%Y-%m-%d')",
    "from_unixtime_nanos(1700000000000000000)": "from_unixtime(1700000000000000000 / 1e9)",
    "geometric_mean(2e0)": "exp(avg(ln(2e0)))",
    "infinity()": "cast('Infinity' as double)",
    "is_finite(2e0)": "abs(2e0) < cast('Infinity' as double)",
    "is_finite(cast('NaN' as double))": "abs(cast('NaN' as double)) < cast('Infinity' as double)",
    "is_infinite(2e0)": "abs(2e0) = cast('Infinity' as double)",
    "json_array_contains('[\"a\"]', 'a')": "contains(cast(json_parse('[\"a\"]') as array(varchar)), 'a')",
    "json_array_get('[5, 6]', 0)": "json_extract('[5, 6]', '$[0]')",
    "json_exists('{\"a\": 1}', 'lax $.a')": "json_extract('{\"a\": 1}', '$.a') is not null",
    "json_query('{\"a\": [1]}', 'lax $.a')": "json_extract('{\"a\": [1]}', '$.a')",
    "json_size('[1, 2]', '$')": "json_array_length('[1, 2]')",
    "json_value('{\"a\": 1}', 'lax $.a')": "json_extract_scalar('{\"a\": 1}', '$.a')",
    "map_agg(k, v)": "map(array_agg(k order by k), array_agg(v order by k))",
    "nan()": "cast('NaN' as double)",
    "none_match(array[1, 3], x -> x > 5)": "cardinality(filter(array[1, 3], x -> x > 5)) = 0",
    "radians(2e0)": "2e0 * pi() / 180",
    "regexp_count('a1b22', '[0-9]+')": "cardinality(regexp_extract_all('a1b22', '[0-9]+'))",
    "repeat('a', 3)": "transform(sequence(1, 3), i -> 'a')",
    "to_iso8601(date '2026-01-31')": "date_format(date '2026-01-31', '%Y-%m-%d')",
    "trim_array(array[1, 2, 3], 1)": "slice(array[1, 2, 3], 1, 2)",
    "transform_values(map(array['a'], array['b']), (k, v) -> upper(v))": "map(map_keys(map(array['a'], array['b'])), transform(map_values(map(array['a'], array['b'])), v -> upper(v)))",
    "url_extract_host('https://a.example:80/x')": "regexp_extract('https://a.example:80/x', '//([^/:]+)', 1)",
    "yow(date '2026-01-01')": "year_of_week(date '2026-01-01')",
}
"""Calls that are refused, and the same said as the table advises to."""


@pytest.fixture(scope="module")
def engines(stack: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Lake]]:
    folder: Path = tmp_path_factory.mktemp("functions")
    (folder / FILE).write_text(f'stack = "{os.environ["LAKEKIT_TEST_STACK"]}"')
    with Lake.connect(folder, engine="trino") as trino, Lake.connect(folder, engine="embedded") as embedded:
        yield trino, embedded


def test_the_signatures_are_those_that_trino_shows(engines: tuple[Lake, Lake]) -> None:
    shown = {
        " | ".join(row[column] for column in ("Function", "Function Type", "Argument Types", "Return Type"))
        for row in engines[0].sql("show functions").rows()
    }
    assert SIGNATURES.read_text(encoding="utf-8").splitlines() == sorted(shown)


def test_the_calls_are_calls_to_trino(engines: tuple[Lake, Lake]) -> None:
    spelled = [call for made in calls().values() for call in made]
    expressions = [call for call in spelled if query(call) != call]
    # All but one that wants a table.
    queries = [call for call in spelled if query(call) == call and "table_changes" not in call]
    # A statement of many calls takes Trino as long as a statement of one.
    together = [
        f"select {', '.join(f'{call} as c{n}' for n, call in enumerate(some))}"
        for some in batched(expressions, 50)
    ]
    for statement in queries + together:
        engines[0].sql(f"explain (type validate) {statement}")


@pytest.mark.parametrize(("refused", "instead"), INSTEAD.items())
def test_what_is_advised_gives_the_same(engines: tuple[Lake, Lake], refused: str, instead: str) -> None:
    trino, embedded = engines
    assert refused.partition("(")[0].partition(" ")[0] in REFUSED
    wanted = answer(trino, refused)
    assert answer(trino, instead) == wanted
    assert answer(embedded, instead) == wanted


def answer(lake: Lake, expression: str) -> str:
    return repr(
        lake.sql(f"select {expression} as c from (values ('a', 1)) as t (k, v)").arrow()["c"].to_pylist()
    )


def batched(calls: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(calls), size):
        yield calls[start : start + size]
