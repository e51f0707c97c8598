"""Core and marts, against an independent oracle: to the cent and row for row, on both engines, after both syncs."""

from __future__ import annotations

import json
import secrets
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog

from .. import oracle
from ..landing import SOURCES, land

if TYPE_CHECKING:
    from lakekit import Lake

KEYS = {
    "int_shopify__orders": ("order_id",),
    "int_shopify__order_lines": ("order_line_id",),
    "int_shopify__refunds": ("refund_id",),
    "int_shopify__customers": ("customer_id",),
    "int_shopify__products": ("product_id",),
    "int_klaviyo__profiles": ("profile_id",),
    "int_klaviyo__events": ("event_id",),
    "int_klaviyo__campaigns": ("campaign_id",),
    "int_klaviyo__flows": ("flow_id",),
    "fct_daily_sales": ("sales_date", "currency"),
    "fct_customer_cohorts": ("cohort_month", "months_since_first"),
    "fct_email_attribution": ("order_id",),
    "fct_email_engagement": ("engagement_date", "channel", "mailing_id"),
    "dim_products": ("product_id",),
    "dim_customers": ("customer_id",),
}


def rows_by_key(rows: list[dict[str, Any]], key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {tuple(row[column] for column in key): row for row in rows}
    assert len(found) == len(rows), f"{key} is no key"
    return found


def assert_equal_to_the_oracle(lake: Lake, shop: Shop, syncs: int) -> None:
    messages = [
        message
        for source in SOURCES
        for sync in range(1, syncs + 1)
        for message in shop.messages(source, sync=sync)
    ]
    expected = oracle.core(messages) | oracle.marts(messages)
    assert expected.keys() == KEYS.keys()
    for model, key in KEYS.items():
        schema = "core" if model.startswith("int_") else "marts"
        actual = rows_by_key(lake.sql(f"select * from {schema}.{model}").rows(), key)
        wanted = rows_by_key(expected[model], key)
        assert actual.keys() == wanted.keys(), model
        assert wanted, model
        for at, row in wanted.items():
            shown = {column: actual[at][column] for column in row}
            assert shown == row, f"{model} at {at}"
        untold = actual[at].keys() - row.keys()
        assert untold <= {"_airbyte_extracted_at", "deletion_extracted_at"}, model


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
@given(seed=st.integers(0, 2**31))
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_shops_models_are_what_the_oracle_says(lake: Lake, seed: int) -> None:
    check_both_syncs(lake, Shop(seed=seed, orders=250))


@pytest.mark.parametrize("lake", ["trino"], indirect=True)
def test_the_same_on_trino(lake: Lake) -> None:
    check_both_syncs(lake, Shop(seed=2026, orders=250))


def check_both_syncs(lake: Lake, shop: Shop) -> None:
    """Rows are the oracle's, and columns and their types the same on both engines."""
    golden = Path(__file__).parent / "model_types.json"
    # A branch that plays main: the fixture's lake is shared between hypothesis' examples.
    with lake.branch(f"seed-{shop.seed}-{secrets.token_hex(2)}") as main:
        for sync in (1, 2):
            land(main, shop, sync)
            with main.branch() as work:
                assert work.build().ok
                work.publish()
            assert_equal_to_the_oracle(main, shop, sync)
        assert types(main) == json.loads(golden.read_text())


def types(lake: Lake) -> dict[str, list[str]]:
    return {
        model: [
            f"{field.name} {field.type}"
            for field in lake.sql(
                f"select * from {'core' if model.startswith('int_') else 'marts'}.{model} limit 0"
            )
            .arrow()
            .schema
        ]
        for model in KEYS
    }


def everything(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    """Every column of every core model and mart, watermarks included."""
    return {
        model: lake.sql(
            f"select * from {'core' if model.startswith('int_') else 'marts'}.{model} order by {', '.join(key)}"
        ).rows()
        for model, key in KEYS.items()
    }


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_building_from_scratch_gives_what_two_increments_gave(lake: Lake) -> None:
    shop = Shop(seed=11, orders=150)
    with lake.branch() as work:
        for sync in (1, 2):
            land(work, shop, sync)
            assert work.build().ok
        increments = everything(work)
        assert work.build(full_refresh=True).ok
        assert everything(work) == increments
        assert_equal_to_the_oracle(work, shop, 2)


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_a_product_that_lands_after_a_later_deletion_still_reaches_core(lake: Lake) -> None:
    shop = Shop(seed=5, orders=40)
    land(lake, shop, 1)
    configured = ConfiguredCatalog.parse(shop.configured_catalog("shopify"))
    record = next(
        message["record"]
        for message in map(json.loads, shop.messages("shopify", sync=1))
        if message["type"] == "RECORD" and message["record"]["stream"] == "products"
    )
    newest = lake.sql("select max(_airbyte_extracted_at) as at from shopify.products").rows()[0]["at"]

    def told(stream: str, at: int, **data: object) -> dict[str, object]:
        return {"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": at}}

    def deletions(work: Lake) -> dict[int, bool]:
        rows = work.sql("select product_id, is_deleted from core.int_shopify__products").rows()
        return {row["product_id"]: row["is_deleted"] for row in rows}

    with lake.branch() as work:
        work.build("+int_shopify__products")
        gone = told(
            "deleted_products", newest + 1000, id=record["data"]["id"], deleted_at="2030-01-01T00:00:00Z"
        )
        work.land("shopify", configured, [gone])
        work.build("int_shopify__products")
        assert deletions(work)[record["data"]["id"]]
        work.land("shopify", configured, [told("products", newest + 500, **(record["data"] | {"id": 1}))])
        work.build("int_shopify__products")
        assert not deletions(work)[1]


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_an_order_with_its_taxes_included_adds_up(lake: Lake) -> None:
    shop = Shop(seed=5, orders=40)
    configured = ConfiguredCatalog.parse(shop.configured_catalog("shopify"))
    messages = [json.loads(line) for line in shop.messages("shopify", sync=1)]
    changed = next(
        message["record"]["data"]
        for message in messages
        if message["type"] == "RECORD"
        and message["record"]["stream"] == "orders"
        and float(message["record"]["data"].get("total_tax") or 0) > 0
        and not message["record"]["data"]["test"]
        and not message["record"]["data"]["cancelled_at"]
    )
    changed["taxes_included"] = True
    for side in ("shop_money", "presentment_money"):
        taxes = sum(
            Decimal(tax["price_set"][side]["amount"])
            for item in changed["line_items"]
            for tax in item["tax_lines"]
        )
        total = changed["total_price_set"][side]
        total["amount"] = str(Decimal(total["amount"]) - taxes)
    lake.land("shopify", configured, messages)
    land(lake, shop, 1, ["klaviyo"])
    with lake.branch() as work:
        report = work.build()
        assert report.ok
        assert report.checks["orders_add_up"]
        told = [json.dumps(message).encode() for message in messages]
        expected = oracle.marts([*told, *shop.messages("klaviyo", sync=1)])
        for mart, rows in expected.items():
            actual = rows_by_key(work.sql(f"select * from marts.{mart}").rows(), KEYS[mart])
            for at, wanted in rows_by_key(rows, KEYS[mart]).items():
                assert {column: actual[at][column] for column in wanted} == wanted, f"{mart} at {at}"
        [row] = work.sql(
            f"select taxes_included, gross_amount, discount_amount, shipping_amount, tax_amount, total_amount "
            f"from core.int_shopify__orders where order_id = {changed['id']}"
        ).rows()
    assert row["taxes_included"]
    assert row["tax_amount"] > 0
    assert row["gross_amount"] - row["discount_amount"] + row["shipping_amount"] == row["total_amount"]
