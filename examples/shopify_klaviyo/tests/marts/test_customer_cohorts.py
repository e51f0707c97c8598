"""Customers by the month they first bought in, and what they bought in the months after it."""

import pytest

from clock import at
from shop import line, order, sale

MART = "fct_customer_cohorts"
ORDERS = "int_shopify__orders"


def test_customers_come_back_in_later_months(lake):
    lake.given(
        ORDERS,
        [
            sale(1, "2026-01-05", 10, customer_id=7),
            sale(2, "2026-01-31", 20, customer_id=8, shop_discount_amount=5),
            sale(3, "2026-01-31", 5, customer_id=8),
            sale(4, "2026-03-01", 30, customer_id=7),
            sale(5, "2026-02-01", 40, customer_id=9),
        ],
    )
    lake.build(MART)
    lake.expect(
        MART,
        [
            {
                "cohort_month": "2026-01-01",
                "months_since_first": 0,
                "cohort_size": 2,
                "customers": 2,
                "orders": 3,
                "shop_revenue": 30,
            },
            {
                "cohort_month": "2026-01-01",
                "months_since_first": 2,
                "cohort_size": 2,
                "customers": 1,
                "orders": 1,
                "shop_revenue": 30,
            },
            {
                "cohort_month": "2026-02-01",
                "months_since_first": 0,
                "cohort_size": 1,
                "customers": 1,
                "orders": 1,
                "shop_revenue": 40,
            },
        ],
    )


@pytest.mark.parametrize(
    ("first", "again", "months"),
    [
        ("2026-01-01", "2026-01-31", 0),
        ("2026-01-31", "2026-02-01", 1),
        ("2025-12-31", "2026-01-01", 1),
        ("2026-01-31", "2026-02-28", 1),
        ("2024-02-29", "2025-02-28", 12),
        ("2025-03-15", "2027-03-14", 24),
    ],
)
def test_months_are_counted_by_the_calendar(lake, first, again, months):
    lake.given(ORDERS, [sale(1, first, customer_id=7), sale(2, again, customer_id=7)])
    lake.build(MART)
    expected = {0: 1, months: 1} if months else {0: 2}
    lake.expect(MART, [{"months_since_first": since, "orders": orders} for since, orders in expected.items()])


def test_guests_are_in_no_cohort(lake):
    lake.given(ORDERS, [sale(1, customer_id=7), sale(2, customer_id=None)])
    lake.build(MART)
    lake.expect(MART, [{"cohort_month": "2026-02-01", "cohort_size": 1, "orders": 1}])


def test_an_earlier_order_that_was_told_late_moves_the_customer_to_its_month(lake):
    lake.given("shopify.orders", [order(1, line(10), on="2026-02-10", customer=7)])
    lake.build(MART)
    lake.expect(MART, [{"cohort_month": "2026-02-01", "months_since_first": 0}])
    lake.given("shopify.orders", [order(2, line(10), on="2026-01-10", customer=7)])
    lake.build(MART)
    lake.expect(
        MART,
        [
            {"cohort_month": "2026-01-01", "months_since_first": 0},
            {"cohort_month": "2026-01-01", "months_since_first": 1},
        ],
    )


def test_a_customer_whose_first_order_is_cancelled_begins_with_the_next(lake):
    lake.given(
        "shopify.orders",
        [
            order(1, line(10), on="2026-01-10", customer=7),
            order(2, line(10), on="2026-02-10", customer=7),
        ],
    )
    lake.build(MART)
    lake.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-11")}])
    lake.build(MART)
    lake.expect(MART, [{"cohort_month": "2026-02-01", "months_since_first": 0, "orders": 1}])
