"""Customers in core."""

import pytest

from clock import at
from shop import customer

MODEL = "int_shopify__customers"


def test_a_customer_is_who_they_said_last(lake):
    lake.given("shopify.customers", [customer(7, default_address={"country_code": "US"}), customer(8)])
    lake.build(MODEL)
    moved = {"default_address": {"country_code": "CA"}, "last_name": "Wong", "email": "Ann.Wong@Example.com"}
    lake.given("shopify.customers", [{"id": 7} | moved])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "customer_id": 7,
                "email": "ann.wong@example.com",
                "first_name": "Ann",
                "last_name": "Wong",
                "country_code": "CA",
                "created_at": at("2026-01-02"),
            },
            {
                "customer_id": 8,
                "email": "customer8@example.com",
                "first_name": "Ann",
                "last_name": "Lee",
                "country_code": None,
                "created_at": at("2026-01-02"),
            },
        ],
    )


@pytest.mark.parametrize(
    ("written", "compared"),
    [("Ann@Example.COM", "ann@example.com"), ("  ann@example.com ", "ann@example.com"), ("", None), ("  ", None), (None, None)],
)  # fmt: skip
def test_addresses_are_kept_as_they_are_compared(lake, written, compared):
    lake.given("shopify.customers", [customer(7, email=written)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"customer_id": 7, "email": compared}])


@pytest.mark.parametrize(
    ("consent", "accepts"),
    [
        ({"state": "subscribed"}, True),
        ({"state": "unsubscribed"}, False),
        ({"state": "not_subscribed"}, False),
        ({"state": "pending"}, False),
        ({"state": None}, False),
        (None, False),
    ],
)
def test_only_who_subscribed_accepts_marketing(lake, consent, accepts):
    lake.given("shopify.customers", [customer(7, email_marketing_consent=consent)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"customer_id": 7, "accepts_marketing": accepts}])


def test_who_unsubscribes_accepts_marketing_no_more(lake):
    lake.given("shopify.customers", [customer(7, email_marketing_consent={"state": "subscribed"})])
    lake.build(MODEL)
    lake.expect(MODEL, [{"customer_id": 7, "accepts_marketing": True}])
    lake.given("shopify.customers", [{"id": 7, "email_marketing_consent": {"state": "unsubscribed"}}])
    lake.build(MODEL)
    lake.expect(MODEL, [{"customer_id": 7, "accepts_marketing": False}])
