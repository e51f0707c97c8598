"""The shop's records as Shopify sends them: a test names what matters to it, the rest is made up.

    order(1, line(10, quantity=2), customer=7, on="2026-02-10 09:30")

Amounts are in dollars, which are the shop's own money; what was paid in another currency is a pair: ``line((26, 20))``
costs 26 there and 20 dollars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clock import Row, at, text

if TYPE_CHECKING:
    from datetime import datetime

Money = float | tuple[float, float]


def money(amount: Money, currency: str = "USD") -> Row:
    """Shopify's ``…_set``: what the customer paid, and what that is in the shop's own money."""
    paid, own = amount if isinstance(amount, tuple) else (amount, amount)
    return {
        "presentment_money": {"amount": paid, "currency_code": currency},
        "shop_money": {"amount": own, "currency_code": "USD"},
    }


def line(
    price: Money,
    quantity: int = 1,
    *,
    product: int | None = None,
    discounts: tuple[Money, ...] = (),
    taxes: tuple[Money, ...] = (),
    **fields: Any,
) -> Row:
    """A line of an order; a ``product`` of its catalogue, or none."""
    return {
        "product_id": product,
        "variant_id": product and product * 10,
        "sku": None,
        "title": "Mug",
        "quantity": quantity,
        "price_set": money(price),
        "discount_allocations": [{"amount_set": money(amount)} for amount in discounts],
        "tax_lines": [{"price_set": money(amount)} for amount in taxes],
        **fields,
    }


def order(
    number: int,
    *lines: Row,
    on: str | datetime = "2026-02-10",
    customer: int | None = None,
    shipping: Money = 0,
    total: Money = 0,
    currency: str = "USD",
    **fields: Any,
) -> Row:
    """An order. Its lines have the ids 101, 102 … in order 1, where they name none."""
    return {
        "id": number,
        "name": f"#{number}",
        "created_at": text(on),
        "customer": {"id": customer} if customer else None,
        "email": None,
        "presentment_currency": currency,
        "currency": "USD",
        "financial_status": "paid",
        "taxes_included": False,
        "test": False,
        "line_items": numbered(number, *lines),
        "total_shipping_price_set": money(shipping),
        "total_price_set": money(total),
        **fields,
    }


def numbered(number: int, *lines: Row) -> list[Row]:
    """The lines of an order, each with an id."""
    return [{"id": number * 100 + place, **one} for place, one in enumerate(lines, 1)]


def returned(amount: Money, quantity: int = 1, *, tax: Money = 0, currency: str = "USD") -> Row:
    """A line of a refund."""
    return {
        "quantity": quantity,
        "subtotal_set": money(amount, currency),
        "total_tax_set": money(tax, currency),
    }


def refund(number: int, *lines: Row, of: int, on: str | datetime = "2026-02-12") -> Row:
    """A refund of an order; without lines, nothing but its shipping was refunded."""
    return {"id": number, "order_id": of, "created_at": text(on), "refund_line_items": list(lines)}


def customer(number: int, **fields: Any) -> Row:
    """A customer, who has not subscribed to anything."""
    return {
        "id": number,
        "email": f"customer{number}@example.com",
        "first_name": "Ann",
        "last_name": "Lee",
        "created_at": text("2026-01-02"),
        **fields,
    }


def product(number: int, *, prices: tuple[float, float] = (10, 10), **fields: Any) -> Row:
    """A product, whose cheapest and dearest variants have these ``prices``."""
    return {
        "id": number,
        "title": "Mug",
        "product_type": "Kitchen",
        "vendor": "Clay & Co",
        "status": "ACTIVE",
        "total_variants": 1,
        "price_range_v2": {
            "min_variant_price": {"amount": prices[0], "currency_code": "USD"},
            "max_variant_price": {"amount": prices[1], "currency_code": "USD"},
        },
        "created_at": text("2026-01-02"),
        **fields,
    }


def sale(number: int, day: str = "2026-02-10", amount: float = 10, **columns: Any) -> Row:
    """A row of ``int_shopify__orders`` that counts: for marts, which read nothing else of an order."""
    return {
        "order_id": number,
        "is_sale": True,
        "created_at": at(day),
        "order_date": day,
        "currency": "USD",
        "units": 1,
        "gross_amount": amount,
        "discount_amount": 0,
        "tax_amount": 0,
        "shipping_amount": 0,
        "shop_gross_amount": amount,
        "shop_discount_amount": 0,
        **columns,
    }
