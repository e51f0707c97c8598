"""What a branch of the embedded catalog is to the people, and to the processes, that work on it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyiceberg.exceptions import NamespaceNotEmptyError, NoSuchNamespaceError, NoSuchViewError
from sqlalchemy.exc import OperationalError

from lakekit import Lake
from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import Checks, TableId
from lakekit.errors import MergeConflict, ProjectError, RefExists, RefNotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORDERS = TableId("shopify", "orders")
ROWS = pa.table({"id": [1, 2], "status": ["paid", "pending"]})


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[EmbeddedCatalog]:
    catalog = EmbeddedCatalog(tmp_path)
    main = catalog.iceberg("main")
    main.create_namespace("shopify")
    main.create_table("shopify.orders", ROWS.schema).append(ROWS)
    yield catalog
    catalog.close()


def count(catalog: EmbeddedCatalog, ref: str) -> int:
    return catalog.iceberg(ref).load_table("shopify.orders").scan().to_arrow().num_rows


def test_a_branch_shares_files_until_it_changes_them(catalog: EmbeddedCatalog) -> None:
    catalog.create_branch("work/1")
    assert catalog.entries("work/1") == catalog.entries("main")
    catalog.iceberg("work/1").load_table("shopify.orders").append(ROWS)
    assert (count(catalog, "work/1"), count(catalog, "main")) == (4, 2)
    catalog.delete_branch("work/1")
    assert count(catalog, "main") == 2


def test_purging_a_table_on_a_branch_leaves_the_files_to_main(catalog: EmbeddedCatalog) -> None:
    catalog.create_branch("work")
    catalog.iceberg("work").purge_table("shopify.orders")
    assert ORDERS not in catalog.entries("work")
    assert count(catalog, "main") == 2


def test_a_table_made_on_two_branches_lies_in_two_folders(catalog: EmbeddedCatalog) -> None:
    places = set()
    for name in ("one", "two"):
        catalog.create_branch(name)
        places.add(catalog.iceberg(name).create_table("shopify.new", ROWS.schema).location())
    assert len(places) == 2


def test_each_change_is_a_commit_that_can_be_read_for_ever(catalog: EmbeddedCatalog) -> None:
    before = catalog.ref("main")
    catalog.iceberg("main").load_table("shopify.orders").append(ROWS)
    newest, previous, *_ = catalog.log("main")
    assert (newest.hash, previous.hash) == (catalog.ref("main").hash, before.hash)
    assert newest.tables == (ORDERS,)
    assert (count(catalog, newest.hash), count(catalog, previous.hash)) == (4, 2)
    catalog.iceberg("main").drop_table("shopify.orders")
    assert count(catalog, before.hash) == 2
    assert [commit.message for commit in catalog.log("main", limit=2)] == [
        "drop shopify.orders",
        "change shopify.orders",
    ]


def test_nothing_can_be_written_at_a_commit(catalog: EmbeddedCatalog) -> None:
    commit = catalog.ref("main").hash
    with pytest.raises(OperationalError, match="readonly"):
        catalog.iceberg(commit).load_table("shopify.orders").append(ROWS)
    with pytest.raises(UsageError, match="not a branch"):
        catalog.merge("main", into=commit)
    assert count(catalog, "main") == 2


def test_a_merge_is_one_commit_that_names_all_it_brought(catalog: EmbeddedCatalog) -> None:
    catalog.create_branch("work")
    work = catalog.iceberg("work")
    work.create_namespace("marts")
    work.create_table("marts.sales", ROWS.schema)
    work.load_table("shopify.orders").append(ROWS)
    base = catalog.base("work")
    assert base == catalog.ref("main").hash
    merged = catalog.merge("work", message="publish work")
    newest, previous, *_ = catalog.log("main")
    assert (newest.hash, newest.message, previous.hash) == (merged.hash, "publish work", base)
    assert newest.tables == (TableId("marts", "sales"), ORDERS)
    assert catalog.entries("main") == catalog.entries("work")
    assert catalog.iceberg("main").namespace_exists("marts")
    # What was merged is no news a second time.
    assert catalog.merge("work") == merged


def test_a_conflict_names_the_commits_of_both_sides_and_changes_nothing(catalog: EmbeddedCatalog) -> None:
    catalog.create_branch("work")
    catalog.iceberg("work").load_table("shopify.orders").append(ROWS)
    catalog.iceberg("main").load_table("shopify.orders").append(ROWS)
    catalog.iceberg("work").create_table("shopify.new", ROWS.schema)
    before = catalog.ref("main"), catalog.entries("main")
    with pytest.raises(MergeConflict) as caught:
        catalog.merge("work")
    assert caught.value.ours == {"shopify.orders": before[0].hash}
    assert caught.value.theirs == {"shopify.orders": catalog.log("work")[1].hash}
    assert (catalog.ref("main"), catalog.entries("main")) == before


def test_a_view_that_says_the_same_on_both_sides_is_no_conflict(catalog: EmbeddedCatalog) -> None:
    view = TableId("shopify", "paid")
    catalog.create_branch("one")
    catalog.create_branch("two")
    for branch in ("one", "two"):
        assert catalog.iceberg(branch).put_view(view, "select 1 as a")
        assert not catalog.iceberg(branch).put_view(view, "select 1 as a")
    catalog.merge("one")
    catalog.merge("two")
    assert catalog.entries("main")[view].kind == "view"
    assert catalog.iceberg("main").list_views("shopify") == [("shopify", "paid")]
    assert ("shopify", "paid") not in catalog.iceberg("main").list_tables("shopify")


def test_views_come_go_and_hold_their_schema(catalog: EmbeddedCatalog) -> None:
    main = catalog.iceberg("main")
    with pytest.raises(NoSuchNamespaceError):
        main.put_view(TableId("nowhere", "v"), "select 1 as a")
    main.create_namespace("streams")
    main.put_view(TableId("streams", "v"), "select 1 as a")
    with pytest.raises(NamespaceNotEmptyError):
        main.drop_namespace("streams")
    main.drop_view("streams.v")
    with pytest.raises(NoSuchViewError):
        main.drop_view("streams.v")
    main.drop_namespace("streams")
    assert not main.namespace_exists("streams")


def test_a_dropped_namespace_stays_dropped_after_a_merge(catalog: EmbeddedCatalog) -> None:
    catalog.iceberg("main").create_namespace("old")
    catalog.create_branch("work")
    catalog.iceberg("work").drop_namespace("old")
    catalog.merge("work")
    assert catalog.schemas("main") == {"shopify"}


def test_checks_speak_for_a_branch_until_it_changes(catalog: EmbeddedCatalog) -> None:
    catalog.create_branch("work")
    assert catalog.checks("work") == Checks()
    catalog.record_checks("work", {"unique": True, "not_null": False})
    catalog.record_checks("work", {"not_null": True})
    assert catalog.checks("work") == Checks({"unique": True, "not_null": True}, fresh=True)
    catalog.iceberg("work").load_table("shopify.orders").append(ROWS)
    assert not catalog.checks("work").fresh
    assert catalog.checks("main") == Checks()


def test_unknown_and_doubled_refs_are_named(catalog: EmbeddedCatalog) -> None:
    for use in (catalog.ref, catalog.entries, catalog.log, catalog.iceberg, catalog.delete_branch):
        with pytest.raises(RefNotFound, match="nowhere"):
            use("nowhere")
    catalog.create_branch("work")
    with pytest.raises(RefExists):
        catalog.create_branch("work")
    with pytest.raises(UsageError, match="cannot be deleted"):
        catalog.delete_branch("main")


def test_a_writer_whose_branch_was_deleted_leaves_nothing_behind(catalog: EmbeddedCatalog) -> None:
    catalog.create_branch("work")
    stale = catalog.iceberg("work")
    catalog.delete_branch("work")
    with pytest.raises(NoSuchNamespaceError):
        stale.create_table("shopify.late", ROWS.schema)
    catalog.create_branch("work")
    assert catalog.entries("work") == catalog.entries("main")


def test_all_of_it_survives_a_restart(catalog: EmbeddedCatalog, tmp_path: Path) -> None:
    catalog.create_branch("work")
    catalog.record_checks("work", {"unique": True})
    known = catalog.refs(), catalog.log("work"), catalog.entries("work"), catalog.checks("work")
    again = EmbeddedCatalog(tmp_path)
    assert (again.refs(), again.log("work"), again.entries("work"), again.checks("work")) == known
    again.close()


WRITER = """
import sys
from pathlib import Path
import pyarrow as pa
from lakekit.catalog.embedded import EmbeddedCatalog
folder, name = Path(sys.argv[1]), sys.argv[2]
catalog = EmbeddedCatalog(folder)
rows = pa.table({"id": [1]})
catalog.create_branch(name)
table = catalog.iceberg(name).create_table(f"shopify.{name}", rows.schema)
for _ in range(int(sys.argv[3])):
    table.append(rows)
    catalog.merge(name)
    print("merged", flush=True)
"""


def test_several_processes_work_on_one_lake(catalog: EmbeddedCatalog, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"writer{n}", "5"]) for n in range(3)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    for n in range(3):
        assert catalog.iceberg("main").load_table(f"shopify.writer{n}").scan().to_arrow().num_rows == 5
    assert sum(commit.message.startswith("merge writer") for commit in catalog.log("main")) == 15


def test_a_killed_writer_leaves_whole_commits(catalog: EmbeddedCatalog, tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), "doomed", "100000"], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    seen = [writer.stdout.readline() for _ in range(3)]
    time.sleep(0.05)
    writer.send_signal(signal.SIGKILL)
    seen += writer.stdout.readlines()
    writer.wait(timeout=60)
    rows = catalog.iceberg("main").load_table("shopify.doomed").scan().to_arrow().num_rows
    assert rows >= len(seen) >= 3
    # The log tells the same as the pointers, and the lake can be worked on.
    assert catalog.entries(catalog.ref("main").hash) == catalog.entries("main")
    catalog.iceberg("doomed").load_table("shopify.doomed").append(pa.table({"id": [1]}))
    catalog.merge("doomed")
    assert catalog.iceberg("main").load_table("shopify.doomed").scan().to_arrow().num_rows >= rows + 1


@pytest.mark.parametrize("name", ["my shop", "Müller & Söhne (2)", "100%25 [new] + 'old'"])
def test_a_lake_may_be_in_any_folder(tmp_path: Path, name: str) -> None:
    project = tmp_path / name
    project.mkdir()
    (project / "lakekit.toml").touch()
    with Lake.connect(project) as lake:
        lake.write("shop.orders", pa.table({"id": [1]}))
        lake.sql("create table shop.paid as select id from shop.orders")
        lake.sql("create view shop.seen as select id from shop.paid")
        lake.write("shop.paid", pa.table({"id": [2]}))
        assert lake.sql(
            "select id from shop.seen union all select id from shop.orders order by id"
        ).rows() == [
            {"id": 1},
            {"id": 2},
        ]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["c#", "what?", "a\\b"])
def test_a_folder_that_no_location_can_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError, match="name the folder otherwise"):
        EmbeddedCatalog(tmp_path / name)
    assert not any(tmp_path.iterdir())
