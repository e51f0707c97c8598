"""Refunds in core: the goods that went back, without shipping."""

from clock import at, text
from shop import refund, returned

MODEL = "int_shopify__refunds"


def test_a_refund_is_the_goods_that_went_back(lake):
    back = [
        returned((26, 20), 2, tax=(2.6, 2), currency="CAD"),
        returned((13, 10), tax=(1.3, 1), currency="CAD"),
    ]
    lake.given("shopify.order_refunds", [refund(1, *back, of=9, on="2026-02-12 10:00")])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "refund_id": 1,
                "order_id": 9,
                "refunded_at": at("2026-02-12 10:00"),
                "refund_date": "2026-02-12",
                "currency": "CAD",
                "units": 3,
                "refund_amount": "39.00",
                "tax_amount": "3.90",
                "shop_refund_amount": "30.00",
            }
        ],
    )


def test_a_refund_of_shipping_alone_is_of_no_goods(lake):
    lake.given("shopify.order_refunds", [refund(1, of=9), refund(2, returned(5), of=9)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"refund_id": 1, "currency": None, "units": 0, "refund_amount": 0, "shop_refund_amount": 0},
            {"refund_id": 2, "currency": "USD", "units": 1, "refund_amount": 5, "shop_refund_amount": 5},
        ],
    )


def test_a_second_refund_of_an_order_stands_beside_the_first(lake):
    first = refund(1, returned(5), of=9, on="2026-02-12")
    lake.given("shopify.order_refunds", [first])
    lake.build(MODEL)
    lake.given("shopify.order_refunds", [first, refund(2, returned(3), of=9, on="2026-02-14")])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"refund_id": 1, "order_id": 9, "refund_date": "2026-02-12", "refund_amount": 5},
            {"refund_id": 2, "order_id": 9, "refund_date": "2026-02-14", "refund_amount": 3},
        ],
    )


def test_a_refund_that_was_told_late_comes_all_the_same(lake):
    lake.given("shopify.order_refunds", [refund(2, returned(3), of=9, on="2026-02-14")])
    lake.build(MODEL)
    lake.given("shopify.order_refunds", [refund(1, returned(5), of=8, on="2026-02-12")])
    lake.build(MODEL)
    lake.expect(MODEL, [{"refund_id": 1, "refund_amount": 5}, {"refund_id": 2, "refund_amount": 3}])


def test_a_corrected_refund_of_the_same_moment_replaces_the_first(lake):
    moment = text("2026-02-12")
    lake.given("shopify.order_refunds", [refund(1, returned(5), of=9, on=at("2026-02-12"))])
    lake.build(MODEL)
    lake.given("shopify.order_refunds", [refund(1, returned(4), of=9) | {"created_at": moment}])
    lake.build(MODEL)
    lake.expect(MODEL, [{"refund_id": 1, "refund_amount": 4}])
