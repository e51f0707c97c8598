"""Orders and their refunds as the REST interface and the connector write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .basket import SHOP_CURRENCY, Basket, Line, Money, total
from .clock import local

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .life import Life

_CUSTOMER_FIELDS: Final = (
    "id", "email", "accepts_marketing", "created_at", "updated_at", "first_name", "last_name", "orders_count", "state", "total_spent",
    "last_order_id", "note", "verified_email", "multipass_identifier", "tax_exempt", "phone", "tags", "last_order_name", "currency",
    "accepts_marketing_updated_at", "marketing_opt_in_level", "admin_graphql_api_id", "default_address", "email_marketing_consent",
    "sms_marketing_consent", "tax_exemptions",
)  # fmt: skip
_REDACTED: Final = {f"customer_{field}": None for field in _CUSTOMER_FIELDS}
"""Unless asked to, the connector fills these top-level fields with nulls; ``customer`` holds the values."""

_REASONS: Final = ("customer", "inventory", "declined", "other")


def order_id(index: int) -> int:
    return 5_800_000_000_000 + index * 32_768 + index * 7_919 % 32_768


def line_id(index: int, number: int) -> int:
    return 14_900_000_000_000 + index * 65_536 + number * 4_096 + index * 31 % 4_096


def refund_id(index: int, number: int) -> int:
    return 960_000_000_000 + index * 4_096 + number * 64 + index % 64


def deleted_order(index: int, deleted_at: int, shop_url: str) -> dict[str, Any]:
    """A tombstone: all that the events interface tells of an order that is gone."""
    return {
        "id": order_id(index), "deleted_at": local(deleted_at), "deleted_message": f"Order #{index + 1001} was deleted.",
        "deleted_description": None, "shop_url": shop_url,
    }  # fmt: skip


def order_record(
    life: Life, basket: Basket, updated_at: int, as_of: int, shop_url: str, customer: dict[str, Any] | None
) -> dict[str, Any]:
    """The order as it stood when it was last updated, with the products as they are at ``as_of``."""
    index, code = life.number, basket.currency.code
    identity = order_id(index)
    given_back = [refund for refund in _refunds(life, basket) if refund[0] <= updated_at]
    cancelled = _past(life.cancelled, updated_at)
    fulfilled = _past(life.fulfilled, updated_at)
    goods_back, tax_back = total(r[2] for r in given_back), total(r[3] for r in given_back)
    gross, discount, tax, shipping, all_in = (
        basket.gross,
        basket.discount,
        basket.tax,
        basket.shipping,
        basket.total,
    )
    subtotal = gross.minus(discount)
    left = all_in.minus(goods_back).minus(tax_back)
    if life.paid > updated_at:
        status = "voided" if cancelled else "pending"
    elif given_back:
        status = "refunded" if goods_back == subtotal else "partially_refunded"
    else:
        status = "paid"

    def in_both(money: Money) -> dict[str, Any]:
        return _set(money, code)

    email = basket.buyer.shopify_email
    address = basket.buyer.address()
    note = "Please leave it with the neighbour" if _past(life.touched, updated_at) else None
    return {
        "id": identity, "admin_graphql_api_id": f"gid://shopify/Order/{identity}", "app_id": 580111, "browser_ip": None,
        "buyer_accepts_marketing": basket.buyer.subscribed, "cancel_reason": _REASONS[index % 4] if cancelled else None,
        "cancelled_at": local(cancelled) if cancelled else None, "cart_token": None, "checkout_id": identity + 26_000_000_000_000,
        "checkout_token": None, "client_details": None, "closed_at": local(fulfilled) if fulfilled else None, "company": None,
        "confirmation_number": f"{index * 2_654_435_761 % 2**32:08X}", "confirmed": True, "contact_email": email,
        "created_at": local(life.created), "currency": SHOP_CURRENCY, "current_subtotal_price": (subtotal.shop - goods_back.shop) / 100,
        "current_subtotal_price_set": in_both(subtotal.minus(goods_back)), "current_total_additional_fees_set": None,
        "current_total_discounts": discount.shop / 100, "current_total_discounts_set": in_both(discount), "current_total_duties_set": None,
        "current_total_price": left.shop / 100, "current_total_price_set": in_both(left),
        "current_total_tax": (tax.shop - tax_back.shop) / 100, "current_total_tax_set": in_both(tax.minus(tax_back)),
        "customer_locale": basket.buyer.country.locale, "device_id": None, "discount_codes": _codes(basket), "duties_included": False,
        "email": email, "estimated_taxes": False, "financial_status": status, "fulfillment_status": "fulfilled" if fulfilled else None,
        "landing_site": "/", "landing_site_ref": None, "location_id": None, "merchant_of_record_app_id": None, "name": f"#{index + 1001}",
        "note": note, "note_attributes": [], "number": index + 1, "order_number": index + 1001,
        "order_status_url": f"https://{shop_url}.myshopify.com/orders/{identity}", "original_total_additional_fees_set": None,
        "original_total_duties_set": None, "payment_gateway_names": ["shopify_payments"], "phone": None, "po_number": None,
        "presentment_currency": code, "processed_at": local(life.created), "reference": None, "referring_site": None,
        "source_identifier": None, "source_name": "web", "source_url": None, "subtotal_price": subtotal.shop / 100,
        "subtotal_price_set": in_both(subtotal), "tags": "", "tax_exempt": False, "tax_lines": _order_taxes(basket), "taxes_included": False,
        "test": life.is_test, "token": f"{index * 11_400_714_819_323_198_485 % 2**64:016x}",
        "total_cash_rounding_payment_adjustment_set": {"shop_money": {"amount": "0.00", "currency_code": SHOP_CURRENCY}, "presentment_money": {"amount": "0.00", "currency_code": code}},
        "total_discounts": discount.shop / 100, "total_discounts_set": in_both(discount), "total_line_items_price": gross.shop / 100,
        "total_line_items_price_set": in_both(gross), "total_outstanding": all_in.shop / 100 if status == "pending" else 0.0,
        "total_price": all_in.shop / 100, "total_price_set": in_both(all_in), "total_shipping_price_set": in_both(shipping),
        "total_tax": tax.shop / 100, "total_tax_set": in_both(tax), "total_tip_received": 0.0,
        "total_weight": 350 * sum(line.quantity for line in basket.lines), "updated_at": local(updated_at), "user_id": None,
        "billing_address": address, "customer": customer, "discount_applications": _applications(basket), "fulfillments": _fulfillments(life, fulfilled),
        "line_items": [_line(index, number, line, code, as_of, bool(fulfilled)) for number, line in enumerate(basket.lines)],
        "payment_terms": None,
        "refunds": [_refund(life, number, refund, code, _texts(code), None) for number, refund in enumerate(given_back)],
        "shipping_address": address, "shipping_lines": [_shipping(index, shipping, code)],
        **_REDACTED, "shop_url": shop_url,
    }  # fmt: skip


def refund_records(
    life: Life, basket: Basket, updated_at: int, as_of: int, shop_url: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(instant, record) of every refund in the order as it stood at ``updated_at``."""
    code = basket.currency.code
    for number, refund in enumerate(_refunds(life, basket)):
        if refund[0] <= updated_at:
            yield refund[0], {
                **_refund(life, number, refund, code, lambda money: _set(money, code), (basket, as_of)), "shop_url": shop_url
            }  # fmt: skip


_Refund = tuple[int, list[tuple[int, int, Money, Money]], Money, Money]
"""An instant, its lines (number, quantity, subtotal, tax), and their sums."""


def _refunds(life: Life, basket: Basket) -> list[_Refund]:
    """Goods come back unit by unit; amounts follow the running quantity, so that a line never gives back more than it cost."""
    returned = [0] * len(basket.lines)
    found: list[_Refund] = []
    for instant, share in life.refunds:
        lines = []
        for number, line in enumerate(basket.lines):
            before, rest = returned[number], line.quantity - returned[number]
            # A share of one and more takes all; else some lines, and of these at least one piece.
            wanted = (
                rest
                if share >= 1
                else min(rest, max(1, int(line.quantity * share)))
                if len(basket.lines) == 1 or (number + life.number) % 2 == 0
                else 0
            )
            if wanted == 0:
                continue
            returned[number] += wanted

            def part(money: Money, upto: int, line: Line = line) -> Money:
                return basket.currency.share(money, upto, line.quantity)

            until = before + wanted
            lines.append(
                (
                    number,
                    wanted,
                    part(line.net, until).minus(part(line.net, before)),
                    part(line.tax, until).minus(part(line.tax, before)),
                )
            )
        if lines:
            found.append((instant, lines, total(line[2] for line in lines), total(line[3] for line in lines)))
    return found


def _refund(
    life: Life,
    number: int,
    refund: _Refund,
    code: str,
    in_both: Callable[[Money], dict[str, Any]],
    whole: tuple[Basket, int] | None,
) -> dict[str, Any]:
    """``whole`` repeats the line items, as the stream of refunds does."""
    instant, lines, goods, tax = refund
    identity, order, when = refund_id(life.number, number), order_id(life.number), local(instant)
    back = goods + tax
    record: dict[str, Any] = {
        "id": identity, "admin_graphql_api_id": f"gid://shopify/Refund/{identity}", "created_at": when, "note": None, "order_id": order,
        "processed_at": when, "restock": True, "user_id": 81_400_000_001,
        "order_adjustments": [],
        "transactions": [{
            "id": identity * 8 + 1, "admin_graphql_api_id": f"gid://shopify/OrderTransaction/{identity * 8 + 1}", "amount": text(back.paid, code),
            "authorization": None, "created_at": when, "currency": code, "device_id": None, "error_code": None, "gateway": "shopify_payments",
            "kind": "refund", "location_id": None, "message": "Transaction approved", "order_id": order, "parent_id": order + 1,
            "processed_at": when, "receipt": {}, "source_name": "web", "status": "success", "test": life.is_test, "user_id": None,
        }],
        "refund_line_items": [
            {
                "id": identity * 8 + at, "line_item_id": line_id(life.number, at), "location_id": 71_200_000_001 if at % 2 == 0 else None, "quantity": quantity,
                "restock_type": "cancel" if instant == life.cancelled else "return", "subtotal": subtotal.shop / 100, "subtotal_set": in_both(subtotal),
                "total_tax": tax.shop / 100, "total_tax_set": in_both(tax),
                **({"line_item": _refunded_line(life.number, at, whole[0].lines[at], code, whole[1])} if whole else {}),
            }
            for at, quantity, subtotal, tax in lines
        ],
    }  # fmt: skip
    return record


def _line(index: int, number: int, line: Line, code: str, as_of: int, fulfilled: bool) -> dict[str, Any]:
    product = (
        line.product
        if line.product and not (line.product.deleted and line.product.deleted <= as_of)
        else None
    )
    identity = line_id(index, number)
    choice = line.product.values[line.variant] if line.product and len(line.product.values) > 1 else None
    discounted = line.discount != (0, 0)
    return {
        "id": identity, "admin_graphql_api_id": f"gid://shopify/LineItem/{identity}", "fulfillable_quantity": 0 if fulfilled else line.quantity,
        "fulfillment_service": "manual", "fulfillment_status": "fulfilled" if fulfilled else None, "gift_card": False,
        "grams": 350 if line.product else 0, "name": f"{line.title} - {choice}" if choice else line.title, "price": line.unit.shop / 100,
        "price_set": _set(line.unit, code), "product_exists": product is not None, "product_id": product.id if product else None, "properties": [],
        "quantity": line.quantity, "requires_shipping": line.product is not None, "sku": line.product.sku(line.variant) if line.product else None,
        "taxable": True, "title": line.title, "total_discount": 0.0, "total_discount_set": _set(Money(0, 0), code),
        "variant_id": product.variant_id(line.variant) if product else None, "variant_inventory_management": "shopify" if line.product else None,
        "variant_title": choice, "vendor": line.product.vendor if line.product else None,
        "tax_lines": [_tax(title, rate, amount, code) for title, rate, amount in line.taxes], "duties": [],
        "discount_allocations": [{"amount": text(line.discount.shop, SHOP_CURRENCY), "amount_set": _texts(code)(line.discount), "discount_application_index": 0}] if discounted else [],
    }  # fmt: skip


def _refunded_line(index: int, number: int, line: Line, code: str, as_of: int) -> dict[str, Any]:
    """Here the connector makes numbers even of the discounts' amounts."""
    record = _line(index, number, line, code, as_of, True)
    for allocation in record["discount_allocations"]:
        allocation.update(amount=line.discount.shop / 100, amount_set=_set(line.discount, code))
    return record


def _order_taxes(basket: Basket) -> list[dict[str, Any]]:
    sums: dict[tuple[str, int], Money] = {}
    for line in basket.lines:
        for title, rate, amount in line.taxes:
            sums[title, rate] = sums.get((title, rate), Money(0, 0)) + amount
    return [_tax(title, rate, amount, basket.currency.code) for (title, rate), amount in sums.items()]


def _tax(title: str, rate: int, amount: Money, code: str) -> dict[str, Any]:
    return {
        "channel_liable": False,
        "price": amount.shop / 100,
        "price_set": _set(amount, code),
        "rate": rate / 10_000,
        "title": title,
    }


def _shipping(index: int, fee: Money, code: str) -> dict[str, Any]:
    title = "Standard" if fee.shop else "Free Shipping"
    return {
        "id": 4_700_000_000_000 + index, "carrier_identifier": None, "code": title, "discounted_price": fee.shop / 100, "discounted_price_set": _set(fee, code),
        "phone": None, "price": fee.shop / 100, "price_set": _set(fee, code), "requested_fulfillment_service_id": None, "source": "shopify",
        "title": title, "tax_lines": [], "discount_allocations": [],
    }  # fmt: skip


def _codes(basket: Basket) -> list[dict[str, Any]]:
    if basket.code is None:
        return []
    name, _, in_percent = basket.code
    return [
        {
            "code": name,
            "amount": text(basket.discount.shop, SHOP_CURRENCY),
            "type": "percentage" if in_percent else "fixed_amount",
        }
    ]


def _applications(basket: Basket) -> list[dict[str, Any]]:
    if basket.code is None:
        return []
    name, value, in_percent = basket.code
    return [{
        "target_type": "line_item", "type": "discount_code", "value": f"{value}.0" if in_percent else text(value, SHOP_CURRENCY),
        "value_type": "percentage" if in_percent else "fixed_amount", "allocation_method": "across", "target_selection": "all", "title": name,
    }]  # fmt: skip


def _fulfillments(life: Life, fulfilled: int | None) -> list[dict[str, Any]]:
    if fulfilled is None:
        return []
    identity = 5_100_000_000_000 + life.number
    return [{
        "id": identity, "admin_graphql_api_id": f"gid://shopify/Fulfillment/{identity}", "created_at": local(fulfilled), "location_id": 71_200_000_001,
        "name": f"#{life.number + 1001}.1", "order_id": order_id(life.number), "receipt": {}, "service": "manual", "shipment_status": None,
        "status": "success", "tracking_company": "USPS", "tracking_number": None, "updated_at": local(fulfilled),
    }]  # fmt: skip


def _past(instant: int | None, now: int) -> int | None:
    return instant if instant is not None and instant <= now else None


def _set(money: Money, code: str) -> dict[str, Any]:
    """Both currencies as the numbers that the connector makes of the interface's strings."""
    return {
        "shop_money": {"amount": money.shop / 100, "currency_code": SHOP_CURRENCY},
        "presentment_money": {"amount": money.paid / 100, "currency_code": code},
    }


def _texts(code: str) -> Callable[[Money], dict[str, Any]]:
    """The same where the connector leaves the strings alone."""
    return lambda money: {
        "shop_money": {"amount": text(money.shop, SHOP_CURRENCY), "currency_code": SHOP_CURRENCY},
        "presentment_money": {"amount": text(money.paid, code), "currency_code": code},
    }


def text(hundredths: int, code: str) -> str:
    return str(hundredths // 100) if code == "JPY" else f"{hundredths // 100}.{hundredths % 100:02d}"
