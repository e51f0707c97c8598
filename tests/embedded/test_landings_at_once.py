"""Two that write into one table at once: whoever comes second takes in what the first one did."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.engine.rows import put_through_pyiceberg
from lakekit.errors import LandingFailed, QueryFailed
from lakekit.landing import ConfiguredCatalog, land, read_states

from ..meanwhile import meanwhile

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

ORDERS = TableId("shopify", "orders")
FIELDS = {
    "id": {"type": "integer"},
    "updated_at": {"type": "string", "format": "date-time"},
    "status": {"type": "string"},
}


def catalog(mode: str = "append_dedup", *more: str) -> ConfiguredCatalog:
    fields = FIELDS | {name: {"type": "string"} for name in more}
    entry = {
        "stream": {"name": "orders", "json_schema": {"properties": fields}},
        "destination_sync_mode": mode,
        "primary_key": [["id"]],
        "cursor_field": ["updated_at"],
    }
    return ConfiguredCatalog.parse({"streams": [entry]})


def order(id_: int, day: int, status: str, **more: str) -> dict[str, Any]:
    data = {"id": id_, "updated_at": f"2026-01-{day:02}T00:00:00Z", "status": status, **more}
    return {"type": "RECORD", "record": {"stream": "orders", "data": data, "emitted_at": 100 * day + id_}}


def state(day: int) -> dict[str, Any]:
    descriptor = {"stream_descriptor": {"name": "orders"}, "stream_state": {"updated_at": day}}
    return {"type": "STATE", "state": {"type": "STREAM", "stream": descriptor}}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakekit.catalog.rereading._ATTEMPTS", 3)


@pytest.fixture
def bronze(tmp_path: Path) -> Catalog:
    return EmbeddedCatalog(tmp_path / "lake").iceberg("main")


def put(
    iceberg: Catalog, *messages: dict[str, Any], configured: ConfiguredCatalog | None = None
) -> dict[str, int]:
    report = land(iceberg, "shopify", configured or catalog(), messages)
    return {name: getattr(report.streams["orders"], name) for name in ("inserted", "updated", "unchanged")}


def held(iceberg: Catalog, *columns: str) -> list[tuple[Any, ...]]:
    rows = iceberg.load_table("shopify.orders").scan().to_arrow().to_pylist()
    return sorted(tuple(row[name] for name in columns or ("id", "status")) for row in rows)


def test_an_order_that_both_bring_is_there_once(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "paid"))
    with meanwhile(lambda: put(bronze, order(7, 2, "pending"), order(8, 2, "paid"))):
        told = put(bronze, order(7, 3, "paid"), order(9, 3, "paid"), state(3))
    assert held(bronze) == [(1, "paid"), (7, "paid"), (8, "paid"), (9, "paid")]
    assert told == {"inserted": 1, "updated": 1, "unchanged": 0}
    assert read_states(bronze, "shopify", catalog()) == [state(3)["state"]]


def test_an_older_version_does_not_win_by_coming_second(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "paid"))
    with meanwhile(lambda: put(bronze, order(7, 5, "refunded"))):
        told = put(bronze, order(7, 3, "paid"))
    assert held(bronze) == [(1, "paid"), (7, "refunded")]
    assert told == {"inserted": 0, "updated": 0, "unchanged": 1}


def test_an_order_that_both_update_keeps_the_later_update(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "pending"), order(2, 1, "pending"))
    with meanwhile(lambda: put(bronze, order(1, 4, "refunded"), order(2, 2, "paid"))):
        told = put(bronze, order(1, 3, "paid"), order(2, 3, "shipped"))
    assert held(bronze) == [(1, "refunded"), (2, "shipped")]
    assert told == {"inserted": 0, "updated": 1, "unchanged": 1}


def test_two_first_landings_of_one_order_make_one_order(bronze: Catalog) -> None:
    with meanwhile(lambda: put(bronze, order(7, 2, "pending"))):
        put(bronze, order(7, 3, "paid"))
    assert held(bronze) == [(7, "paid")]


def test_what_both_append_is_appended_once(bronze: Catalog) -> None:
    append = catalog("append")
    messages = [order(7, 2, "pending"), order(7, 3, "paid")]
    put(bronze, order(1, 1, "paid"), configured=append)
    with meanwhile(lambda: put(bronze, messages[0], configured=append)):
        put(bronze, *messages, configured=append)
    assert held(bronze) == [(1, "paid"), (7, "paid"), (7, "pending")]


@pytest.mark.parametrize("theirs", ["note", "tags"])
def test_both_may_bring_a_new_field(bronze: Catalog, theirs: str) -> None:
    put(bronze, order(1, 1, "paid"))
    with_theirs = catalog("append_dedup", theirs)
    with meanwhile(lambda: put(bronze, order(2, 2, "paid", **{theirs: "b"}), configured=with_theirs)):
        put(bronze, order(3, 3, "paid", note="a"), configured=catalog("append_dedup", "note"))
    notes = [(1, None), (2, "b" if theirs == "note" else None), (3, "a")]
    assert held(bronze, "id", "note") == notes
    assert (2, "b") in held(bronze, "id", theirs)


@pytest.mark.usefixtures("impatient")
def test_a_table_that_never_rests_is_told_of(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "paid"))
    days = iter(range(2, 29))
    with (
        meanwhile(lambda: put(bronze, order(2, next(days), "paid")), times=26),
        pytest.raises(LandingFailed, match="kept changing"),
    ):
        put(bronze, order(3, 1, "paid"))
    assert {id_ for id_, _ in held(bronze)} == {1, 2}


@pytest.mark.parametrize("key", [("id",), ()])
def test_rows_put_at_once_take_each_others_place(bronze: Catalog, key: tuple[str, ...]) -> None:
    def rows(status: str, *ids: int) -> None:
        table = pa.table({"id": list(ids), "status": [status] * len(ids)})
        put_through_pyiceberg(bronze, ORDERS, table, key, replace=not key)

    with meanwhile(lambda: rows("theirs", 1, 2)):  # neither finds a table
        rows("ours", 2)
    assert held(bronze) == ([(1, "theirs"), (2, "ours")] if key else [(2, "ours")])
    with meanwhile(lambda: rows("theirs", 2, 3)):
        rows("ours", 3, 4)
    ours = [(3, "ours"), (4, "ours")]
    assert held(bronze) == ([(1, "theirs"), (2, "theirs"), *ours] if key else ours)


@pytest.mark.usefixtures("impatient")
def test_rows_put_into_a_table_that_never_rests_are_refused(bronze: Catalog) -> None:
    def rows(status: str) -> None:
        put_through_pyiceberg(bronze, ORDERS, pa.table({"id": [1], "status": [status]}), ["id"])

    rows("old")
    with meanwhile(lambda: rows("theirs"), times=26), pytest.raises(QueryFailed, match="kept changing"):
        rows("ours")
    assert held(bronze) == [(1, "theirs")]


batches = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6)), min_size=1, max_size=4, unique=True)


@given(
    st.lists(st.tuples(batches, st.none() | batches), min_size=1, max_size=4),
    st.sampled_from(["append", "append_dedup"]),
)
@settings(max_examples=25, deadline=None)
def test_any_two_landings_at_once_end_as_one_after_the_other(
    rounds: list[tuple[list[tuple[int, int]], list[tuple[int, int]] | None]], mode: str
) -> None:
    """A record is an order and its day: ours, and what lands between our reading and our commit."""
    told: set[tuple[int, int]] = set()
    with tempfile.TemporaryDirectory() as folder:
        iceberg = EmbeddedCatalog(Path(folder)).iceberg("main")

        def bring(batch: list[tuple[int, int]]) -> None:
            messages = [order(id_, day, f"{id_} on {day}") for id_, day in batch]
            put(iceberg, *messages, state(0), configured=catalog(mode))
            told.update(batch)

        for ours, theirs in rounds:
            with meanwhile(lambda theirs=theirs: bring(theirs)) if theirs else nullcontext():
                bring(ours)
        found = held(iceberg, "id", "updated_at")
    newest = {id_: max(day for each, day in told if each == id_) for id_, _ in told}
    stands = told if mode == "append" else newest.items()
    assert found == [(id_, datetime(2026, 1, day, tzinfo=UTC)) for id_, day in sorted(stands)]
