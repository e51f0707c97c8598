"""Sales by day and currency."""

import pytest

from clock import at
from shop import line, order, refund, returned, sale

MART = "fct_daily_sales"
ORDERS, REFUNDS = "int_shopify__orders", "int_shopify__refunds"


def test_a_day_is_the_sum_of_its_sales(lake):
    lake.given(
        "shopify.orders",
        [
            order(1, line(10, 2, discounts=(2,), taxes=(1.5,)), shipping=5),
            order(2, line(30, taxes=(2.5,))),
            order(3, line(7), on="2026-02-11"),
        ],
    )
    lake.build(MART)
    lake.expect(
        MART,
        [
            {
                "sales_date": "2026-02-10",
                "currency": "USD",
                "orders": 2,
                "units": 3,
                "gross_sales": 50,
                "discounts": 2,
                "tax": 4,
                "shipping": 5,
                "refunds": 0,
                "net_sales": 48,
                "average_order_value": 24,
            },
            {
                "sales_date": "2026-02-11",
                "currency": "USD",
                "orders": 1,
                "units": 1,
                "gross_sales": 7,
                "discounts": 0,
                "tax": 0,
                "shipping": 0,
                "refunds": 0,
                "net_sales": 7,
                "average_order_value": 7,
            },
        ],
    )


def test_a_cancelled_order_leaves_its_day(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(30))])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-10", "currency": "USD", "orders": 2, "gross_sales": 40}])
    lake.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-11")}])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-10", "currency": "USD", "orders": 1, "gross_sales": 30}])


def test_a_day_that_loses_its_last_order_goes(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(30), on="2026-02-11")])
    lake.build(MART)
    lake.given("shopify.orders", [{"id": 1, "deleted_at": at("2026-02-12")}])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-11", "orders": 1}])


def test_a_refund_is_of_the_day_it_was_made(lake):
    lake.given("shopify.orders", [order(1, line(30), on="2026-02-10")])
    lake.build(MART)
    lake.given("shopify.order_refunds", [refund(1, returned(12), of=1, on="2026-02-14")])
    lake.build(MART)
    lake.expect(
        MART,
        [
            {
                "sales_date": "2026-02-10",
                "refunds": 0,
                "net_sales": 30,
                "average_order_value": 30,
                "orders": 1,
            },
            {
                "sales_date": "2026-02-14",
                "refunds": 12,
                "net_sales": -12,
                "average_order_value": None,
                "orders": 0,
            },
        ],
    )


def test_a_refund_of_an_order_that_is_cancelled_afterwards_goes_with_it(lake):
    lake.given("shopify.orders", [order(1, line(30)), order(2, line(5))])
    lake.given("shopify.order_refunds", [refund(1, returned(30), of=1, on="2026-02-10")])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-10", "refunds": 30, "net_sales": 5}])
    lake.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-11")}])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-10", "refunds": 0, "net_sales": 5}])


def test_a_refund_without_its_order_is_of_no_day(lake):
    lake.given("shopify.orders", [order(1, line(30))])
    lake.given("shopify.order_refunds", [refund(1, returned(12), of=99, on="2026-02-14")])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-10", "refunds": 0}])


def test_each_currency_has_a_row_of_its_own(lake):
    lake.given(
        ORDERS, [sale(1, amount=10), sale(2, amount=26, currency="CAD"), sale(3, amount=9, currency="EUR")]
    )
    lake.given(
        REFUNDS,
        [
            # Shipping alone was refunded: the refund names no currency, its order does.
            {"refund_id": 1, "order_id": 2, "refund_date": "2026-02-10", "refund_amount": 0},
            {
                "refund_id": 2,
                "order_id": 3,
                "refund_date": "2026-02-10",
                "currency": "EUR",
                "refund_amount": 4,
            },
        ],
    )
    lake.build(MART)
    lake.expect(
        MART,
        [
            {"sales_date": "2026-02-10", "currency": "USD", "gross_sales": 10, "refunds": 0},
            {"sales_date": "2026-02-10", "currency": "CAD", "gross_sales": 26, "refunds": 0},
            {"sales_date": "2026-02-10", "currency": "EUR", "gross_sales": 9, "refunds": 4},
        ],
    )


@pytest.mark.parametrize(
    ("amounts", "average"), [((10, 10, 10), "10.00"), ((10, 0, 0), "3.33"), ((20, 0, 0), "6.67"), ((0.01, 0), "0.01")]
)  # fmt: skip
def test_an_average_is_rounded_to_the_cent(lake, amounts, average):
    lake.given(ORDERS, [sale(number, amount=amount) for number, amount in enumerate(amounts, 1)])
    lake.build(MART)
    lake.expect(MART, [{"sales_date": "2026-02-10", "average_order_value": average}])


def test_a_shop_that_has_sold_nothing_has_no_days(lake):
    lake.given(ORDERS, [sale(1) | {"is_sale": False}])
    lake.build(MART)
    lake.expect(MART, [])
