"""A frozen clock on the embedded engine: the same types, and answers that follow from the moment given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from lakekit import Lake
from lakekit.engine.clock import freeze
from lakekit.settings import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 1, 5, 9, 8, 7, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("clock")
    (folder / FILE).touch()
    with Lake.connect(folder) as embedded:
        yield embedded


@pytest.mark.parametrize(
    "token", ["current_timestamp", "current_timestamp(6)", "now()", "current_date", "localtimestamp"]
)
@pytest.mark.parametrize(
    "expression",
    [
        "{}",
        "date_trunc('day', {})",
        "{} - interval '1' day",
        "cast({} as date)",
        "coalesce(null, {})",
        "date_diff('day', date '2026-01-01', cast({} as date))",
    ],
)
def test_frozen_literals_have_the_types_of_the_originals(lake: Lake, token: str, expression: str) -> None:
    running = f"select {expression.format(token)} as c"
    frozen = freeze(running, NOW)
    assert frozen != running
    assert lake.sql(frozen).arrow().schema == lake.sql(running).arrow().schema


def test_frozen_moments_are_the_one_given(lake: Lake) -> None:
    [row] = lake.sql(
        freeze("select now() as n, current_timestamp(6) as t, localtimestamp(0) as l, current_date as d", NOW)
    )
    assert row == {
        "n": NOW.replace(microsecond=123000),
        "t": NOW,
        "l": datetime(2026, 1, 5, 9, 8, 7),
        "d": date(2026, 1, 5),
    }


def test_a_model_that_looks_back_sees_the_frozen_day(lake: Lake) -> None:
    [row] = lake.sql(
        freeze(
            """
            select count_if(moment >= current_timestamp - interval '7' day) as week, max(date_diff('day', moment, now())) as age
            from (values (timestamp '2026-01-04 00:00:00 UTC'), (timestamp '2025-12-01 10:00:00 UTC')) as t (moment)
            """,
            NOW,
        )
    )
    assert row == {"week": 1, "age": 34}
