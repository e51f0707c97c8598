"""Orders in core: what they come to, whether they count, and what later syncs do to them."""

import pytest

from clock import at, text
from shop import line, order

MODEL = "int_shopify__orders"


def test_an_order_comes_to_the_sum_of_its_lines(lake):
    bought = [line(10, 2, discounts=(3,), taxes=(1.5, 0.2)), line(4.5)]
    lake.given("shopify.orders", [order(1, *bought, customer=7, shipping=5, total=28.2)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "order_id": 1,
                "order_name": "#1",
                "customer_id": 7,
                "created_at": at("2026-02-10"),
                "order_date": "2026-02-10",
                "financial_status": "paid",
                "units": 3,
                "gross_amount": "24.50",
                "discount_amount": "3.00",
                "tax_amount": "1.70",
                "shipping_amount": "5.00",
                "total_amount": "28.20",
                "is_sale": True,
            }
        ],
    )


@pytest.mark.parametrize(
    ("price", "quantity", "gross"),
    [(19.99, 3, "59.97"), (0.1, 3, "0.30"), (0, 5, "0.00"), (1234567.89, 1000, "1234567890.00")],
)
def test_cents_stay_cents(lake, price, quantity, gross):
    lake.given("shopify.orders", [order(1, line(price, quantity))])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 1, "units": quantity, "gross_amount": gross}])


@pytest.mark.parametrize("currency", ["CAD", "EUR", "JPY"])
def test_what_was_paid_in_another_currency_is_kept_beside_the_shops_own(lake, currency):
    bought = line((26, 20), 2, discounts=((2.6, 2),), taxes=((1.3, 1),))
    lake.given("shopify.orders", [order(1, bought, shipping=(6.5, 5), total=(57.2, 44), currency=currency)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "order_id": 1,
                "currency": currency,
                "gross_amount": "52.00",
                "discount_amount": "2.60",
                "tax_amount": "1.30",
                "shipping_amount": "6.50",
                "total_amount": "57.20",
                "shop_currency": "USD",
                "shop_gross_amount": "40.00",
                "shop_discount_amount": "2.00",
                "shop_tax_amount": "1.00",
                "shop_shipping_amount": "5.00",
                "shop_total_amount": "44.00",
            }
        ],
    )


def test_taxes_that_are_included_are_in_the_gross_already(lake):
    taxed = order(1, line(12, taxes=(2,)), shipping=5, total=17, taxes_included=True)
    lake.given("shopify.orders", [taxed])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [{"order_id": 1, "taxes_included": True, "gross_amount": 12, "tax_amount": 2, "total_amount": 17}],
    )


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({}, True),
        ({"test": True}, False),
        ({"cancelled_at": text("2026-02-11")}, False),
        ({"test": True, "cancelled_at": text("2026-02-11")}, False),
        ({"financial_status": "pending"}, True),
        ({"financial_status": "refunded"}, True),
    ],
    ids=["plain", "test", "cancelled", "cancelled test", "unpaid", "refunded"],
)
def test_what_counts_as_a_sale(lake, said, counts):
    lake.given("shopify.orders", [order(1, line(10), **said)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 1, "is_sale": counts, "is_test": said.get("test", False)}])


def test_an_order_that_is_cancelled_later_counts_no_more(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(20))])
    lake.build(MODEL)
    lake.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-11 08:00")}])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_id": 1, "is_sale": False, "is_cancelled": True, "cancelled_at": at("2026-02-11 08:00")},
            {"order_id": 2, "is_sale": True, "is_cancelled": False, "cancelled_at": None},
        ],
    )


def test_a_deleted_order_keeps_what_it_was(lake):
    lake.given("shopify.orders", [order(1, line(10, 2), customer=7), order(2, line(20))])
    lake.build(MODEL)
    lake.given("shopify.orders", [{"id": 1, "deleted_at": at("2026-02-11")}])
    lake.build(MODEL)
    deleted = {"customer_id": 7, "order_date": "2026-02-10", "units": 2, "gross_amount": 20}
    lake.expect(
        MODEL,
        [
            {"order_id": 1, "is_deleted": True, "is_sale": False, **deleted},
            {"order_id": 2, "is_deleted": False, "is_sale": True, "customer_id": None, "gross_amount": 20}
            | {"order_date": "2026-02-10", "units": 1},
        ],
    )


def test_an_order_that_was_deleted_before_it_was_read_is_left_out(lake):
    lake.given("shopify.orders", [{"id": 1, "deleted_at": at("2026-02-11")}, order(2, line(20))])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 2}])


def test_a_deletion_and_a_cancellation_in_one_sync(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(20)), order(3, line(30))])
    lake.build(MODEL)
    lake.given(
        "shopify.orders",
        [{"id": 1, "deleted_at": at("2026-02-11")}, {"id": 2, "cancelled_at": at("2026-02-11")}],
    )
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_id": 1, "is_deleted": True, "is_cancelled": False, "is_sale": False},
            {"order_id": 2, "is_deleted": False, "is_cancelled": True, "is_sale": False},
            {"order_id": 3, "is_deleted": False, "is_cancelled": False, "is_sale": True},
        ],
    )


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("pending", "paid"),
        ("authorized", "voided"),
        ("paid", "partially_refunded"),
        ("partially_refunded", "refunded"),
        ("partially_paid", "paid"),
        ("pending", "expired"),
    ],
)
def test_where_the_payment_stands_is_what_was_said_last(lake, first, then):
    lake.given("shopify.orders", [order(1, line(10), financial_status=first)])
    lake.build(MODEL)
    lake.given("shopify.orders", [{"id": 1, "financial_status": then}])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 1, "financial_status": then, "gross_amount": 10}])


def test_an_edited_order_comes_to_its_new_lines(lake):
    mug, bowl, plate = line(10, id=11), line(20, id=12), line(5, 4, id=13)
    lake.given("shopify.orders", [order(1, mug, bowl, total=30), order(2, line(7))])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1, mug | {"quantity": 3}, plate, total=50)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_id": 1, "units": 7, "gross_amount": 50, "total_amount": 50},
            {"order_id": 2, "units": 1, "gross_amount": 7, "total_amount": 0},
        ],
    )


def test_a_guest_who_makes_an_account_later_is_known_then(lake):
    lake.given("shopify.orders", [order(1, line(10), email="ann@example.com")])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 1, "customer_id": None, "email": "ann@example.com"}])
    lake.given("shopify.orders", [{"id": 1, "customer": {"id": 7}}])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 1, "customer_id": 7, "email": "ann@example.com"}])


def test_a_record_at_the_boundary_of_two_syncs_is_read_twice_and_counted_once(lake):
    boundary = order(2, line(20), updated_at=text("2026-02-10 10:00"))
    lake.given("shopify.orders", [order(1, line(10), updated_at=text("2026-02-10 09:00")), boundary])
    lake.build(MODEL)
    lake.given("shopify.orders", [boundary, order(3, line(30), updated_at=text("2026-02-10 11:00"))])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_id": 1, "gross_amount": 10},
            {"order_id": 2, "gross_amount": 20},
            {"order_id": 3, "gross_amount": 30},
        ],
    )


def test_an_older_version_that_comes_late_does_not_undo_a_cancellation(lake):
    lake.given(
        "shopify.orders",
        [order(1, line(10), cancelled_at=text("2026-02-11"), updated_at=text("2026-02-11"))],
    )
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1, line(10), updated_at=text("2026-02-10"))])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_id": 1, "is_cancelled": True, "updated_at": at("2026-02-11")}])


def test_an_order_without_lines_comes_to_nothing_but_its_shipping(lake):
    lake.given("shopify.orders", [order(1, shipping=5, total=5)])
    lake.build(MODEL)
    nothing = {"units": 0, "gross_amount": 0, "tax_amount": 0, "shop_gross_amount": 0}
    lake.expect(MODEL, [{"order_id": 1, "shipping_amount": 5, "total_amount": 5, **nothing}])


def test_an_order_that_loses_all_its_lines_comes_to_nothing(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(20))])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [{"order_id": 1, "units": 0, "gross_amount": 0}, {"order_id": 2, "units": 1, "gross_amount": 20}],
    )


def test_a_full_refresh_tells_the_same(lake):
    lake.given("shopify.orders", [order(1, line(10, id=11), line(5, id=12)), order(2, line(20))])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1, line(10, 2, id=11)), {"id": 2, "cancelled_at": at("2026-02-11")}])
    lake.build(MODEL)
    grown = lake.rows(MODEL)
    lake.build(f"+{MODEL}", full_refresh=True)
    lake.expect(MODEL, grown)
