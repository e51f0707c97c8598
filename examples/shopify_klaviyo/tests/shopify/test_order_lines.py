"""Order lines in core: one row a line, and only those that the newest version of the order has."""

from clock import at
from shop import line, money, order

MODEL = "int_shopify__order_lines"


def test_each_line_has_its_place_and_what_was_bought(lake):
    mug = line((26, 20), 2, id=11, product=5, sku="MUG-1", discounts=((1.3, 1),), taxes=((2.6, 2),))
    gift_card = line(50, id=12, title="Gift card")
    lake.given("shopify.orders", [order(1, mug, gift_card, currency="CAD")])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "order_line_id": 11,
                "order_id": 1,
                "line_number": 1,
                "product_id": 5,
                "variant_id": 50,
                "sku": "MUG-1",
                "title": "Mug",
                "quantity": 2,
                "currency": "CAD",
                "unit_price": 26,
                "gross_amount": 52,
                "discount_amount": "1.30",
                "tax_amount": "2.60",
                "shop_gross_amount": 40,
                "shop_discount_amount": 1,
                "shop_tax_amount": 2,
            },
            {
                "order_line_id": 12,
                "order_id": 1,
                "line_number": 2,
                "product_id": None,
                "variant_id": None,
                "sku": None,
                "title": "Gift card",
                "quantity": 1,
                "currency": "CAD",
                "unit_price": 50,
                "gross_amount": 50,
                "discount_amount": 0,
                "tax_amount": 0,
                "shop_gross_amount": 50,
                "shop_discount_amount": 0,
                "shop_tax_amount": 0,
            },
        ],
    )


def test_several_discounts_and_taxes_of_a_line_add_up(lake):
    lake.given("shopify.orders", [order(1, line(100, discounts=(10, 5.5, 0.01), taxes=(4, 4.45)), line(1))])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_line_id": 101, "discount_amount": "15.51", "tax_amount": "8.45"},
            {"order_line_id": 102, "discount_amount": "0.00", "tax_amount": "0.00"},
        ],
    )


def test_a_line_that_says_nothing_of_discounts_and_taxes_has_none(lake):
    bare = {"id": 11, "quantity": 1, "price_set": money(10)}
    lake.given("shopify.orders", [order(1, bare)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_line_id": 11, "gross_amount": 10, "discount_amount": 0, "tax_amount": 0}])


def test_a_line_that_was_taken_out_of_its_order_goes_and_others_stay(lake):
    mug, bowl = line(10, id=11), line(20, id=12)
    lake.given("shopify.orders", [order(1, mug, bowl), order(2, line(10, id=21))])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1, bowl)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_line_id": 12, "order_id": 1, "line_number": 1},
            {"order_line_id": 21, "order_id": 2, "line_number": 1},
        ],
    )


def test_a_line_that_was_added_comes_and_a_changed_one_changes(lake):
    mug = line(10, id=11)
    lake.given("shopify.orders", [order(1, mug)])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1, mug | {"quantity": 3}, line(20, id=12))])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"order_line_id": 11, "quantity": 3, "gross_amount": 30},
            {"order_line_id": 12, "quantity": 1, "gross_amount": 20},
        ],
    )


def test_a_line_whose_product_is_gone_names_none(lake):
    mug = line(10, id=11, product=5)
    lake.given("shopify.orders", [order(1, mug)])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1, mug | {"product_id": None, "variant_id": None})])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_line_id": 11, "product_id": None, "variant_id": None, "title": "Mug"}])


def test_a_deleted_order_keeps_its_lines(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(20))])
    lake.build(MODEL)
    lake.given("shopify.orders", [{"id": 1, "deleted_at": at("2026-02-11")}])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_line_id": 101, "order_id": 1}, {"order_line_id": 201, "order_id": 2}])


def test_an_order_that_was_deleted_before_it_was_read_has_no_lines(lake):
    lake.given("shopify.orders", [{"id": 1, "deleted_at": at("2026-02-11")}])
    lake.build(MODEL)
    lake.expect(MODEL, [])


def test_an_order_that_loses_all_its_lines_has_none(lake):
    lake.given("shopify.orders", [order(1, line(10)), order(2, line(20))])
    lake.build(MODEL)
    lake.given("shopify.orders", [order(1)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"order_line_id": 201, "order_id": 2}])
