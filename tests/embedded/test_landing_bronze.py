"""Landing: what comes, in whatever order, ends in one bronze; nothing that failed leaves a trace of itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.demo.shop import Shop
from lakekit.errors import LandingFailed, UsageError
from lakekit.landing import ConfiguredCatalog, land, read_states

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

FIELDS = {
    "id": {"type": "integer"},
    "updated_at": {"type": ["null", "string"], "format": "date-time"},
    "status": {"type": ["null", "string"]},
    "lines": {"type": "array", "items": {"type": "object"}},
    "price": {"type": ["null", "number"]},
    "deleted_at": {"type": ["null", "string"], "format": "date-time"},
}


def catalog(**more: Any) -> ConfiguredCatalog:
    stream = {"name": "orders", "json_schema": {"properties": {**FIELDS, **more}}}
    entry = {
        "stream": stream,
        "destination_sync_mode": "append_dedup",
        "primary_key": [["id"]],
        "cursor_field": ["updated_at"],
    }
    return ConfiguredCatalog.parse({"streams": [entry]})


def record(emitted_at: int, **data: Any) -> dict[str, Any]:
    return {"type": "RECORD", "record": {"stream": "orders", "data": data, "emitted_at": emitted_at}}


def order(id_: int, day: int, status: str, emitted_at: int = 1, **more: Any) -> dict[str, Any]:
    return record(emitted_at, id=id_, updated_at=f"2026-01-{day:02}T00:00:00Z", status=status, **more)


def tombstone(id_: int, day: int, emitted_at: int = 1) -> dict[str, Any]:
    return record(emitted_at, id=id_, deleted_at=f"2026-01-{day:02}T00:00:00Z")


def stream_state(stream: str, day: int) -> dict[str, Any]:
    descriptor = {"stream_descriptor": {"name": stream}, "stream_state": {"updated_at": day}}
    return {"type": "STATE", "state": {"type": "STREAM", "stream": descriptor}}


def state(day: int) -> dict[str, Any]:
    return stream_state("orders", day)


@pytest.fixture
def bronze(tmp_path: Path) -> Catalog:
    return EmbeddedCatalog(tmp_path / "lake").iceberg("main")


def rows(iceberg: Catalog, name: str = "shopify.orders") -> dict[int, dict[str, Any]]:
    found = iceberg.load_table(name).scan().to_arrow().to_pylist()
    by_id = {row["id"]: row for row in found}
    assert len(by_id) == len(found)
    return by_id


def statuses(iceberg: Catalog) -> dict[int, str]:
    return {id_: row["status"] for id_, row in sorted(rows(iceberg).items())}


def put(iceberg: Catalog, *messages: Any, flush: int = 20_000) -> list[bytes]:
    echoed: list[bytes] = []
    land(iceberg, "shopify", catalog(), messages, echo=echoed.append, rows_a_flush=flush)
    return echoed


def test_a_later_sync_updates_inserts_and_leaves_the_rest(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "pending"), order(2, 1, "paid"))
    put(bronze, order(1, 2, "paid", 2), order(3, 2, "pending", 2))
    assert statuses(bronze) == {1: "paid", 2: "paid", 3: "pending"}


def test_an_older_record_never_replaces_a_newer_one(bronze: Catalog) -> None:
    put(bronze, order(1, 5, "refunded"))
    put(bronze, order(1, 2, "pending", 9))
    assert statuses(bronze) == {1: "refunded"}


def test_a_tombstone_marks_the_row_and_keeps_its_columns(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "paid"), tombstone(1, 5, 2))
    put(bronze, order(1, 3, "refunded", 3))
    row = rows(bronze)[1]
    assert (row["status"], row["deleted_at"]) == ("refunded", datetime(2026, 1, 5, tzinfo=UTC))
    put(bronze, order(1, 6, "restored", 4))
    assert rows(bronze)[1]["deleted_at"] is None


def test_a_mark_that_cannot_be_compared_with_the_cursor_is_a_column_like_any_other(bronze: Catalog) -> None:
    text = catalog(deleted_at={"type": ["null", "string"]})
    for message in (order(1, 1, "paid"), tombstone(1, 5, 2), order(1, 3, "refunded", 3, deleted_at="soon")):
        land(bronze, "shopify", text, [message])
    assert (rows(bronze)[1]["status"], rows(bronze)[1]["deleted_at"]) == ("refunded", "soon")


def test_a_record_without_a_cursor_does_not_clear_a_mark(bronze: Catalog) -> None:
    put(bronze, tombstone(1, 5), record(2, id=1, status="paid"))
    assert (rows(bronze)[1]["status"], rows(bronze)[1]["deleted_at"]) == (
        "paid",
        instant("2026-01-05T00:00Z"),
    )


def test_a_repeated_record_writes_nothing(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "paid"))
    before = bronze.load_table("shopify.orders").metadata_location
    put(bronze, order(1, 1, "paid", 2))
    assert bronze.load_table("shopify.orders").metadata_location == before


def test_the_state_is_in_the_commit_of_its_rows_and_echoed_after_it(bronze: Catalog) -> None:
    seen: list[int] = []
    messages = [order(1, 1, "paid"), state(1), order(2, 2, "paid"), state(2)]
    land(
        bronze, "shopify", catalog(), messages, echo=lambda _: seen.append(len(rows(bronze))), rows_a_flush=1
    )
    assert seen == [1, 2]
    assert read_states(bronze, "shopify", catalog()) == [state(2)["state"]]


def test_the_state_goes_with_a_branch(tmp_path: Path) -> None:
    lake = EmbeddedCatalog(tmp_path / "lake")
    put(lake.iceberg("main"), order(1, 1, "paid"), state(1))
    lake.create_branch("work")
    put(lake.iceberg("work"), order(2, 2, "paid"), state(2))
    held = [read_states(lake.iceberg(ref), "shopify", catalog()) for ref in ("main", "work")]
    assert held == [[state(1)["state"]], [state(2)["state"]]]


def test_types_are_the_destinations_and_misfits_are_told(bronze: Catalog) -> None:
    put(bronze, record(5, id=1, lines=[{"price": 1.50}], price="no number", nobody="knows me"))
    row = rows(bronze)[1]
    assert json.loads(row["lines"]) == [{"price": 1.5}]
    assert row["price"] is None
    assert [change["field"] for change in row["_airbyte_meta"]["changes"]] == ["price"]
    assert row["_airbyte_extracted_at"] == 5
    assert "nobody" not in row


def test_a_new_field_becomes_a_column_and_a_changed_type_is_refused(bronze: Catalog) -> None:
    put(bronze, order(1, 1, "paid"))
    land(bronze, "shopify", catalog(note={"type": "string"}), [order(2, 1, "paid", note="gift")])
    assert {id_: row["note"] for id_, row in rows(bronze).items()} == {1: None, 2: "gift"}
    with pytest.raises(LandingFailed, match=r"'status' of shopify\.orders"):
        land(bronze, "shopify", catalog(status={"type": "integer"}), [order(3, 1, "1")])


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b'{"type": "RECORD", "rec', "Message 3 is not an Airbyte message"),
        ({"type": "RECORD"}, "Message 3 is a RECORD without a record"),
        ({"type": "STATE"}, "Message 3 is a STATE without a state"),
        (record(1, status="paid"), "The key 'id' is missing in message 3"),
        (record(1, id=None), "The key 'id' is missing in message 3"),
        ({"type": "RECORD", "record": {"stream": "x", "data": {}, "emitted_at": 1}}, "not in the configured"),
        ({"type": "STATE", "state": {"type": "STREAM"}}, "Message 3 is a STATE of a stream, and names none"),
        ({"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_state": {}}}}, "stream_descriptor"),
        (
            {"type": "STATE", "state": {"type": "GLOBAL", "global": {"stream_states": [{}]}}},
            "stream_descriptor",
        ),
        ({"type": "STATE", "state": []}, "Message 3 is not an Airbyte message"),
        (stream_state("x", 1), "not in the configured"),
        (
            {"type": "TRACE", "trace": {"type": "ERROR", "error": {"message": "401"}}},
            "connector failed.*\n.*401",
        ),
        ({"type": "TRACE", "trace": {"type": "ERROR", "error": None}}, "does not say why"),
        ({"type": "TRACE", "trace": {"type": "ERROR", "error": 5}}, "Message 3 is not an Airbyte message"),
    ],
)
@pytest.mark.parametrize("flush", [1, 20_000])
def test_bad_input_is_named_and_what_came_before_stays(
    bronze: Catalog, message: Any, says: str, flush: int
) -> None:
    echoed: list[bytes] = []
    messages = [order(1, 1, "paid"), state(1), message]
    with pytest.raises(LandingFailed, match=says):
        land(bronze, "shopify", catalog(), messages, echo=echoed.append, rows_a_flush=flush)
    assert statuses(bronze) == {1: "paid"}
    assert [json.loads(line) for line in echoed] == [state(1)]
    assert read_states(bronze, "shopify", catalog()) == [state(1)["state"]]


def test_unknown_messages_are_counted_and_blank_lines_passed_over(bronze: Catalog) -> None:
    report = land(
        bronze, "shopify", catalog(), [b"", b"\n", {"type": "DANCE"}, {"type": "LOG"}, order(1, 1, "paid")]
    )
    assert (report.ignored, report.streams["orders"].inserted) == (1, 1)


def test_a_catalog_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="not a configured catalog"):
        ConfiguredCatalog.parse({"streams": [{}]})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stream": {"name": "orders", "json_schema": {}}}, "has no fields"),
        ({"primary_key": [["customer", "id"]]}, "has a nested key"),
        ({"cursor_field": ["dates", "updated_at"]}, "has a nested key or cursor"),
        ({"primary_key": []}, "has no primary key"),
        ({"destination_sync_mode": "overwrite"}, "asks for 'overwrite'"),
    ],
)
def test_a_stream_that_cannot_be_landed_is_named_with_what_to_do(wrong: dict[str, Any], says: str) -> None:
    entry = {
        "stream": {"name": "orders", "json_schema": {"properties": FIELDS}},
        "destination_sync_mode": "append_dedup",
        "primary_key": [["id"]],
    }
    with pytest.raises(UsageError, match=f"'orders' {says}") as caught:
        ConfiguredCatalog.parse({"streams": [entry | wrong]})
    assert caught.value.todo


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What a source tells of a few orders and their lines, in the order in which it is extracted.

    A key is a shop and an id. Within docs/landing.md's limits: no content comes back, and a key that is told
    twice under one cursor is never deleted.
    """
    told: list[tuple[int, dict[str, Any]]] = []
    for shop in (1, 2):
        for id_ in (1, 2):
            days = sorted(draw(st.lists(st.integers(1, 6), max_size=4)))
            deletions = draw(st.booleans()) and len(set(days)) == len(days)
            for nth, day in enumerate(days):
                at = f"2026-01-{day:02}T00:00:00Z"
                if deletions and draw(st.booleans()):
                    told.append((day, {"shop": shop, "id": id_, "deleted_at": at}))
                else:
                    told.append((day, {"shop": shop, "id": id_, "updated_at": at, "status": f"{nth}"}))
    in_time = [data for _, data in sorted(told, key=lambda each: each[0])]
    return [record(at, **data) for at, data in enumerate(in_time, 1)]


def told_by(history: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[Any, ...]]:
    """Cursor, content, mark and extraction by key: the last record, and the deletion if it came later."""
    held: dict[tuple[int, int], tuple[Any, ...]] = {}
    for message in history:
        data, at = message["record"]["data"], message["record"]["emitted_at"]
        key = data["shop"], data["id"]
        if "updated_at" in data:
            held[key] = (instant(data["updated_at"]), data["status"], None, at)
        else:
            known = held.get(key, (None, None, None, 0))
            held[key] = (*known[:2], instant(data["deleted_at"]), at)
    return held


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_the_order_of_arrival_does_not_matter(history: list[dict[str, Any]], random: Any, parts: int) -> None:
    arriving = history + random.sample(history, len(history) // 2)  # some of it twice
    random.shuffle(arriving)
    stream = {"name": "orders", "json_schema": {"properties": {"shop": {"type": "integer"}, **FIELDS}}}
    entry = {
        "stream": stream,
        "destination_sync_mode": "append_dedup",
        "primary_key": [["shop"], ["id"]],
        "cursor_field": ["updated_at"],
    }
    configured = ConfiguredCatalog.parse({"streams": [entry]})
    with tempfile.TemporaryDirectory() as folder:
        iceberg = EmbeddedCatalog(Path(folder)).iceberg("main")
        for part in range(parts):
            land(iceberg, "shopify", configured, arriving[part::parts])
        found = iceberg.load_table("shopify.orders").scan().to_arrow().to_pylist() if history else []
    names = ("updated_at", "status", "deleted_at", "_airbyte_extracted_at")
    held = {(row["shop"], row["id"]): tuple(row[name] for name in names) for row in found}
    assert len(held) == len(found)
    assert held == told_by(history)


@pytest.mark.parametrize(
    ("arriving", "stands"),
    [
        # A, B, A under one cursor: a repeat of what is held is not written, so B, coming last, is the newer.
        ([order(1, 3, "a", 1), order(1, 3, "b", 2), order(1, 3, "a", 3)], ("a", 3)),
        ([order(1, 3, "a", 1), order(1, 3, "a", 3), order(1, 3, "b", 2)], ("b", 2)),
        # A repeat keeps the meta columns that are held.
        ([order(1, 3, "a", 1), order(1, 3, "a", 2)], ("a", 1)),
        ([order(1, 3, "a", 2), order(1, 3, "a", 1)], ("a", 2)),
        # The same millisecond: the later to come.
        ([order(1, 3, "a", 1), order(1, 3, "b", 1)], ("b", 1)),
        ([order(1, 3, "b", 1), order(1, 3, "a", 1)], ("a", 1)),
        # One cursor, and a deletion extracted after both: what comes after the mark comes too late.
        ([order(1, 3, "a", 1), order(1, 3, "b", 2), tombstone(1, 5, 3)], ("b", 3)),
        ([order(1, 3, "a", 1), tombstone(1, 5, 3), order(1, 3, "b", 2)], ("a", 3)),
        # Two tombstones of one instant: the first to come.
        ([order(1, 3, "a", 1), tombstone(1, 5, 2), tombstone(1, 5, 3)], ("a", 2)),
        ([order(1, 3, "a", 1), tombstone(1, 5, 3), tombstone(1, 5, 2)], ("a", 3)),
    ],
)
def test_where_the_order_of_arrival_decides(
    bronze: Catalog, arriving: list[dict[str, Any]], stands: tuple[str, int]
) -> None:
    for message in arriving:
        put(bronze, message)
    row = rows(bronze)[1]
    assert (row["status"], row["_airbyte_extracted_at"]) == stands


def test_the_newest_extraction_is_told_whatever_came_first(bronze: Catalog) -> None:
    put(bronze, order(1, 2, "paid", 7))
    put(bronze, order(1, 1, "pending", 9), order(2, 1, "open", 4), order(2, 1, "paid", 5))
    held = {id_: (row["status"], row["_airbyte_extracted_at"]) for id_, row in rows(bronze).items()}
    assert held == {1: ("paid", 7), 2: ("paid", 5)}


def test_appending_the_same_messages_again_doubles_nothing(bronze: Catalog) -> None:
    stream = {"name": "clicks", "json_schema": {"properties": {"page": {"type": "string"}}}}
    clicks = ConfiguredCatalog.parse({"streams": [{"stream": stream, "destination_sync_mode": "append"}]})
    messages = [
        {"type": "RECORD", "record": {"stream": "clicks", "data": {"page": page}, "emitted_at": at}}
        for at, page in enumerate(["a", "b", "a"], 1)
    ]
    for batch in (messages[:2], messages, messages):  # the first was cut off
        land(bronze, "web", clicks, batch)
    held = bronze.load_table("web.clicks").scan().to_arrow().to_pylist()
    assert sorted((row["page"], row["_airbyte_extracted_at"]) for row in held) == [
        ("a", 1),
        ("a", 3),
        ("b", 2),
    ]


FIRST = """
import sys
from pathlib import Path
from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.landing import ConfiguredCatalog, land
schema = {"properties": {"id": {"type": "integer"}, "part": {"type": "integer"}}}
entry = {"stream": {"name": "orders", "json_schema": schema}, "destination_sync_mode": "append_dedup", "primary_key": [["id"]]}
iceberg = EmbeddedCatalog(Path(sys.argv[1])).iceberg("main")
part = int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
land(iceberg, "shopify", ConfiguredCatalog.parse({"streams": [entry]}), [
    {"type": "RECORD", "record": {"stream": "orders", "data": {"id": id_, "part": part}, "emitted_at": id_}}
    for id_ in [*range(10), *range(100 * part, 100 * part + 50)]])
"""


def test_two_first_landings_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST, str(tmp_path), str(part)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for part in (1, 2)
    ]
    for landing in both:
        assert landing.stdout is not None
        assert landing.stdout.readline() == b"ready\n"
    for landing in both:
        landing.communicate(b"go\n", timeout=60)
        assert landing.returncode == 0
    held = rows(EmbeddedCatalog(tmp_path).iceberg("main"))
    assert sorted(held) == [*range(10), *range(100, 150), *range(200, 250)]


KILLED = """
import sys
from pathlib import Path
from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog, land
shop = Shop(seed=3, orders=300)
land(EmbeddedCatalog(Path(sys.argv[1])).iceberg("main"), "shopify", ConfiguredCatalog.parse(shop.configured_catalog("shopify")),
     shop.messages("shopify", sync=1), echo=lambda line: print(line.decode(), flush=True), rows_a_flush=50)
"""


def shop_bronze(folder: Path) -> dict[str, list[str]]:
    iceberg = EmbeddedCatalog(folder).iceberg("main")
    return {
        str(name): sorted(map(repr, iceberg.load_table(name).scan().to_arrow().to_pylist()))
        for name in iceberg.list_tables("shopify")
    }


def test_a_landing_killed_anywhere_and_run_again_ends_in_the_same_bronze(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "whole")], check=True, capture_output=True)
    for after in (1, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "killed")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(after):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "killed")], check=True, capture_output=True)
    whole = shop_bronze(tmp_path / "whole")
    assert len(whole) == 5
    assert shop_bronze(tmp_path / "killed") == whole


def test_the_demo_knows_from_bronze_which_sync_comes_next(bronze: Catalog) -> None:
    shop = Shop(seed=3, orders=100)
    states = []
    for source in ("shopify", "klaviyo"):
        configured = ConfiguredCatalog.parse(shop.configured_catalog(source))
        land(bronze, source, configured, shop.messages(source, sync=1))
        states += read_states(bronze, source, configured)
    assert shop.sync_number(states) == 2
