"""Core and marts in plain Python, straight from docs/models.md and nothing else: no SQL, none of the landing's code."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

SHOP_TIMEZONE = ZoneInfo("America/New_York")
ATTRIBUTION_WINDOW = timedelta(days=5)
CURSORS = {
    "orders": "updated_at", "products": "updated_at", "deleted_products": "deleted_at", "customers": "updated_at", "order_refunds": "created_at",
    "profiles": "updated", "events": "datetime", "campaigns": "updated_at", "flows": "updated",
}  # fmt: skip
METRICS = {
    "RcvEm1": "Received Email",
    "OpnEm2": "Opened Email",
    "ClkEm3": "Clicked Email",
    "PlcOr4": "Placed Order",
}
ZERO = Decimal("0.00")


def marts(messages: Iterable[bytes]) -> dict[str, list[Row]]:
    """Every mart, from the connectors' messages of all syncs in the order of their arrival."""
    return marts_of(core_of(bronze_of(messages)))


def core(messages: Iterable[bytes]) -> dict[str, list[Row]]:
    """Every core model, from the same messages."""
    source = {"profiles": "klaviyo", "events": "klaviyo", "campaigns": "klaviyo", "flows": "klaviyo"}
    return {
        f"int_{source.get(entity, 'shopify')}__{entity}": list(rows.values())
        for entity, rows in core_of(bronze_of(messages)).items()
    }


def marts_of(core: dict[str, dict[Any, Row]]) -> dict[str, list[Row]]:
    return {
        "fct_daily_sales": daily_sales(core),
        "fct_customer_cohorts": customer_cohorts(core),
        "fct_email_attribution": email_attribution(core),
        "fct_email_engagement": email_engagement(core),
        "dim_products": products(core),
        "dim_customers": customers(core),
    }


# -- bronze: the last version of every record --


def bronze_of(messages: Iterable[bytes]) -> dict[str, dict[Any, Row]]:
    """Records by stream and id. Older never replaces newer; a tombstone marks a row and keeps the rest of it."""
    bronze: dict[str, dict[Any, Row]] = {stream: {} for stream in CURSORS}
    for line in messages:
        message = json.loads(line, parse_float=Decimal)
        if message["type"] != "RECORD":
            continue
        stream, record = message["record"]["stream"], message["record"]["data"]
        rows, cursor = bronze[stream], CURSORS[stream]
        known = rows.get(record["id"])
        if stream == "orders" and "deleted_at" in record:
            rows[record["id"]] = {**(known or {}), **record}
        elif known is None or cursor not in known:
            rows[record["id"]] = {**record, **({"deleted_at": known["deleted_at"]} if known else {})}
        elif instant(record[cursor]) >= instant(known[cursor]):
            mark = {"deleted_at": known["deleted_at"]} if stream == "orders" and "deleted_at" in known else {}
            rows[record["id"]] = {**record, **mark}
    return bronze


# -- core --


def core_of(bronze: dict[str, dict[Any, Row]]) -> dict[str, dict[Any, Row]]:
    """The core models' rows, by entity and key."""
    orders, lines = {}, {}
    for record in bronze["orders"].values():
        if "updated_at" not in record:
            continue
        order = core_order(record)
        orders[order["order_id"]] = order
        lines.update({line["order_line_id"]: line for line in core_order_lines(record)})
    return {
        "orders": orders,
        "order_lines": lines,
        "refunds": {r["id"]: core_refund(r) for r in bronze["order_refunds"].values()},
        "customers": {r["id"]: core_customer(r) for r in bronze["customers"].values()},
        "products": {r["id"]: core_product(r, r["id"] in bronze["deleted_products"]) for r in bronze["products"].values()},
        "profiles": {r["id"]: core_profile(r) for r in bronze["profiles"].values()},
        "events": {r["id"]: core_event(r) for r in bronze["events"].values()},
        "campaigns": {r["id"]: core_campaign(r) for r in bronze["campaigns"].values()},
        "flows": {r["id"]: core_flow(r) for r in bronze["flows"].values()},
    }  # fmt: skip


def core_order(record: Row) -> Row:
    lines = core_order_lines(record)
    created_at = instant(record["created_at"])
    is_cancelled, is_deleted = record["cancelled_at"] is not None, record.get("deleted_at") is not None
    order = {
        "order_id": record["id"],
        "order_name": record["name"],
        "customer_id": record["customer"]["id"] if record["customer"] else None,
        "email": clean_email(record["email"]),
        "created_at": created_at,
        "updated_at": instant(record["updated_at"]),
        "order_date": shop_date(created_at),
        "currency": record["presentment_currency"],
        "shop_currency": record["currency"],
        "financial_status": record["financial_status"],
        "taxes_included": record["taxes_included"],
        "is_test": record["test"],
        "is_cancelled": is_cancelled,
        "cancelled_at": instant(record["cancelled_at"]) if is_cancelled else None,
        "is_deleted": is_deleted,
        "is_sale": not (record["test"] or is_cancelled or is_deleted),
        "units": sum(line["quantity"] for line in lines),
    }
    for prefix, side in (("", "presentment_money"), ("shop_", "shop_money")):
        for amount in ("gross_amount", "discount_amount", "tax_amount"):
            order[prefix + amount] = sum((line[prefix + amount] for line in lines), ZERO)
        order[prefix + "shipping_amount"] = money(record["total_shipping_price_set"], side)
        order[prefix + "total_amount"] = money(record["total_price_set"], side)
    return order


def core_order_lines(record: Row) -> list[Row]:
    lines = []
    for number, item in enumerate(record["line_items"], 1):
        line = {
            "order_line_id": item["id"],
            "order_id": record["id"],
            "line_number": number,
            "product_id": item["product_id"],
            "variant_id": item["variant_id"],
            "sku": item["sku"],
            "title": item["title"],
            "quantity": item["quantity"],
            "currency": record["presentment_currency"],
            "unit_price": money(item["price_set"], "presentment_money"),
            "updated_at": instant(record["updated_at"]),
        }
        for prefix, side in (("", "presentment_money"), ("shop_", "shop_money")):
            line[prefix + "gross_amount"] = money(item["price_set"], side) * item["quantity"]
            line[prefix + "discount_amount"] = sum(
                (money(a["amount_set"], side) for a in item["discount_allocations"]), ZERO
            )
            line[prefix + "tax_amount"] = sum((money(t["price_set"], side) for t in item["tax_lines"]), ZERO)
        lines.append(line)
    return lines


def core_refund(record: Row) -> Row:
    lines = record["refund_line_items"]
    refunded_at = instant(record["created_at"])
    return {
        "refund_id": record["id"],
        "order_id": record["order_id"],
        "refunded_at": refunded_at,
        "refund_date": shop_date(refunded_at),
        "currency": lines[0]["subtotal_set"]["presentment_money"]["currency_code"] if lines else None,
        "units": sum(line["quantity"] for line in lines),
        "refund_amount": sum((money(line["subtotal_set"], "presentment_money") for line in lines), ZERO),
        "tax_amount": sum((money(line["total_tax_set"], "presentment_money") for line in lines), ZERO),
        "shop_refund_amount": sum((money(line["subtotal_set"], "shop_money") for line in lines), ZERO),
    }


def core_customer(record: Row) -> Row:
    return {
        "customer_id": record["id"],
        "email": clean_email(record["email"]),
        "first_name": record["first_name"],
        "last_name": record["last_name"],
        "country_code": (record["default_address"] or {}).get("country_code"),
        "accepts_marketing": (record["email_marketing_consent"] or {}).get("state") == "subscribed",
        "created_at": instant(record["created_at"]),
        "updated_at": instant(record["updated_at"]),
    }


def core_product(record: Row, is_deleted: bool) -> Row:
    prices = record["price_range_v2"]
    return {
        "product_id": record["id"],
        "title": record["title"],
        "product_type": record["product_type"],
        "vendor": record["vendor"],
        "status": record["status"],
        "variant_count": record["total_variants"],
        "min_price": cents(prices["min_variant_price"]["amount"]),
        "max_price": cents(prices["max_variant_price"]["amount"]),
        "created_at": instant(record["created_at"]),
        "updated_at": instant(record["updated_at"]),
        "is_deleted": is_deleted,
    }


def core_profile(record: Row) -> Row:
    said = record["attributes"]
    return {
        "profile_id": record["id"],
        "email": clean_email(said["email"]),
        "first_name": said["first_name"],
        "last_name": said["last_name"],
        "country": (said["location"] or {}).get("country"),
        "created_at": instant(said["created"]),
        "updated_at": instant(record["updated"]),
    }


def core_campaign(record: Row) -> Row:
    said = record["attributes"]
    return {
        "campaign_id": record["id"],
        "name": said["name"],
        "status": said["status"],
        "created_at": instant(said["created_at"]),
        "updated_at": instant(record["updated_at"]),
    }


def core_flow(record: Row) -> Row:
    said = record["attributes"]
    return {
        "flow_id": record["id"],
        "name": said["name"],
        "status": said["status"],
        "created_at": instant(said["created"]),
        "updated_at": instant(record["updated"]),
    }


def core_event(record: Row) -> Row:
    said = record["attributes"]["event_properties"]
    metric_id = record["relationships"]["metric"]["data"]["id"]
    metric = METRICS[metric_id]
    flow = said.get("$flow")
    return {
        "event_id": record["id"],
        "profile_id": record["relationships"]["profile"]["data"]["id"],
        "metric_id": metric_id,
        "metric": metric,
        "event_at": instant(record["datetime"]),
        "campaign_id": said.get("$message") if flow is None else None,
        "flow_id": flow,
        "order_id": int(said["$event_id"]) if metric == "Placed Order" else None,
    }


# -- marts --


def sales_of(core: dict[str, dict[Any, Row]]) -> list[Row]:
    return [order for order in core["orders"].values() if order["is_sale"]]


def refunds_of_sales(core: dict[str, dict[Any, Row]]) -> list[tuple[Row, Row]]:
    """(refund, its order)."""
    orders = core["orders"]
    found = [
        (refund, orders[refund["order_id"]])
        for refund in core["refunds"].values()
        if refund["order_id"] in orders
    ]
    return [(refund, order) for refund, order in found if order["is_sale"]]


def daily_sales(core: dict[str, dict[Any, Row]]) -> list[Row]:
    days: dict[tuple[date, str], Row] = {}

    def day(key: tuple[date, str]) -> Row:
        return days.setdefault(
            key,
            {
                "sales_date": key[0], "currency": key[1], "orders": 0, "units": 0, "gross_sales": ZERO,
                "discounts": ZERO, "tax": ZERO, "shipping": ZERO, "refunds": ZERO,
            },
        )  # fmt: skip

    for order in sales_of(core):
        row = day((order["order_date"], order["currency"]))
        row["orders"] += 1
        row["units"] += order["units"]
        row["gross_sales"] += order["gross_amount"]
        row["discounts"] += order["discount_amount"]
        row["tax"] += order["tax_amount"]
        row["shipping"] += order["shipping_amount"]
    for refund, order in refunds_of_sales(core):
        day((refund["refund_date"], order["currency"]))["refunds"] += refund["refund_amount"]
    for row in days.values():
        row["net_sales"] = row["gross_sales"] - row["discounts"] - row["refunds"]
        earned = row["gross_sales"] - row["discounts"]
        row["average_order_value"] = cents(earned / row["orders"]) if row["orders"] else None
    return list(days.values())


def customer_cohorts(core: dict[str, dict[Any, Row]]) -> list[Row]:
    orders = [order for order in sales_of(core) if order["customer_id"] is not None]
    first: dict[int, date] = {}
    for order in orders:
        month = order["order_date"].replace(day=1)
        first[order["customer_id"]] = min(first.get(order["customer_id"], month), month)
    cells: dict[tuple[date, int], list[Row]] = defaultdict(list)
    for order in orders:
        start, now = first[order["customer_id"]], order["order_date"]
        cells[start, (now.year - start.year) * 12 + now.month - start.month].append(order)
    return [
        {
            "cohort_month": start,
            "months_since_first": months,
            "cohort_size": sum(month == start for month in first.values()),
            "customers": len({order["customer_id"] for order in bought}),
            "orders": len(bought),
            "shop_revenue": sum((o["shop_gross_amount"] - o["shop_discount_amount"] for o in bought), ZERO),
        }
        for (start, months), bought in cells.items()
    ]


def email_attribution(core: dict[str, dict[Any, Row]]) -> list[Row]:
    touches: dict[str, list[Row]] = defaultdict(list)
    for event in core["events"].values():
        profile = core["profiles"].get(event["profile_id"])
        if profile and profile["email"] and event["metric"] in {"Opened Email", "Clicked Email"}:
            touches[profile["email"]].append(event)
    rows = []
    for order in sales_of(core):
        until = order["created_at"]
        seen = [
            e for e in touches.get(order["email"], ()) if until - ATTRIBUTION_WINDOW < e["event_at"] <= until
        ]
        last = max(seen, key=lambda e: (e["event_at"], e["event_id"]), default=None)
        campaign, flow = (last["campaign_id"], last["flow_id"]) if last else (None, None)
        rows.append({
            "order_id": order["order_id"],
            "order_date": order["order_date"],
            "currency": order["currency"],
            "channel": "campaign" if campaign else "flow" if flow else "none",
            "campaign_id": campaign,
            "campaign_name": core["campaigns"].get(campaign, {}).get("name"),
            "flow_id": flow,
            "flow_name": core["flows"].get(flow, {}).get("name"),
            "event_id": last["event_id"] if last else None,
            "touched_at": last["event_at"] if last else None,
            "revenue": order["gross_amount"] - order["discount_amount"],
            "shop_revenue": order["shop_gross_amount"] - order["shop_discount_amount"],
        })  # fmt: skip
    return rows


def email_engagement(core: dict[str, dict[Any, Row]]) -> list[Row]:
    counted = {"Received Email": "received", "Opened Email": "opened", "Clicked Email": "clicked"}
    rows: dict[tuple[date, str, str], Row] = {}
    for event in core["events"].values():
        campaign, flow = event["campaign_id"], event["flow_id"]
        if event["metric"] not in counted or not (campaign or flow):
            continue
        channel, mailing = ("campaign", campaign) if campaign else ("flow", flow)
        key = (shop_date(event["event_at"]), channel, mailing)
        row = rows.setdefault(
            key,
            {
                "engagement_date": key[0],
                "channel": channel,
                "mailing_id": mailing,
                "mailing_name": core[f"{channel}s"].get(mailing, {}).get("name"),
                **dict.fromkeys(counted.values(), 0),
            },
        )
        row[counted[event["metric"]]] += 1
    return list(rows.values())


def products(core: dict[str, dict[Any, Row]]) -> list[Row]:
    sold: dict[int, list[tuple[Row, Row]]] = defaultdict(list)
    for line in core["order_lines"].values():
        order = core["orders"][line["order_id"]]
        if order["is_sale"] and line["product_id"] is not None:
            sold[line["product_id"]].append((line, order))
    rows = []
    for product in core["products"].values():
        if product["is_deleted"]:
            continue
        of_it = sold[product["product_id"]]
        dates = [order["order_date"] for _, order in of_it]
        rows.append({
            **{name: value for name, value in product.items() if name != "is_deleted"},
            "units_sold": sum(line["quantity"] for line, _ in of_it),
            "orders": len({order["order_id"] for _, order in of_it}),
            "shop_gross_sales": sum((line["shop_gross_amount"] for line, _ in of_it), ZERO),
            "first_sold_date": min(dates, default=None),
            "last_sold_date": max(dates, default=None),
        })  # fmt: skip
    return rows


def customers(core: dict[str, dict[Any, Row]]) -> list[Row]:
    bought: dict[int, list[Row]] = defaultdict(list)
    for order in sales_of(core):
        bought[order["customer_id"]].append(order)
    refunded: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for refund, order in refunds_of_sales(core):
        refunded[order["customer_id"]] += refund["shop_refund_amount"]
    today = max((order["order_date"] for order in sales_of(core)), default=None)

    rows = []
    for customer in core["customers"].values():
        orders = bought[customer["customer_id"]]
        last = max((order["order_date"] for order in orders), default=None)
        spent = sum((o["shop_gross_amount"] - o["shop_discount_amount"] for o in orders), ZERO)
        rows.append({
            **customer,
            "orders": len(orders),
            "first_order_date": min((order["order_date"] for order in orders), default=None),
            "last_order_date": last,
            "lifetime_value": spent - refunded[customer["customer_id"]],
            "recency_days": (today - last).days if today and last else None,
            "recency_score": None,
            "frequency_score": None,
            "monetary_score": None,
            "segment": "prospect",
        })  # fmt: skip
    buyers = [row for row in rows if row["orders"]]
    for score, by in (
        ("recency_score", "last_order_date"),
        ("frequency_score", "orders"),
        ("monetary_score", "lifetime_value"),
    ):
        ranked = sorted(buyers, key=lambda row: (row[by], row["customer_id"]))
        for row, tile in zip(ranked, ntile(5, len(ranked)), strict=True):
            row[score] = tile
    for row in buyers:
        row["segment"] = segment(row["recency_score"], row["frequency_score"])
    return rows


def segment(recency: int, frequency: int) -> str:
    if recency >= 4 and frequency >= 4:
        return "champion"
    if frequency >= 4:
        return "loyal"
    if recency >= 4:
        return "recent"
    return "lost" if recency <= 2 and frequency <= 2 else "regular"


def ntile(tiles: int, rows: int) -> list[int]:
    """SQL's ntile: the first tiles take one row more where they do not come out even."""
    size, more = divmod(rows, tiles)
    return [tile for tile in range(1, tiles + 1) for _ in range(size + (tile <= more))]


# -- values --


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def shop_date(at: datetime) -> date:
    return at.astimezone(SHOP_TIMEZONE).date()


def money(both: Row, side: str) -> Decimal:
    return cents(both[side]["amount"])


def cents(amount: Decimal | str | int) -> Decimal:
    """To two places, halves away from zero."""
    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)


def clean_email(text: str | None) -> str | None:
    return (text or "").strip().lower() or None
