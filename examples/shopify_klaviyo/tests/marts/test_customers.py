"""Customers: what they bought, what they are worth, and which segment they are of."""

import pytest

from clock import at
from shop import customer, line, order, refund, returned, sale

MART = "dim_customers"
ORDERS = "int_shopify__orders"


def test_a_customer_has_what_they_bought(lake):
    lake.given("shopify.customers", [customer(7, default_address={"country_code": "US"}), customer(8)])
    lake.given(
        "shopify.orders",
        [
            order(1, line((26, 20), discounts=((2.6, 2),)), on="2026-02-01", customer=7, currency="CAD"),
            order(2, line(30), on="2026-02-10", customer=7),
            order(3, line(99), on="2026-02-14"),
        ],
    )
    lake.given("shopify.order_refunds", [refund(1, returned((6.5, 5), currency="CAD"), of=1)])
    lake.build(MART)
    lake.expect(
        MART,
        [
            {
                "customer_id": 7,
                "email": "customer7@example.com",
                "first_name": "Ann",
                "last_name": "Lee",
                "country_code": "US",
                "accepts_marketing": False,
                "created_at": at("2026-01-02"),
                "orders": 2,
                "first_order_date": "2026-02-01",
                "last_order_date": "2026-02-10",
                "lifetime_value": 43,
                "recency_days": 4,
            },
            {
                "customer_id": 8,
                "email": "customer8@example.com",
                "first_name": "Ann",
                "last_name": "Lee",
                "country_code": None,
                "accepts_marketing": False,
                "created_at": at("2026-01-02"),
                "orders": 0,
                "first_order_date": None,
                "last_order_date": None,
                "lifetime_value": 0,
                "recency_days": None,
            },
        ],
    )


def test_a_refund_of_a_later_sync_is_taken_off(lake):
    lake.given("shopify.customers", [customer(7)])
    lake.given("shopify.orders", [order(1, line(30), customer=7)])
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 7, "lifetime_value": 30}])
    lake.given("shopify.order_refunds", [refund(1, returned(10), of=1), refund(2, returned(5), of=1)])
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 7, "lifetime_value": 15}])


def test_a_cancelled_order_and_its_refund_are_worth_nothing(lake):
    lake.given("shopify.customers", [customer(7)])
    lake.given("shopify.orders", [order(1, line(30), customer=7), order(2, line(8), customer=7)])
    lake.given("shopify.order_refunds", [refund(1, returned(30), of=1)])
    lake.build(MART)
    lake.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-11")}])
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 7, "orders": 1, "lifetime_value": 8}])


def test_a_customer_who_lost_the_only_order_is_a_prospect_again(lake):
    lake.given("shopify.customers", [customer(7)])
    lake.given("shopify.orders", [order(1, line(30), customer=7)])
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 7, "segment": "lost", "recency_score": 1}])
    lake.given("shopify.orders", [{"id": 1, "deleted_at": at("2026-02-12")}])
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 7, "segment": "prospect", "orders": 0, "recency_score": None}])


def test_a_buyer_whom_shopify_has_not_told_of_yet_is_left_out_and_takes_no_score(lake):
    lake.given("shopify.customers", [customer(7)])
    lake.given("shopify.orders", [order(1, line(30), customer=7), order(2, line(8), customer=6)])
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 7, "recency_score": 1, "frequency_score": 1, "monetary_score": 1}])


# Five customers, one for each score: who bought when, how often, and for how much.
BUYERS = {
    1: ("2026-02-01", 1, 50),
    2: ("2026-02-02", 5, 10),
    3: ("2026-02-03", 3, 9),
    4: ("2026-02-04", 2, 100),
    5: ("2026-02-05", 4, 11),
}


def bought(day, times, amount, by):
    return [sale(by * 10 + time, day, amount, customer_id=by) for time in range(times)]


@pytest.fixture
def buyers(lake):
    lake.given("int_shopify__customers", [{"customer_id": one} for one in (*BUYERS, 6)])
    lake.given(
        ORDERS, [one for by, (day, times, amount) in BUYERS.items() for one in bought(day, times, amount, by)]
    )
    return lake


def test_scores_rank_the_buyers_by_fifths(buyers):
    buyers.build(MART)
    buyers.expect(
        MART,
        [
            {"customer_id": 1, "recency_score": 1, "frequency_score": 1, "monetary_score": 3},
            {"customer_id": 2, "recency_score": 2, "frequency_score": 5, "monetary_score": 4},
            {"customer_id": 3, "recency_score": 3, "frequency_score": 3, "monetary_score": 1},
            {"customer_id": 4, "recency_score": 4, "frequency_score": 2, "monetary_score": 5},
            {"customer_id": 5, "recency_score": 5, "frequency_score": 4, "monetary_score": 2},
            {"customer_id": 6, "recency_score": None, "frequency_score": None, "monetary_score": None},
        ],
    )


@pytest.mark.parametrize(
    ("who", "segment"),
    [(5, "champion"), (2, "loyal"), (4, "recent"), (1, "lost"), (3, "regular"), (6, "prospect")],
)
def test_a_segment_is_by_recency_and_frequency(buyers, who, segment):
    buyers.build(MART)
    buyers.expect(MART, [{"customer_id": who, "segment": segment}], partial=True)


def test_who_buys_often_and_lately_becomes_a_champion(lake):
    lake.given("shopify.customers", [customer(one) for one in BUYERS])
    first = [order(one, line(10), customer=one, on=day) for one, (day, *_) in BUYERS.items()]
    lake.given("shopify.orders", first)
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 1, "segment": "lost"}], partial=True)
    lake.given(
        "shopify.orders",
        [order(number, line(10), customer=1, on=f"2026-03-0{number - 10}") for number in (11, 12, 13)],
    )
    lake.build(MART)
    lake.expect(MART, [{"customer_id": 1, "segment": "champion", "recency_days": 0}], partial=True)
