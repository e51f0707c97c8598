"""Shopify's streams: each staging view renames and casts what was sent, and does nothing else."""

import pytest

import shop
from clock import at, text
from shop import line, money

STREAMS = {
    "shopify.orders": (
        shop.order(
            1,
            line((26, 20)),
            on="2026-02-10 09:30",
            customer=7,
            shipping=(6.5, 5),
            total=(32.5, 25),
            currency="CAD",
            email=" Ann@Example.com",
            taxes_included=True,
            cancelled_at=text("2026-02-11"),
        ),
        {
            "order_id": 1,
            "order_name": "#1",
            "customer_id": 7,
            "email": " Ann@Example.com",
            "created_at": at("2026-02-10 09:30"),
            "cancelled_at": at("2026-02-11"),
            "deleted_at": None,
            "is_test": False,
            "financial_status": "paid",
            "taxes_included": True,
            "currency": "CAD",
            "shop_currency": "USD",
            "shipping_amount": "6.50",
            "total_amount": "32.50",
            "shop_shipping_amount": "5.00",
            "shop_total_amount": "25.00",
        },
    ),
    "shopify.order_refunds": (
        shop.refund(1, of=3, on="2026-02-12 10:00"),
        {"refund_id": 1, "order_id": 3, "refunded_at": at("2026-02-12 10:00"), "refund_line_items": "[]"},
    ),
    "shopify.customers": (
        shop.customer(
            7,
            email="Ann@Example.com",
            default_address={"country_code": "CA"},
            email_marketing_consent={"state": "pending"},
        ),
        {
            "customer_id": 7,
            "email": "Ann@Example.com",
            "first_name": "Ann",
            "last_name": "Lee",
            "country_code": "CA",
            "email_marketing_state": "pending",
            "created_at": at("2026-01-02"),
        },
    ),
    "shopify.products": (
        shop.product(5, prices=(9.5, 12), status="DRAFT", total_variants=3),
        {
            "product_id": 5,
            "title": "Mug",
            "product_type": "Kitchen",
            "vendor": "Clay & Co",
            "status": "DRAFT",
            "variant_count": 3,
            "min_price": "9.50",
            "max_price": "12.00",
            "created_at": at("2026-01-02"),
        },
    ),
    "shopify.deleted_products": (
        {"id": 5, "deleted_at": text("2026-02-12")},
        {"product_id": 5, "deleted_at": at("2026-02-12")},
    ),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_record_is_renamed_and_cast(lake, stream):
    record, row = STREAMS[stream]
    staged = f"stg_{stream.replace('.', '__')}"
    lake.given(stream, [record])
    lake.build(staged)
    lake.expect(staged, [row])


def test_a_record_that_says_little_has_nulls(lake):
    lake.given("shopify.orders", [{"id": 1}])
    lake.build("stg_shopify__orders")
    lake.expect("stg_shopify__orders", [{"order_id": 1, "customer_id": None, "total_amount": None}])


@pytest.mark.parametrize("amount", [10, 10.0, "10.00", 0.1, "1234567.89"])
def test_an_amount_may_be_written_as_a_number_or_as_text(lake, amount):
    lake.given("shopify.orders", [shop.order(1, total_price_set=money(amount))])
    lake.build("stg_shopify__orders")
    lake.expect("stg_shopify__orders", [{"order_id": 1, "total_amount": str(amount)}])
