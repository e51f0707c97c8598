"""A shop's first sync and a later one, through every model."""

import pytest

from clock import at
from shop import customer, line, order, product, refund, returned

MARTS = ["fct_daily_sales", "fct_customer_cohorts", "dim_products", "dim_customers"]


@pytest.fixture
def shop(lake):
    """Two syncs of a small shop, and a build after each."""
    lake.given("shopify.products", [product(5, title="Mug"), product(6, title="Bowl", prices=(20, 25))])
    lake.given("shopify.customers", [customer(7), customer(8, email="Bob@Example.com")])
    mug, bowl = line(10, 2, id=11, product=5, taxes=(1.6,)), line(20, id=12, product=6, discounts=(2,))
    lake.given(
        "shopify.orders",
        [
            order(
                1,
                mug,
                bowl,
                on="2026-01-31",
                customer=7,
                email="customer7@example.com",
                shipping=5,
                total=44.6,
            ),
            order(2, line((26, 20), product=6), on="2026-02-01", customer=8, currency="CAD", total=(26, 20)),
            order(3, line(10, product=5), on="2026-02-01", total=10),
            order(4, line(10, product=5), on="2026-02-01", test=True, total=10),
        ],
    )
    lake.build()
    # The bowl goes back, Bob's order is cancelled, the test order is deleted, and the first customer buys again.
    lake.given("shopify.order_refunds", [refund(1, returned(18), of=1, on="2026-02-14")])
    lake.given("shopify.deleted_products", [{"id": 6, "deleted_at": at("2026-02-14")}])
    lake.given(
        "shopify.orders",
        [
            {"id": 2, "cancelled_at": at("2026-02-13")},
            {"id": 4, "deleted_at": at("2026-02-13")},
            order(
                5, line(10, product=5), on="2026-02-14", customer=7, email="customer7@example.com", total=10
            ),
        ],
    )
    lake.build()
    return lake


def test_the_marts_after_two_syncs(shop):
    shop.expect_snapshot("fct_daily_sales", key=["sales_date", "currency"])
    shop.expect_snapshot("fct_customer_cohorts", key=["cohort_month", "months_since_first"])
    shop.expect("dim_products", [{"product_id": 5, "units_sold": 4, "shop_gross_sales": 40}])
    shop.expect(
        "dim_customers",
        [
            {"customer_id": 7, "orders": 2, "lifetime_value": 30, "segment": "lost"},
            {"customer_id": 8, "orders": 0, "lifetime_value": 0, "segment": "prospect"},
        ],
    )


def test_a_second_build_changes_nothing(shop):
    before = {mart: shop.rows(mart) for mart in MARTS}
    built = shop.build()
    written = {name: cost.rows_written for name, cost in built.costs.items() if name.startswith("int_")}
    assert set(written.values()) == {0}, written
    for mart, rows in before.items():
        shop.expect(mart, rows)


def test_a_full_refresh_tells_the_same(shop):
    before = {name: shop.rows(name) for name in shop.graph.models if not name.startswith("stg_")}
    shop.build(full_refresh=True)
    for name, rows in before.items():
        shop.expect(name, rows)


def test_what_is_tried_on_a_branch_stays_there(shop):
    with shop.branch() as work:
        work.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-15")}])
        work.build("fct_daily_sales")
        work.expect("int_shopify__orders", [{"order_id": 1, "is_sale": False}], partial=True)
    shop.expect("int_shopify__orders", [{"order_id": 1, "is_sale": True}], partial=True)
