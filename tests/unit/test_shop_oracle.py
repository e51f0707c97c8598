"""The oracle against cases small enough to work out by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from .. import oracle

Record = dict[str, Any]


def said(stream: str, **data: Any) -> bytes:
    return json.dumps(
        {"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 0}}
    ).encode()


def both(shop: float, paid: float, code: str = "EUR") -> Record:
    return {
        "shop_money": {"amount": shop, "currency_code": "USD"},
        "presentment_money": {"amount": paid, "currency_code": code},
    }


def order(number: int, created: str, **changes: Any) -> bytes:
    """Two of a thing for 10.00 dollars (9.00 euros) each, 1.00 (0.90) off, 1.90 (1.71) tax, 5.00 (4.50) shipping."""
    line = {
        "id": number * 10, "product_id": 7, "variant_id": 70, "sku": "A", "title": "Thing", "quantity": 2, "price_set": both(10.0, 9.0),
        "discount_allocations": [{"amount_set": both(1.0, 0.9)}], "tax_lines": [{"price_set": both(1.9, 1.71)}],
    }  # fmt: skip
    known: Record = {
        "id": number, "name": f"#{number}", "customer": {"id": 5}, "email": " Ada@Example.com", "created_at": created, "updated_at": created,
        "presentment_currency": "EUR", "currency": "USD", "financial_status": "paid", "test": False, "cancelled_at": None, "taxes_included": False, "line_items": [line],
        "total_shipping_price_set": both(5.0, 4.5), "total_price_set": both(25.9, 23.31),
    }  # fmt: skip
    return said("orders", **(known | changes))


def refund(order_id: int, created: str) -> bytes:
    line = {"quantity": 1, "subtotal_set": both(9.5, 8.55), "total_tax_set": both(0.95, 0.86)}
    return said(
        "order_refunds", id=order_id * 100, order_id=order_id, created_at=created, refund_line_items=[line]
    )


def event(name: str, metric: str, at: str, **properties: Any) -> bytes:
    return said(
        "events", id=name, datetime=at, attributes={"event_properties": properties},
        relationships={"profile": {"data": {"id": "p"}}, "metric": {"data": {"id": metric}}},
    )  # fmt: skip


def test_a_day_of_sales_and_a_refund_on_the_next() -> None:
    (second, first) = sorted(
        oracle.marts([order(1, "2026-03-01T23:59:59-05:00"), order(2, "2026-03-01T10:00:00-05:00"), refund(1, "2026-03-02T00:00:01-05:00")])["fct_daily_sales"],
        key=lambda row: row["orders"],
    )  # fmt: skip
    assert first == {
        "sales_date": date(2026, 3, 1), "currency": "EUR", "orders": 2, "units": 4, "gross_sales": Decimal("36.00"), "discounts": Decimal("1.80"),
        "tax": Decimal("3.42"), "shipping": Decimal("9.00"), "refunds": Decimal("0.00"), "net_sales": Decimal("34.20"), "average_order_value": Decimal("17.10"),
    }  # fmt: skip
    assert (second["sales_date"], second["orders"], second["net_sales"]) == (
        date(2026, 3, 2),
        0,
        Decimal("-8.55"),
    )
    assert second["average_order_value"] is None


def test_older_never_replaces_newer_and_a_tombstone_keeps_the_row() -> None:
    # Half past one comes twice on the night the clocks go back: as text the later instant is the smaller one.
    newer = order(
        1, "2025-11-01T10:00:00-04:00", updated_at="2025-11-02T01:10:00-05:00", financial_status="refunded"
    )
    older = order(1, "2025-11-01T10:00:00-04:00", updated_at="2025-11-02T01:50:00-04:00")
    gone = said("orders", id=1, deleted_at="2025-11-03T00:00:00-05:00", deleted_message="gone", shop_url="s")
    unseen = said(
        "orders", id=2, deleted_at="2025-11-03T00:00:00-05:00", deleted_message="gone", shop_url="s"
    )
    (known,) = oracle.core_of(oracle.bronze_of([newer, older]))["orders"].values()
    assert (known["financial_status"], known["is_sale"]) == ("refunded", True)
    (marked,) = oracle.core_of(oracle.bronze_of([newer, gone, unseen, older]))["orders"].values()
    assert (marked["financial_status"], marked["is_deleted"], marked["is_sale"]) == ("refunded", True, False)
    assert (
        marked["total_amount"]
        == marked["gross_amount"]
        + marked["tax_amount"]
        + marked["shipping_amount"]
        - marked["discount_amount"]
    )


def test_the_last_touch_within_the_window_takes_the_order() -> None:
    profile = said(
        "profiles",
        id="p",
        updated="2026-01-01T00:00:00+00:00",
        attributes={
            "email": "ADA@example.com",
            "first_name": "Ada",
            "last_name": None,
            "location": None,
            "created": "2025-12-01T00:00:00+00:00",
        },
    )
    flow = said(
        "flows",
        id="f",
        updated="2026-01-01T00:00:00+00:00",
        attributes={"name": "Welcome", "status": "live", "created": "2025-12-01T00:00:00+00:00"},
    )
    bought = order(1, "2026-03-06T07:00:00-05:00")

    def touch(*events: bytes) -> tuple[Any, ...]:
        (row,) = oracle.marts([profile, flow, bought, *events])["fct_email_attribution"]
        assert (row["revenue"], row["shop_revenue"]) == (Decimal("17.10"), Decimal("19.00"))
        return row["channel"], row["event_id"], row["flow_name"]

    edge = event("edge", "OpnEm2", "2026-03-01T12:00:00+00:00", **{"$message": "c"})
    inside = event("inside", "OpnEm2", "2026-03-01T12:00:01+00:00", **{"$message": "c"})
    now = event("now-1", "OpnEm2", "2026-03-06T12:00:00+00:00", **{"$message": "c"})
    tie = event("now-2", "ClkEm3", "2026-03-06T12:00:00+00:00", **{"$message": "f-1", "$flow": "f"})
    after = event("after", "ClkEm3", "2026-03-06T12:00:01+00:00", **{"$message": "c"})
    received = event("received", "RcvEm1", "2026-03-06T11:00:00+00:00", **{"$message": "c"})
    assert touch(edge, after, received) == ("none", None, None)
    assert touch(edge, inside, received) == ("campaign", "inside", None)
    assert touch(inside, tie, now, after) == ("flow", "now-2", "Welcome")


def test_customers_are_valued_scored_and_grouped() -> None:
    def customer(number: int) -> bytes:
        return said(
            "customers", id=number, email=f"{number}@example.com", first_name="A", last_name="B", default_address=None, email_marketing_consent=None,
            created_at="2025-01-01T00:00:00-05:00", updated_at="2025-01-01T00:00:00-05:00",
        )  # fmt: skip

    marts = oracle.marts([
        customer(5), customer(6), order(1, "2026-01-31T22:00:00-05:00"), order(2, "2026-03-01T10:00:00-05:00"),
        order(3, "2026-03-02T10:00:00-05:00", test=True), order(4, "2026-03-03T10:00:00-05:00", customer=None), refund(1, "2026-03-05T10:00:00-05:00"),
    ])  # fmt: skip
    buyer, prospect = marts["dim_customers"]
    assert (buyer["orders"], buyer["lifetime_value"], buyer["recency_days"]) == (2, Decimal("28.50"), 2)
    assert (buyer["recency_score"], buyer["segment"]) == (1, "lost")
    assert (prospect["segment"], prospect["lifetime_value"], prospect["recency_score"]) == (
        "prospect",
        Decimal("0.00"),
        None,
    )
    assert [(r["cohort_month"], r["months_since_first"], r["cohort_size"], r["shop_revenue"]) for r in marts["fct_customer_cohorts"]] == [
        (date(2026, 1, 1), 0, 1, Decimal("19.00")), (date(2026, 1, 1), 2, 1, Decimal("19.00")),
    ]  # fmt: skip
    assert oracle.ntile(5, 7) == [1, 1, 2, 2, 3, 4, 5]


def test_deleted_products_leave_the_list_and_what_was_sold_is_counted() -> None:
    def product(number: int) -> bytes:
        prices = {"min_variant_price": {"amount": 10.0}, "max_variant_price": {"amount": 12.5}}
        return said(
            "products", id=number, title="Thing", product_type="T", vendor="V", status="ACTIVE", total_variants=2, price_range_v2=prices,
            created_at="2025-01-01T00:00:00+00:00", updated_at="2025-01-01T00:00:00+00:00",
        )  # fmt: skip

    gone = said("deleted_products", id=8, deleted_at="2026-01-01T00:00:00Z", deleted_message="", shop_url="s")
    (row,) = oracle.marts([product(7), product(8), gone, order(1, "2026-03-01T23:59:59-05:00")])[
        "dim_products"
    ]
    assert (row["product_id"], row["units_sold"], row["orders"], row["shop_gross_sales"]) == (
        7,
        2,
        1,
        Decimal("20.00"),
    )
    assert row["first_sold_date"] == row["last_sold_date"] == date(2026, 3, 1)
    assert row["created_at"] == datetime(2025, 1, 1, tzinfo=UTC)
