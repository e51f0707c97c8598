"""Products in core: their deletions come in a stream of their own."""

import pytest

from clock import at
from shop import product

MODEL = "int_shopify__products"


def deletion(number, on="2026-02-12"):
    return {"id": number, "deleted_at": at(on)}


def test_a_product_is_renamed_and_its_prices_change(lake):
    lake.given("shopify.products", [product(5, prices=(10, 12)), product(6)])
    lake.build(MODEL)
    changed = product(5, prices=(9.5, 14.25), title="Big mug", status="ARCHIVED", total_variants=4)
    lake.given("shopify.products", [changed])
    lake.build(MODEL)
    same = {"product_type": "Kitchen", "vendor": "Clay & Co", "created_at": at("2026-01-02")}
    lake.expect(
        MODEL,
        [
            {
                "product_id": 5,
                "title": "Big mug",
                "status": "ARCHIVED",
                "variant_count": 4,
                "min_price": "9.50",
                "max_price": "14.25",
                "is_deleted": False,
                **same,
            },
            {
                "product_id": 6,
                "title": "Mug",
                "status": "ACTIVE",
                "variant_count": 1,
                "min_price": "10.00",
                "max_price": "10.00",
                "is_deleted": False,
                **same,
            },
        ],
    )


def test_a_product_that_is_deleted_later_is_marked_and_kept(lake):
    lake.given("shopify.products", [product(5), product(6)])
    lake.build(MODEL)
    lake.given("shopify.deleted_products", [deletion(5)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"product_id": 5, "is_deleted": True, "title": "Mug"},
            {"product_id": 6, "is_deleted": False, "title": "Mug"},
        ],
    )


def test_deletions_of_several_syncs_add_up(lake):
    lake.given("shopify.products", [product(5), product(6), product(7)])
    lake.given("shopify.deleted_products", [deletion(5)])
    lake.build(MODEL)
    lake.given("shopify.deleted_products", [deletion(5), deletion(6, "2026-02-13")])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"product_id": 5, "is_deleted": True},
            {"product_id": 6, "is_deleted": True},
            {"product_id": 7, "is_deleted": False},
        ],
    )


def test_a_deletion_of_a_product_that_was_never_read_is_ignored(lake):
    lake.given("shopify.deleted_products", [deletion(4)])
    lake.given("shopify.products", [product(5)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"product_id": 5, "is_deleted": False}])


def test_a_product_that_was_deleted_before_it_was_read_is_deleted(lake):
    lake.given("shopify.deleted_products", [deletion(5)])
    lake.build(MODEL)
    lake.given("shopify.products", [product(5)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"product_id": 5, "is_deleted": True}])


def test_a_change_that_is_read_after_the_deletion_brings_nothing_back(lake):
    lake.given("shopify.products", [product(5)])
    lake.given("shopify.deleted_products", [deletion(5)])
    lake.build(MODEL)
    lake.given("shopify.products", [{"id": 5, "title": "Big mug"}])
    lake.build(MODEL)
    lake.expect(MODEL, [{"product_id": 5, "is_deleted": True, "title": "Big mug"}])


@pytest.mark.parametrize("status", ["ACTIVE", "ARCHIVED", "DRAFT", "UNLISTED"])
def test_a_status_is_as_shopify_sends_it(lake, status):
    lake.given("shopify.products", [product(5, status=status)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"product_id": 5, "status": status}])
