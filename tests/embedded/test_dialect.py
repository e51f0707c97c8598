"""What the embedded engine does with Trino's SQL where DuckDB would answer something else."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakekit import Lake
from lakekit.errors import QueryFailed, UnsupportedSql
from lakekit.settings import FILE

from ..parity import DATA, REFUSALS

if TYPE_CHECKING:
    from collections.abc import Iterator

cents = st.integers(-(10**9), 10**9).map(lambda n: Decimal(n).scaleb(-2))
once = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("dialect")
    (folder / FILE).touch()
    with Lake.connect(folder) as embedded:
        yield embedded


@pytest.mark.parametrize("statement", REFUSALS)
def test_what_cannot_be_answered_as_trino_would_is_refused(lake: Lake, statement: str) -> None:
    is_query = statement.startswith(("select", "values"))
    query = statement.replace("DATA", DATA) if is_query else f"select {statement} as c from {DATA}"
    with pytest.raises(UnsupportedSql):
        lake.sql(query)


def test_a_refusal_names_the_expression_and_another_way(lake: Lake) -> None:
    with pytest.raises(UnsupportedSql) as caught:
        lake.sql("select json_format(json_parse('[1]')) as c")
    assert "JSON_FORMAT" in str(caught.value)
    assert "json_extract_scalar" in str(caught.value)


def money(value: Decimal) -> str:
    return f"cast('{value}' as decimal(18, 2))"


@once
@given(left=cents, right=cents.filter(bool))
def test_money_divides_to_the_cent_halves_away_from_zero(lake: Lake, left: Decimal, right: Decimal) -> None:
    [row] = lake.sql(f"select {money(left)} / {money(right)} as c").rows()
    assert row["c"] == (left / right).quantize(Decimal("0.01"), ROUND_HALF_UP)


@once
@given(values=st.lists(cents, min_size=1, max_size=7))
def test_money_averages_to_the_cent(lake: Lake, values: list[Decimal]) -> None:
    rows = ", ".join(f"({money(value)})" for value in values)
    [row] = lake.sql(f"select avg(x) as c, sum(x) as s from (values {rows}) as t (x)").rows()
    assert row["s"] == sum(values)
    assert row["c"] == (sum(values) / Decimal(len(values))).quantize(Decimal("0.01"), ROUND_HALF_UP)


@once
@given(value=cents, times=st.integers(-(10**6), 10**6), places=st.integers(0, 1))
def test_money_multiplies_exactly_and_rounds_away_from_zero(
    lake: Lake, value: Decimal, times: int, places: int
) -> None:
    [row] = lake.sql(f"select {money(value)} * {times} as c, round({money(value)}, {places}) as r").rows()
    assert row["c"] == value * times
    assert row["r"] == value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def test_a_misspelt_column_is_named_with_what_there_is_instead(lake: Lake) -> None:
    with pytest.raises(QueryFailed) as caught:
        lake.sql(f"select pric * 2 as c from (select d as price from {DATA}) as t")
    assert '"pric"' in str(caught.value)
    assert '"price"' in str(caught.value)
    assert "as Trino would" not in str(caught.value)


def test_a_missing_table_is_named(lake: Lake) -> None:
    with pytest.raises(QueryFailed, match="no_such_table"):
        lake.sql("select a + 1 as c from marts.no_such_table")


def test_no_statement_and_unknown_statements_say_so(lake: Lake, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(QueryFailed, match="empty"):
        lake.sql(" ; ")
    with pytest.raises(UnsupportedSql, match="GRANT"):
        lake.sql("grant select on marts.x to someone")
    with pytest.raises(QueryFailed, match="schema must be named"):
        lake.sql("show tables")
    assert not caplog.records
