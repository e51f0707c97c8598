"""Frozen time: the clock's tokens, and nothing but them."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.engine.clock import freeze

NOW = datetime(2026, 1, 5, 9, 8, 7, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("token", "literal"),
    [
        ("current_timestamp", "timestamp '2026-01-05 09:08:07.123 UTC'"),
        ("CURRENT_TIMESTAMP", "timestamp '2026-01-05 09:08:07.123 UTC'"),
        ("current_timestamp(0)", "timestamp '2026-01-05 09:08:07 UTC'"),
        ("current_timestamp(6)", "timestamp '2026-01-05 09:08:07.123456 UTC'"),
        ("current_timestamp(12)", "timestamp '2026-01-05 09:08:07.123456000000 UTC'"),
        ("current_timestamp /* micros */ ( 6 )", "timestamp '2026-01-05 09:08:07.123456 UTC'"),
        ("now()", "timestamp '2026-01-05 09:08:07.123 UTC'"),
        ("Now ( )", "timestamp '2026-01-05 09:08:07.123 UTC'"),
        ("current_date", "date '2026-01-05'"),
        ("current_time", "time '09:08:07.123+00:00'"),
        ("current_time(1)", "time '09:08:07.1+00:00'"),
        ("localtimestamp", "timestamp '2026-01-05 09:08:07.123'"),
        ("localtimestamp(0)", "timestamp '2026-01-05 09:08:07'"),
        ("localtime", "time '09:08:07.123'"),
        ("localtime(6)", "time '09:08:07.123456'"),
    ],
)
def test_each_token_becomes_a_literal_of_its_type(token: str, literal: str) -> None:
    assert freeze(token, NOW) == literal
    assert freeze(f"select a, {token} as x from t", NOW) == f"select a, {literal} as x from t"
    assert freeze(f"a-{token}+b", NOW) == f"a-{literal}+b"


UNTOUCHED = [
    "select 1",
    "select 'now() and current_date'",
    "select 'it''s now()'",
    'select "current_date", "a""now()" from t',
    "select 1 -- since current_date\nfrom t",
    "select /* now() \n current_date */ 1",
    "select o.current_date, o . localtime from o",
    "select o./* the day */current_date from o",
    "select a as current_date, b AS -- so\n now() from t",
    "select now from t",
    "select known(), now_(), xnow(), current_dates, my_current_date from t",
    "select current_timestamp(), current_timestamp(13), current_date(), now(1), localtime(x)",
    "select 'never ends: now()",
    "select /* never ends: now()",
]


@pytest.mark.parametrize("sql", UNTOUCHED)
def test_what_only_looks_like_the_clock_stays(sql: str) -> None:
    assert freeze(sql, NOW) is sql


@given(st.lists(st.sampled_from([*UNTOUCHED[:-2], "current_date", "now()", "\r\n", "é", "\t;"])))
def test_every_other_byte_is_left_alone(pieces: list[str]) -> None:
    frozen = freeze("\n , ".join(pieces), NOW)
    changed = {"current_date": "date '2026-01-05'", "now()": "timestamp '2026-01-05 09:08:07.123 UTC'"}
    assert frozen == "\n , ".join(changed.get(piece, piece) for piece in pieces)


@given(st.datetimes(max_value=datetime(9999, 12, 30)), st.integers(0, 12))
def test_precisions_round_to_the_nearest_halves_up(now: datetime, places: int) -> None:
    literal = freeze(f"localtimestamp({places})", now).removeprefix("timestamp '").removesuffix("'")
    _, _, digits = literal.partition(".")
    assert len(digits) == places
    step = timedelta(microseconds=10 ** max(6 - places, 0))
    off = datetime.fromisoformat(literal) - now
    assert -step < 2 * off <= step


def test_a_moment_that_rounds_up_crosses_midnight_as_in_trino() -> None:
    late = datetime(2026, 1, 5, 23, 59, 59, 999600, tzinfo=UTC)
    assert freeze("current_timestamp", late) == "timestamp '2026-01-06 00:00:00.000 UTC'"
    assert freeze("localtime", late) == "time '00:00:00.000'"
    assert freeze("current_date", late) == "date '2026-01-05'"


def test_another_zone_is_told_in_utc() -> None:
    early = datetime(2026, 1, 5, 1, tzinfo=timezone(timedelta(hours=2)))
    assert freeze("now()", early) == "timestamp '2026-01-04 23:00:00.000 UTC'"
    assert freeze("current_date", early) == "date '2026-01-04'"


def test_a_long_statement_is_scanned_quickly() -> None:
    line = "select o.customer_id, lower(o.name) as name from core.orders as o -- a comment that says why\n"
    sql = (line * 60)[:5000] + "\nwhere o.created_at < current_timestamp"
    seconds = min(timeit.repeat(lambda: freeze(sql, NOW), number=20, repeat=20)) / 20
    assert seconds < 0.001  # a tenth of it on an idle machine
