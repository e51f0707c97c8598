"""The demo shop: the same bytes every time, books that balance, and every nuisance that real syncs bring."""

from __future__ import annotations

import hashlib
import itertools
import json
import tracemalloc
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakekit.demo.shop import METRICS, Shop

Record = dict[str, Any]
SOURCES = ("shopify", "klaviyo")
seeds = st.integers(-(2**40), 2**40)


def parsed(shop: Shop, source: str, sync: int) -> list[Record]:
    return [json.loads(line, parse_float=Decimal) for line in shop.messages(source, sync)]


def records(shop: Shop, sync: int, stream: str) -> list[Record]:
    source = "klaviyo" if stream in {"profiles", "campaigns", "flows", "events"} else "shopify"
    found = [m["record"] for m in parsed(shop, source, sync) if m["type"] == "RECORD"]
    return [record["data"] for record in found if record["stream"] == stream]


def digest(shop: Shop, source: str, sync: int) -> str:
    return hashlib.sha256(b"".join(shop.messages(source, sync))).hexdigest()


@pytest.mark.parametrize("source", SOURCES)
def test_a_sync_is_the_same_bytes_whatever_was_made_before_it(source: str) -> None:
    shop = Shop(seed=3, orders=300)
    after_others = [digest(shop, source, sync) for sync in (1, 2, 3)]
    alone = [digest(Shop(seed=3, orders=300), source, sync) for sync in (3, 2, 1)]
    assert after_others == alone[::-1]
    assert digest(Shop(seed=4, orders=300), source, 2) != alone[1]


@given(seed=seeds)
@settings(max_examples=6, deadline=None)
def test_the_books_balance_in_both_currencies(seed: int) -> None:
    shop = Shop(seed=seed, orders=120)
    orders = {o["id"]: o for sync in (1, 2) for o in records(shop, sync, "orders") if "updated_at" in o}
    for order in orders.values():
        for side in ("shop_money", "presentment_money"):

            def amount(both: Record, side: str = side) -> Decimal:
                return Decimal(both[side]["amount"])

            lines = order["line_items"]
            gross = sum(amount(line["price_set"]) * line["quantity"] for line in lines)
            tax = sum(amount(tax["price_set"]) for line in lines for tax in line["tax_lines"])
            off = sum(amount(part["amount_set"]) for line in lines for part in line["discount_allocations"])
            shipping = amount(order["total_shipping_price_set"])
            assert gross + tax + shipping - off == amount(order["total_price_set"])
            assert (gross, tax, off) == tuple(
                amount(order[name])
                for name in ("total_line_items_price_set", "total_tax_set", "total_discounts_set")
            )
            back = sum(
                amount(line["subtotal_set"]) for r in order["refunds"] for line in r["refund_line_items"]
            )
            assert 0 <= back <= gross - off
    refunds = [r for sync in (1, 2) for r in records(shop, sync, "order_refunds")]
    pieces = Counter(
        (line["line_item_id"])
        for r in {r["id"]: r for r in refunds}.values()
        for line in r["refund_line_items"]
        for _ in range(line["quantity"])
    )
    sold = {line["id"]: line["quantity"] for order in orders.values() for line in order["line_items"]}
    assert all(pieces[line] <= sold[line] for line in pieces if line in sold)


@given(seed=seeds)
@settings(max_examples=5, deadline=None)
def test_the_second_sync_brings_every_nuisance(seed: int) -> None:
    shop = Shop(seed=seed, orders=500)
    first, second = records(shop, 1, "orders"), records(shop, 2, "orders")
    known = {o["id"]: at(o["updated_at"]) for o in first if "updated_at" in o}
    newest = max(known.values())
    seen: dict[int, datetime] = dict(known)
    met: Counter[str] = Counter()
    tombstones = {o["id"] for o in second if "deleted_at" in o}
    for order in second:
        if "deleted_at" in order:
            met["tombstone of a known order"] += order["id"] in known
            continue
        updated = at(order["updated_at"])
        met["new"] += order["id"] not in known and at(order["created_at"]) > newest
        met["old, first seen now"] += order["id"] not in known and at(order["created_at"]) < newest
        met["updated"] += order["id"] in known and updated > known[order["id"]]
        met["repeated from the end of the first sync"] += known.get(order["id"]) == updated
        met["older after newer"] += updated < seen.get(order["id"], updated)
        met["read and then deleted"] += order["id"] in tombstones
        met["cancelled now"] += order["cancelled_at"] is not None and at(order["cancelled_at"]) > newest
        seen[order["id"]] = max(updated, seen.get(order["id"], updated))
    identical = Counter(json.dumps(o, default=str) for o in second)
    met["twice in one sync"] += sum(times > 1 for times in identical.values())
    met["refund"] += len(records(shop, 2, "order_refunds"))
    met["product deleted"] += len(records(shop, 2, "deleted_products"))
    prices = {p["id"]: p["price_range_v2"] for p in records(shop, 1, "products")}
    met["price changed"] += sum(
        prices.get(p["id"], p["price_range_v2"]) != p["price_range_v2"] for p in records(shop, 2, "products")
    )
    met["flow went on"] += len(records(shop, 2, "flows"))
    assert [what for what, times in met.items() if not times] == []


def test_streams_come_in_the_order_of_their_cursors() -> None:
    shop = Shop(seed=1, orders=400)
    cursors = {
        "products": "updated_at",
        "deleted_products": "deleted_at",
        "customers": "updated_at",
        "profiles": "updated",
        "events": "datetime",
    }
    for stream, cursor in cursors.items():
        instants = [at(record[cursor]) for record in records(shop, 1, stream)]
        assert instants == sorted(instants), stream
    orders = [at(o["updated_at"]) for o in records(shop, 1, "orders") if "updated_at" in o]
    assert orders == sorted(orders)


@pytest.mark.parametrize("source", SOURCES)
def test_a_sync_speaks_like_a_connector(source: str) -> None:
    messages = parsed(Shop(seed=5, orders=600), source, 1)
    assert {m["type"] for m in messages} == {"LOG", "TRACE", "RECORD", "STATE"}
    told: dict[str, list[str]] = {}
    states: Counter[str] = Counter()
    for message in messages:
        if message["type"] == "TRACE":
            status = message["trace"]["stream_status"]
            told.setdefault(status["stream_descriptor"]["name"], []).append(status["status"])
        elif message["type"] == "STATE":
            states[message["state"]["stream"]["stream_descriptor"]["name"]] += 1
    streams = [s["stream"]["name"] for s in Shop.configured_catalog(source)["streams"]]
    assert told == {stream: ["STARTED", "RUNNING", "COMPLETE"] for stream in streams}
    assert set(states) == set(streams)
    assert states["orders" if source == "shopify" else "events"] > 2


@pytest.mark.parametrize("orders", [1, 40, 600])
def test_the_landed_states_tell_which_sync_is_next(orders: int) -> None:
    shop = Shop(seed=2, orders=orders)
    landed: dict[str, Record] = {}
    assert shop.sync_number([]) == 1
    for sync, source in itertools.product((1, 2, 3), SOURCES):
        assert shop.sync_number(list(landed.values())) == sync
        for message in parsed(shop, source, sync):
            if message["type"] == "STATE":
                # Whatever was landed so far, the sync goes on until its very end.
                assert shop.sync_number(list(landed.values())) == sync
                landed[message["state"]["stream"]["stream_descriptor"]["name"]] = message["state"]
    assert shop.sync_number(list(landed.values())) == 4


def test_days_are_the_shops_own() -> None:
    orders = [
        o for sync in (1, 2) for o in records(Shop(seed=7, orders=1_500), sync, "orders") if "created_at" in o
    ]
    offsets = {o["created_at"][-6:] for o in orders}
    assert offsets == {"-05:00", "-04:00"}
    assert any(o["created_at"][11:13] == "23" for o in orders)
    assert any(o["created_at"][11:13] == "00" for o in orders)
    assert {o["presentment_currency"] for o in orders} == {"USD", "EUR", "GBP", "CAD", "JPY"}
    assert all(
        o["total_price_set"]["presentment_money"]["amount"] % 1 == 0
        for o in orders
        if o["presentment_currency"] == "JPY"
    )


def test_people_and_orders_look_like_a_shops() -> None:
    shop = Shop(seed=7, orders=1_500)
    orders = [o for o in records(shop, 1, "orders") if "created_at" in o]
    assert any(o["test"] for o in orders)
    assert any(o["customer"] is None for o in orders)
    assert {"paid", "refunded", "partially_refunded", "pending"} <= {o["financial_status"] for o in orders}
    customers = {c["id"]: c for c in records(shop, 1, "customers")}
    assert all(o["customer"]["id"] in customers for o in orders if o["customer"])
    bought = Counter(o["customer"]["id"] for o in orders if o["customer"])
    assert 0.15 < sum(times > 1 for times in bought.values()) / len(bought) < 0.6
    emails = [c["email"].lower() for c in customers.values()]
    assert len(set(emails)) == len(emails)
    profiles = {p["attributes"]["email"].lower() for p in records(shop, 1, "profiles")}
    assert set(emails) - profiles
    assert profiles - set(emails)
    assert set(emails) & profiles
    products = {p["id"] for p in records(shop, 1, "products")}
    lines = [line for o in orders for line in o["line_items"]]
    assert all(line["product_id"] in products for line in lines if line["product_id"])


def test_e_mails_touch_orders_at_the_edges_of_the_window() -> None:
    shop = Shop(seed=7, orders=1_500)
    events = {e["id"]: e for e in records(shop, 1, "events")}
    assert {e["relationships"]["metric"]["data"]["id"] for e in events.values()} == set(METRICS.values())
    profiles = {p["id"] for p in records(shop, 1, "profiles")}
    assert all(e["relationships"]["profile"]["data"]["id"] in profiles for e in events.values())
    campaigns = {c["id"] for c in records(shop, 1, "campaigns")}
    flows = {f["id"] for f in records(shop, 1, "flows")}
    said = [e["attributes"]["event_properties"] for e in events.values()]
    assert all(
        s["$flow"] in flows if "$flow" in s else s["$message"] in campaigns for s in said if "$message" in s
    )
    placed = {
        (e["relationships"]["profile"]["data"]["id"], at(e["datetime"]))
        for e in events.values()
        if e["relationships"]["metric"]["data"]["id"] == METRICS["Placed Order"]
    }
    touched = {
        (e["relationships"]["profile"]["data"]["id"], at(e["datetime"]))
        for e in events.values()
        if e["relationships"]["metric"]["data"]["id"] == METRICS["Opened Email"]
    }
    distances = Counter((o - t).total_seconds() for who, o in placed for other, t in touched if who == other)
    for edge in (0, 1, -1, 432_000, 432_001, 431_999):
        assert distances[edge], edge


def test_a_large_shop_streams_in_small_memory() -> None:
    def peak(orders: int) -> int:
        tracemalloc.start()
        try:
            for _ in itertools.islice(Shop(seed=1, orders=orders).messages("shopify", 1), 1_500):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(1_000_000) < 48_000_000
    tracemalloc.start()
    try:
        for _ in Shop(seed=1, orders=1_000).messages("klaviyo", 1):
            pass
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
