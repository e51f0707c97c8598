"""Batches made by schema references: what a connector could have sent, over and over the same few keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from lakekit.landing.columns import Fields, arrow_type
from lakekit.project import Reference
from lakekit.testing.falsify import falsify, smaller
from lakekit.testing.generate import Batch, batches, needed
from lakekit.testing.syncs import Clock, Stream, sync

NULLABLE = {"type": ["null", "string"]}
MOMENT = {"type": ["null", "string"], "format": "date-time"}
ITEM = {
    "type": ["null", "object"],
    "properties": {
        "id": {"type": ["null", "integer"]},
        "product_id": {"type": ["null", "integer"]},
        "price": NULLABLE,
    },
}
ORDERS = Reference(
    "shop",
    "orders",
    "shop.orders",
    {
        "id": {"type": "integer"},
        "name": NULLABLE,
        "state": {"type": "string", "enum": ["open", "paid"]},
        "email": NULLABLE,
        "total": {"type": ["null", "number"]},
        "paid": {"type": ["null", "boolean"]},
        "day": {"type": ["null", "string"], "format": "date"},
        "lines": {"type": ["null", "array"], "items": ITEM},
        "customer": {
            "oneOf": [{"type": "null"}, {"type": "object", "properties": {"id": {"type": "integer"}}}]
        },
        "anything": True,
        "updated_at": MOMENT,
        "deleted_at": MOMENT,
        "deleted_message": NULLABLE,
    },
    ("id",),
    "updated_at",
    Path("orders.json"),
)
EVENTS = Reference(
    "shop",
    "events",
    "shop.events",
    {"type": {"type": "string"}, "at": NULLABLE},
    (),
    "at",
    Path("events.json"),
)
STOCK = Reference(
    "shop",
    "stock",
    "shop.stock",
    {"shelf": {"type": "string"}, "product": {"type": "integer"}, "seen": {"type": "integer"}},
    ("shelf", "product"),
    "seen",
    Path("stock.json"),
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def rows(history: list[Batch], table: str = "shop.orders") -> list[dict[str, Any]]:
    return [row for batch in history for row in batch.get(table, [])]


@quick
@given(batches([ORDERS, EVENTS, STOCK]))
def test_every_row_can_be_given_and_loses_nothing(history: list[Batch]) -> None:
    clock = Clock()
    streams = {one.table: Stream(one, dict(one.properties)) for one in (ORDERS, EVENTS, STOCK)}
    for batch in history:
        for table, some in batch.items():
            landed = sync(streams[table], some, clock.next(None), table)
            changes = [meta["changes"] for meta in landed.column("_airbyte_meta").to_pylist()]
            assert changes == [[]] * landed.num_rows, "a value does not fit its column"


@quick
@given(batches([ORDERS]))
def test_rows_are_what_a_connector_sends(history: list[Batch]) -> None:
    fields = Fields({name: arrow_type(of) for name, of in ORDERS.properties.items()})
    for row in rows(history):
        assert row["id"] in (1, 2, 3)
        if "deleted_at" in row:
            assert row.keys() == {"id", "deleted_at"}
            continue
        assert "deleted_message" not in row
        assert row["state"] in ("open", "paid")
        assert "updated_at" not in row or row["updated_at"] is not None
        items = row.get("lines") or []
        ids = [item["id"] for item in items]
        assert len(set(ids)) == len(ids)
        assert all(id_ // 10 == row["id"] for id_ in ids), "a line is of one order"
        assert all(float(item["price"]) >= 0 for item in items if item.get("price") is not None)
        assert fields.read(json.dumps(row).encode())[1] == []


def test_what_breaks_models_comes_soon() -> None:
    def seen(condition: Any) -> None:
        few = settings(max_examples=200, phases=[Phase.generate], derandomize=True, database=None)
        find(batches([ORDERS]), condition, settings=few)

    seen(lambda history: any("deleted_at" in row for row in rows(history)))
    seen(lambda history: any("updated_at" in row for row in rows(history)))
    seen(lambda history: any("total" in row and row["total"] is None for row in rows(history)))
    seen(lambda history: any({1, 2} <= {row["id"] for row in rows([batch])} for batch in history))
    seen(lambda history: len(history) > 2 and all(any(r["id"] == 1 for r in rows([b])) for b in history))


def test_only_the_fields_named_are_made_and_values_are_the_callers() -> None:
    @quick
    @given(batches([ORDERS], words={"lines", "price"}, values={"shop.orders": {"name": st.just("own")}}))
    def check(history: list[Batch]) -> None:
        for row in rows(history):
            assert row.keys() <= {"id", "lines", "updated_at", "deleted_at", "name"}
            assert row.get("name", "own") == "own"
            assert all(item.keys() <= {"price"} for item in row.get("lines") or [])

    check()


def test_the_columns_that_no_row_may_leave_out() -> None:
    assert needed(ORDERS) == {"id", "state"}
    assert needed(EVENTS) == {"type", "at"}, "a cursor that is text does not go on by itself"
    assert needed(STOCK) == {"shelf", "product"}


def test_the_same_batches_are_tried_each_time() -> None:
    tried: list[list[list[Batch]]] = [[], []]
    for one in tried:
        assert (
            falsify(batches([ORDERS]), lambda e, one=one: one.append(e) or "", examples=8, needed={}) is None
        )
    assert tried[0] == tried[1]
    assert len(tried[0]) >= 5


def test_what_fails_is_made_small() -> None:
    def failure(history: list[Batch]) -> str:
        flat = rows(history)
        firsts = [n for n, row in enumerate(flat) if row["id"] == 2 and row.get("paid")]
        later = [n for n, row in enumerate(flat) if row["id"] == 2 and row.get("paid") is False]
        return "took it back" if firsts and later and firsts[0] < later[-1] else ""

    found = falsify(batches([ORDERS]), failure, examples=50, needed={"shop.orders": needed(ORDERS)})
    assert found is not None
    history, said = found
    assert said == "took it back"
    assert [row.keys() for row in rows(history)] == [{"id", "state", "paid"}] * 2


def test_making_small_has_a_budget() -> None:
    asked = []
    wide = [{"t": [{f"c{n}": n for n in range(400)} for _ in range(40)]}]
    smaller(wide, lambda part: bool(asked.append(part)), {"t": ()})
    assert len(asked) <= 60
