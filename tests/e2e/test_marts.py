"""The marts, against an independent oracle: to the cent and row for row, on both engines, after both syncs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog

from .. import oracle

if TYPE_CHECKING:
    from lakekit import Lake

KEYS = {
    "fct_daily_sales": ("sales_date", "currency"),
    "fct_customer_cohorts": ("cohort_month", "months_since_first"),
    "fct_email_attribution": ("order_id",),
    "dim_products": ("product_id",),
    "dim_customers": ("customer_id",),
}
SOURCES = ("shopify", "klaviyo")


def land(lake: Lake, shop: Shop, sync: int) -> None:
    for source in SOURCES:
        lake.land(
            source, ConfiguredCatalog.parse(shop.configured_catalog(source)), shop.messages(source, sync=sync)
        )


def rows_by_key(rows: list[dict[str, Any]], key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {tuple(row[column] for column in key): row for row in rows}
    assert len(found) == len(rows), f"{key} is no key"
    return found


def assert_marts_equal_the_oracle(lake: Lake, shop: Shop, syncs: int) -> None:
    expected = oracle.marts(
        message
        for source in SOURCES
        for sync in range(1, syncs + 1)
        for message in shop.messages(source, sync=sync)
    )
    for mart, key in KEYS.items():
        actual = rows_by_key(lake.sql(f"select * from marts.{mart}").rows(), key)
        wanted = rows_by_key(expected[mart], key)
        assert actual.keys() == wanted.keys(), mart
        for at, row in wanted.items():
            shown = {column: actual[at][column] for column in row}
            assert shown == row, f"{mart} at {at}"


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
@given(seed=st.integers(0, 2**31))
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_shops_marts_are_what_the_oracle_says(lake: Lake, seed: int) -> None:
    check_both_syncs(lake, Shop(seed=seed, orders=250))


@pytest.mark.parametrize("lake", ["trino"], indirect=True)
@pytest.mark.parametrize("seed", [7, 2026])
def test_the_same_on_trino(lake: Lake, seed: int) -> None:
    check_both_syncs(lake, Shop(seed=seed, orders=250))


def check_both_syncs(lake: Lake, shop: Shop) -> None:
    # A branch that plays main: the fixture's lake is shared between hypothesis' examples.
    with lake.branch(f"seed-{shop.seed}-{secrets.token_hex(2)}") as main:
        for sync in (1, 2):
            land(main, shop, sync)
            with main.branch() as work:
                assert work.build().ok
                work.publish()
            assert_marts_equal_the_oracle(main, shop, sync)
