"""The one object, on both engines: branches, checks, publishing, conflicts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lakekit.dbt import stream
from lakekit.errors import (
    MergeConflict,
    PublishRefused,
    QueryFailed,
    RefExists,
    RefNotFound,
    RetractRefused,
    UsageError,
)
from lakekit.landing import ConfiguredCatalog

if TYPE_CHECKING:
    from pathlib import Path

    from lakekit import Lake

JANUARY = datetime(2026, 1, 31, 12, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, 9, tzinfo=UTC)


def order(id_: int, updated_at: datetime, status: str) -> dict[str, object]:
    return {"id": id_, "updated_at": updated_at, "financial_status": status}


def statuses(lake: Lake) -> dict[int, str]:
    return {
        row["id"]: row["financial_status"]
        for row in lake.sql("select id, financial_status from shopify.orders")
    }


def models(lake: Lake, **files: str) -> None:
    """Put a few models of our own in place of the project's."""
    for folder in ("assets", "tests", "macros"):
        for file in (lake.settings.dbt / folder).rglob("*"):
            if file.suffix in {".sql", ".yml"} and "generate_schema_name" not in file.read_text():
                file.unlink()
    for name, text in files.items():
        suffix = ".yml" if name.startswith("_") else ".sql"
        (lake.settings.dbt / "assets" / "core" / f"{name}{suffix}").write_text(text)


PAID = {
    "int_paid": "{{ config(materialized='table', schema='core') }} select id from shopify.orders where financial_status = 'paid'",
    "_paid": "models: [{name: int_paid, columns: [{name: id, data_tests: [not_null, unique]}]}]",
}


def test_a_branch_sees_its_own_rows_and_main_sees_none_of_them(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    with lake.branch() as work:
        work.load(
            "shopify.orders", [order(1, FEBRUARY, "paid"), order(2, FEBRUARY, "paid")], cursor="updated_at"
        )
        assert statuses(work) == {1: "paid", 2: "paid"}
        assert statuses(lake) == {1: "pending"}
        name = work.ref
    assert name not in {ref.name for ref in lake.catalog.refs()}
    assert statuses(lake) == {1: "pending"}


def test_an_older_row_never_replaces_a_newer_one(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, FEBRUARY, "paid")], cursor="updated_at")
    report = lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    assert statuses(lake) == {1: "paid"}
    assert (report.inserted, report.updated) == (0, 0)


def test_publishing_brings_tables_and_views_to_main_at_once(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    with lake.branch() as work:
        work.sql("create schema if not exists streams")
        work.sql(
            "create view streams.stg_orders as select id as order_id, financial_status from shopify.orders"
        )
        work.load("shopify.orders", [order(2, JANUARY, "refunded")], cursor="updated_at")
        assert {str(change.table): change.change for change in work.diff()} == {
            "shopify.orders": "changed",
            "streams.stg_orders": "added",
        }
        published = work.publish(unchecked=True)
    assert lake.catalog.ref(lake.ref).hash == published.hash
    # The branch and its catalog are gone: the view must read main's own table, rows landed later included.
    lake.load("shopify.orders", [order(3, JANUARY, "paid")], cursor="updated_at")
    rows = lake.sql("select order_id, financial_status from streams.stg_orders order by 1").rows()
    assert [tuple(row.values()) for row in rows] == [(1, "paid"), (2, "refunded"), (3, "paid")]


def test_a_view_on_main_read_through_a_branch_shows_the_branch(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    lake.sql("create schema if not exists streams")
    lake.sql("create view streams.stg_orders as select id as order_id from shopify.orders")
    with lake.branch() as work:
        work.load("shopify.orders", [order(2, JANUARY, "paid")], cursor="updated_at")
        assert len(work.sql("select * from streams.stg_orders")) == 2
        assert len(lake.sql("select * from streams.stg_orders")) == 1


def test_the_diff_counts_rows_and_names_columns(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    with lake.branch() as work:
        work.load("shopify.orders", [order(2, JANUARY, "paid") | {"note": "gift"}], cursor="updated_at")
        [change] = work.diff()
    assert (change.rows_before, change.rows_after, change.columns_added) == (1, 2, ("note",))


def test_a_branch_without_checks_is_not_published(lake: Lake) -> None:
    with lake.branch() as work:
        work.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
        with pytest.raises(PublishRefused, match="No check ran"):
            work.publish()
        work.publish(unchecked=True)
    assert statuses(lake) == {1: "paid"}


def test_passing_checks_let_a_branch_be_published(lake: Lake) -> None:
    models(lake, **PAID)
    lake.load(
        "shopify.orders", [order(1, JANUARY, "paid"), order(2, JANUARY, "pending")], cursor="updated_at"
    )
    with lake.branch() as work:
        report = work.build()
        assert report.checks == dict.fromkeys(report.checks, True)
        assert len(report.checks) == 2
        work.publish()
    assert lake.sql("select id from core.int_paid").rows() == [{"id": 1}]


def test_a_failed_check_keeps_a_branch_from_main_until_it_passes(lake: Lake) -> None:
    models(lake, **PAID)
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    with lake.branch() as work:
        (lake.settings.dbt / "assets" / "core" / "int_paid.sql").write_text(
            "{{ config(materialized='table', schema='core') }} select id from shopify.orders union all select id from shopify.orders"
        )
        assert not work.build().ok
        with pytest.raises(PublishRefused, match="1 of 2 checks failed"):
            work.publish()
        (lake.settings.dbt / "assets" / "core" / "int_paid.sql").write_text(PAID["int_paid"])
        assert work.build().ok
        work.publish()


def test_unit_tests_of_two_models_that_share_a_name_are_two(lake: Lake) -> None:
    one = "{{ config(materialized='table', schema='core') }} select 1 as n"
    unit_test = "{{name: it_is_one, model: {}, given: [], expect: {{rows: [{{n: {}}}]}}}}"
    tests = f"unit_tests: [{unit_test.format('int_a', 2)}, {unit_test.format('int_b', 1)}]"
    models(lake, int_a=one, int_b=one, _tests=tests)
    with lake.branch() as work:
        assert work.build().checks == {"it_is_one": False}
        work.build("int_b")  # does not speak for the other's
        with pytest.raises(PublishRefused, match=r"1 of 2 checks failed[\s\S]*int_a\.it_is_one"):
            work.publish()


def test_checks_do_not_vouch_for_what_came_after_them(lake: Lake) -> None:
    models(lake, **PAID)
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    with lake.branch() as work:
        work.build()
        work.load("shopify.orders", [order(2, JANUARY, "paid")], cursor="updated_at")
        with pytest.raises(PublishRefused, match="changed since"):
            work.publish()


def test_what_several_processes_say_of_a_branch_at_once_is_all_kept(lake: Lake) -> None:
    with lake.branch() as work:
        work.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
        with ThreadPoolExecutor(4) as steps:
            for _ in steps.map(
                lambda step: work.catalog.record_checks(work.ref, {f"check_{step}": step != 7}), range(12)
            ):
                pass
        assert work.catalog.checks(work.ref).results == {f"check_{step}": step != 7 for step in range(12)}
        with pytest.raises(PublishRefused, match="check_7"):
            work.publish()


def test_two_branches_that_change_one_table_conflict_by_name(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    with lake.branch() as first, lake.branch() as second:
        first.load("shopify.orders", [order(1, FEBRUARY, "paid")], cursor="updated_at")
        second.load("shopify.orders", [order(1, FEBRUARY, "refunded")], cursor="updated_at")
        first.publish(unchecked=True)
        with pytest.raises(MergeConflict) as caught:
            second.publish(unchecked=True)
    assert caught.value.tables == ["shopify.orders"]
    assert caught.value.ours["shopify.orders"] != caught.value.theirs["shopify.orders"]
    assert statuses(lake) == {1: "paid"}


def test_two_branches_that_change_different_tables_both_publish(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    lake.sql("create schema if not exists streams")
    lake.sql("create view streams.stg_orders as select id from shopify.orders")
    with lake.branch() as first, lake.branch() as second:
        first.load("shopify.customers", [{"id": 1, "email": "a@example.com"}])
        second.load("shopify.products", [{"id": 1, "title": "Lamp"}])
        first.publish(unchecked=True)
        second.publish(unchecked=True)
    assert len(lake.sql("select * from shopify.customers")) == 1
    assert len(lake.sql("select * from shopify.products")) == 1


def test_what_was_published_is_taken_back_and_what_came_since_stays(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    lake.sql("create schema if not exists streams")
    lake.sql("create view streams.stg_orders as select id from shopify.orders")
    with lake.branch() as work:
        work.load(
            "shopify.orders", [order(1, FEBRUARY, "paid"), order(2, FEBRUARY, "paid")], cursor="updated_at"
        )
        work.load("shopify.products", [{"id": 1, "title": "Lamp"}])
        work.sql(
            "create or replace view streams.stg_orders as select id, financial_status from shopify.orders"
        )
        published = work.publish(unchecked=True).hash
    lake.load("shopify.customers", [{"id": 1, "email": "a@example.com"}])
    assert statuses(lake) == {1: "paid", 2: "paid"}

    back = lake.retract(published[:12])

    assert lake.log(1)[0].hash == back.hash
    assert {str(table) for table in lake.log(1)[0].tables} == {
        "shopify.orders",
        "shopify.products",
        "streams.stg_orders",
    }
    assert statuses(lake) == {1: "pending"}
    assert lake.sql("select * from streams.stg_orders").rows() == [{"id": 1}]
    with pytest.raises(QueryFailed, match="products"):
        lake.sql("select * from shopify.products")
    assert len(lake.sql("select * from shopify.customers")) == 1
    # The tables are as good as new: they are written to, and the retraction itself is taken back.
    lake.load("shopify.products", [{"id": 7, "title": "Chair"}])
    with pytest.raises(RetractRefused, match=r"shopify\.products changed on '.*' since"):
        lake.retract(back.hash)
    assert lake.sql("select id from shopify.products").rows() == [{"id": 7}]
    with pytest.raises(UsageError, match="is no commit of"):
        lake.retract("abcdef0123")


def test_a_failed_statement_says_what_the_engine_said(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    with pytest.raises(QueryFailed, match="no_such_table"):
        lake.sql("select * from shopify.no_such_table")


def test_unknown_and_doubled_branches_are_named(lake: Lake) -> None:
    with pytest.raises(RefNotFound, match="nowhere"):
        lake.at("nowhere")
    with lake.branch("twice-" + lake.ref), pytest.raises(RefExists, match="twice"):
        lake.branch("twice-" + lake.ref)
    with pytest.raises(UsageError, match="cannot name a branch"):
        lake.branch("no spaces please")


def test_an_old_commit_can_be_read_by_its_hash(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    before = lake.catalog.ref(lake.ref).hash
    lake.load("shopify.orders", [order(1, FEBRUARY, "paid")], cursor="updated_at")
    assert statuses(lake.at(before)) == {1: "pending"}
    assert statuses(lake) == {1: "paid"}


def test_results_have_the_same_types_on_every_engine(lake: Lake) -> None:
    table = lake.sql(
        """
        select
            cast(1 as bigint) as n, cast('12.30' as decimal(18, 2)) as money, date '2026-01-31' as day,
            timestamp '2026-01-31 12:00:00.123456 UTC' as instant, 'x' as word, true as yes, cast(null as double) as nothing
        """
    ).arrow()
    assert table.schema.types == [
        pa.int64(),
        pa.decimal128(18, 2),
        pa.date32(),
        pa.timestamp("us", "UTC"),
        pa.string(),
        pa.bool_(),
        pa.float64(),
    ]
    assert table.to_pylist()[0]["money"] == Decimal("12.30")


def test_a_project_folder_without_settings_says_how_to_make_one(tmp_path: Path) -> None:
    from lakekit import Lake
    from lakekit.errors import ProjectError

    with pytest.raises(ProjectError, match=r"lakekit\.toml"):
        Lake.connect(tmp_path)


def test_nothing_can_be_written_at_a_commits_hash(lake: Lake) -> None:
    lake.load("shopify.orders", [order(1, JANUARY, "pending")], cursor="updated_at")
    commit = lake.at(lake.catalog.ref(lake.ref).hash)
    for write in (
        lambda: commit.load("shopify.orders", [order(2, JANUARY, "paid")]),
        lambda: commit.land("shopify", ConfiguredCatalog({}), []),
        commit.build,
    ):
        with pytest.raises(UsageError, match="is a commit"):
            write()
    with pytest.raises((UsageError, QueryFailed)):
        commit.sql("delete from shopify.orders where id = 1")
    assert statuses(commit) == statuses(lake) == {1: "pending"}


def test_a_check_that_is_no_more_does_not_block_for_ever(lake: Lake) -> None:
    models(lake, **PAID)
    lake.load("shopify.orders", [order(1, JANUARY, "paid")], cursor="updated_at")
    strict = lake.settings.dbt / "tests" / "nothing_is_paid.sql"
    strict.write_text("select id from {{ ref('int_paid') }}")
    with lake.branch() as work:
        assert not work.build().ok
        strict.unlink()
        assert work.build().ok
        work.publish()
    assert lake.sql("select id from core.int_paid").rows() == [{"id": 1}]


@pytest.mark.parametrize("lake", ["trino"], indirect=True)
def test_a_build_that_is_given_up_leaves_no_query_running_in_trino(lake: Lake) -> None:
    models(
        lake,
        int_first="{{ config(materialized='table', schema='core') }} select 1 as n",
        int_endless="""{{ config(materialized='table', schema='core') }}
            select count(*) as n from {{ ref('int_first') }}
            cross join unnest(sequence(1, 10000)) as a (x)
            cross join unnest(sequence(1, 10000)) as b (y)
            cross join unnest(sequence(1, 10000)) as c (z)
            where x * y * z % 7 = 3""",
    )
    asked = """select query_id, state, error_code from system.runtime.queries
        where query like '%sequence(1, 10000)%' and query not like '%system.runtime%'"""
    with lake.branch() as work:
        nodes = stream(lambda on_node: work.build(on_node=on_node))
        assert next(nodes)[0].name == "int_first"
        until = time.monotonic() + 60
        while "RUNNING" not in {row["state"] for row in lake.sql(asked)}:
            assert time.monotonic() < until
            time.sleep(0.1)
        nodes.close()
        assert {row["state"] for row in lake.sql(asked)} <= {"FAILED", "CANCELED"}
        # The same process builds on.
        assert work.build("int_first").ok
