"""Branches on real Nessie and Trino: isolated, and merged without one reading the other's tables."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lakekit.catalog.nessie import NessieCatalog, catalog_name
from lakekit.catalog.protocol import TableId
from lakekit.demo.shop import Shop
from lakekit.engine.rows import put_through_pyiceberg
from lakekit.engine.trino import TrinoEngine
from lakekit.errors import MergeConflict, QueryFailed, RefExists, RefNotFound
from lakekit.landing import ConfiguredCatalog, land, read_states

from ..meanwhile import meanwhile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakekit.stack import Endpoints, Stack


class Lakehouse:
    """A catalog and an engine, with a branch that plays main, since the stack is shared."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.catalog = NessieCatalog(endpoints)
        self.engine = TrinoEngine(endpoints, self.catalog)
        self.main = self.branch("main-of-a-test", at="main")
        self.sql(self.main, "create schema s")
        self.sql(self.main, "create table s.orders as select 1 as id")
        self.sql(self.main, "create view s.stg_orders as select id as order_id from s.orders")

    def branch(self, name: str, at: str = "") -> str:
        return self.catalog.create_branch(f"{name}-{secrets.token_hex(4)}", at or self.main).name

    def sql(self, ref: str, statement: str) -> list[dict[str, object]]:
        return self.engine.execute(ref, statement).to_pylist()

    def ids(self, ref: str, relation: str = "s.orders", column: str = "id") -> list[object]:
        return [row[column] for row in self.sql(ref, f"select {column} from {relation} order by 1")]

    def drop(self, branch: str) -> None:
        self.engine.forget(branch)
        self.catalog.delete_branch(branch)


@pytest.fixture
def lakehouse(either_stack: Stack) -> Iterator[Lakehouse]:
    house = Lakehouse(either_stack.endpoints())
    yield house
    house.engine.close()
    house.drop(house.main)
    house.catalog.close()


def test_rows_written_on_a_branch_stay_there(lakehouse: Lakehouse) -> None:
    work = lakehouse.branch("work")
    lakehouse.sql(work, "insert into s.orders values 2")
    assert lakehouse.ids(work) == [1, 2]
    assert lakehouse.ids(lakehouse.main) == [1]
    lakehouse.drop(work)


def test_a_view_shows_the_branch_that_it_is_read_on(lakehouse: Lakehouse) -> None:
    lakehouse.sql(lakehouse.main, "create view s.named as select id as order_id from lake.s.orders")
    work = lakehouse.branch("work")
    lakehouse.sql(work, "insert into s.orders values 2")
    for view in ("s.stg_orders", "s.named"):
        assert lakehouse.ids(work, view, "order_id") == [1, 2]
        assert lakehouse.ids(lakehouse.main, view, "order_id") == [1]
    lakehouse.drop(work)


def test_a_merged_view_reads_main_when_its_branch_is_gone(lakehouse: Lakehouse) -> None:
    work = lakehouse.branch("work")
    lakehouse.sql(work, "create view s.twice as select id * 2 as doubled from s.orders")
    lakehouse.catalog.merge(work, lakehouse.main)
    lakehouse.drop(work)
    lakehouse.sql(lakehouse.main, "insert into s.orders values 5")
    assert lakehouse.ids(lakehouse.main, "s.twice", "doubled") == [2, 10]


def test_branches_that_changed_different_tables_both_merge(lakehouse: Lakehouse) -> None:
    first, second = lakehouse.branch("first"), lakehouse.branch("second")
    for branch, table in ((first, "a"), (second, "b")):
        lakehouse.sql(branch, "create schema t")  # both make it: that is no conflict
        lakehouse.sql(branch, f"create table t.{table} as select 1 as id")
        lakehouse.catalog.merge(branch, lakehouse.main)
    assert lakehouse.ids(lakehouse.main, "t.a") == lakehouse.ids(lakehouse.main, "t.b") == [1]
    assert lakehouse.ids(lakehouse.main, "s.stg_orders", "order_id") == [1]
    lakehouse.drop(first)
    lakehouse.drop(second)


def test_branches_that_changed_one_table_conflict_by_name(lakehouse: Lakehouse) -> None:
    first, second = lakehouse.branch("first"), lakehouse.branch("second")
    lakehouse.sql(first, "insert into s.orders values 2")
    lakehouse.sql(second, "insert into s.orders values 3")
    lakehouse.catalog.merge(first, lakehouse.main)
    with pytest.raises(MergeConflict) as caught:
        lakehouse.catalog.merge(second, lakehouse.main)
    assert caught.value.tables == ["s.orders"]
    assert caught.value.ours != caught.value.theirs
    assert lakehouse.ids(lakehouse.main) == [1, 2]
    assert lakehouse.ids(second, "s.stg_orders", "order_id") == [1, 3]
    lakehouse.drop(first)
    lakehouse.drop(second)


def test_checks_speak_for_the_branch_until_it_changes_and_are_not_merged(lakehouse: Lakehouse) -> None:
    work = lakehouse.branch("work")
    assert not lakehouse.catalog.checks(work).results
    lakehouse.sql(work, "insert into s.orders values 2")
    lakehouse.catalog.record_checks(work, {"unique_id": True})
    lakehouse.catalog.record_checks(work, {"not_null_id": False})
    checks = lakehouse.catalog.checks(work)
    assert (checks.failed, checks.fresh) == (["not_null_id"], True)
    lakehouse.sql(work, "insert into s.orders values 3")
    assert not lakehouse.catalog.checks(work).fresh
    lakehouse.catalog.merge(work, lakehouse.main)
    assert not lakehouse.catalog.checks(lakehouse.main).results
    lakehouse.drop(work)


def test_an_old_commit_is_read_by_its_hash(lakehouse: Lakehouse) -> None:
    before = lakehouse.catalog.ref(lakehouse.main).hash
    lakehouse.sql(lakehouse.main, "insert into s.orders values 2")
    assert lakehouse.ids(before, "s.stg_orders", "order_id") == [1]


def test_pyiceberg_and_trino_see_each_others_rows(lakehouse: Lakehouse) -> None:
    table = lakehouse.catalog.iceberg(lakehouse.main).load_table("s.orders")
    table.append(pa.table({"id": pa.array([7], pa.int32())}))
    assert lakehouse.ids(lakehouse.main) == [1, 7]
    assert TableId("s", "orders") in lakehouse.catalog.log(lakehouse.main, 1)[0].tables


def test_what_the_landing_writes_reads_as_bronze_in_trino(lakehouse: Lakehouse) -> None:
    shop = Shop(seed=5, orders=200)
    configured = ConfiguredCatalog.parse(shop.configured_catalog("shopify"))
    bronze = lakehouse.catalog.iceberg(lakehouse.main)
    for sync in (1, 2):
        report = land(bronze, "shopify", configured, shop.messages("shopify", sync=sync))
    assert sum(stream.updated for stream in report.streams.values()) > 0
    [counted] = lakehouse.sql(
        lakehouse.main, "select count(*) as n, count(distinct id) as ids from shopify.orders"
    )
    assert counted["n"] == counted["ids"]
    [item] = lakehouse.sql(
        lakehouse.main,
        "select json_array_length(line_items) as lines, _airbyte_meta.sync_id as sync_id from shopify.orders"
        " where line_items is not null order by id limit 1",
    )
    assert item["lines"] >= 1
    assert shop.sync_number(read_states(bronze, "shopify", configured)) == 1  # Klaviyo has not landed yet


def test_an_order_that_two_landings_bring_at_once_is_there_once(lakehouse: Lakehouse) -> None:
    """Also where it is new to both, where both update it, and where both bring a new column."""
    bronze = lakehouse.catalog.iceberg(lakehouse.main)

    def bring(status: str, day: int, *ids: int, more: str = "") -> None:
        names = ["id", "day", "status", *([more] if more else [])]
        kinds = {name: {"type": "string" if name in ("status", more) else "integer"} for name in names}
        entry = {
            "stream": {"name": "orders", "json_schema": {"properties": kinds}},
            "destination_sync_mode": "append_dedup",
            "primary_key": [["id"]],
            "cursor_field": ["day"],
        }
        rows = [{"id": id_, "day": day, "status": status} for id_ in ids]
        records = [{"stream": "orders", "data": row, "emitted_at": day} for row in rows]
        messages = [{"type": "RECORD", "record": record} for record in records]
        land(bronze, "shop", ConfiguredCatalog.parse({"streams": [entry]}), messages)

    with meanwhile(lambda: bring("theirs", 1, 1, 2)):
        bring("ours", 2, 2, 3)
    with meanwhile(lambda: bring("theirs", 4, 3, 4)):
        bring("ours", 3, 2, 3, 4)
    with meanwhile(lambda: bring("theirs", 5, 5, more="note")):
        bring("ours", 5, 6, more="note")
    found = lakehouse.sql(lakehouse.main, "select id, status, note from shop.orders order by id")
    stands = ["theirs", "ours", "theirs", "theirs", "theirs", "ours"]
    assert [(row["id"], row["status"]) for row in found] == list(enumerate(stands, 1))


def test_rows_that_two_put_at_once_are_there_once(lakehouse: Lakehouse) -> None:
    bronze, table = lakehouse.catalog.iceberg(lakehouse.main), TableId("shop", "orders")

    def put(status: str, *ids: int) -> None:
        put_through_pyiceberg(bronze, table, pa.table({"id": ids, "status": [status] * len(ids)}), ["id"])

    with meanwhile(lambda: put("theirs", 1, 2)):  # neither finds a table
        put("ours", 2)
    with meanwhile(lambda: put("theirs", 2, 3)):
        put("ours", 3)
    found = lakehouse.sql(lakehouse.main, "select id, status from shop.orders order by id")
    assert [row["status"] for row in found] == ["theirs", "theirs", "ours"]


def test_refs_that_are_not_there_or_twice_are_named(lakehouse: Lakehouse) -> None:
    with pytest.raises(RefNotFound, match="nowhere"):
        lakehouse.catalog.ref("nowhere")
    with pytest.raises(RefExists, match="main-of-a-test"):
        lakehouse.catalog.create_branch(lakehouse.main)
    with pytest.raises(QueryFailed, match="no_such_table"):
        lakehouse.sql(lakehouse.main, "select * from s.no_such_table")


def test_a_catalog_name_is_safe_and_never_shared() -> None:
    names = [catalog_name(ref) for ref in ("main", "a/b", "a-b", "A-B", "x" * 90)]
    assert names[0] == "lake"
    assert len(set(names)) == len(names)
