"""Products, and what was sold of them."""

from clock import at
from shop import line, order, product

MART = "dim_products"


def test_a_product_has_what_was_sold_of_it(lake):
    lake.given("shopify.products", [product(5, prices=(10, 12)), product(6, title="Bowl")])
    lake.given(
        "shopify.orders",
        [
            order(
                1, line((26, 20), 2, product=5), line((26, 20), product=5), on="2026-02-10", currency="CAD"
            ),
            order(2, line(10, product=5), line(3), on="2026-02-14"),
        ],
    )
    lake.build(MART)
    lake.expect(
        MART,
        [
            {
                "product_id": 5,
                "title": "Mug",
                "product_type": "Kitchen",
                "vendor": "Clay & Co",
                "status": "ACTIVE",
                "variant_count": 1,
                "min_price": 10,
                "max_price": 12,
                "created_at": at("2026-01-02"),
                "units_sold": 4,
                "orders": 2,
                "shop_gross_sales": 70,
                "first_sold_date": "2026-02-10",
                "last_sold_date": "2026-02-14",
            },
            {
                "product_id": 6,
                "title": "Bowl",
                "product_type": "Kitchen",
                "vendor": "Clay & Co",
                "status": "ACTIVE",
                "variant_count": 1,
                "min_price": 10,
                "max_price": 10,
                "created_at": at("2026-01-02"),
                "units_sold": 0,
                "orders": 0,
                "shop_gross_sales": 0,
                "first_sold_date": None,
                "last_sold_date": None,
            },
        ],
    )


def test_a_renamed_product_keeps_its_sales(lake):
    lake.given("shopify.products", [product(5)])
    lake.given("shopify.orders", [order(1, line(10, 3, product=5, title="Mug"))])
    lake.build(MART)
    lake.given("shopify.products", [{"id": 5, "title": "Big mug"}])
    lake.build(MART)
    lake.expect(MART, [{"product_id": 5, "title": "Big mug", "units_sold": 3, "shop_gross_sales": 30}])


def test_a_new_price_does_not_change_what_was_sold_before(lake):
    lake.given("shopify.products", [product(5, prices=(10, 10))])
    lake.given("shopify.orders", [order(1, line(10, product=5))])
    lake.build(MART)
    lake.given("shopify.products", [product(5, prices=(15, 15))])
    lake.given("shopify.orders", [order(2, line(15, product=5))])
    lake.build(MART)
    lake.expect(MART, [{"product_id": 5, "min_price": 15, "units_sold": 2, "shop_gross_sales": 25}])


def test_a_deleted_product_is_left_out(lake):
    lake.given("shopify.products", [product(5), product(6)])
    lake.given("shopify.orders", [order(1, line(10, product=5))])
    lake.build(MART)
    lake.given("shopify.deleted_products", [{"id": 5, "deleted_at": at("2026-02-12")}])
    lake.build(MART)
    lake.expect(MART, [{"product_id": 6}])


def test_a_cancelled_order_sold_nothing(lake):
    lake.given("shopify.products", [product(5)])
    lake.given("shopify.orders", [order(1, line(10, product=5)), order(2, line(10, 2, product=5))])
    lake.build(MART)
    lake.given("shopify.orders", [{"id": 2, "cancelled_at": at("2026-02-11")}])
    lake.build(MART)
    lake.expect(MART, [{"product_id": 5, "units_sold": 1, "orders": 1, "shop_gross_sales": 10}])
