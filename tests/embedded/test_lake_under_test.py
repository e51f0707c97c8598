"""What a test of models can do to its lake, and what it is told: given, build, expect."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lakekit.errors import BuildFailed, LakekitError, UsageError
from lakekit.scaffold import new

from ..sessions import SHOP, model, project_of, worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.testing.lake import BuildUnderTest, LakeUnderTest

    from ..sessions import Worker


MORE = {
    # A view over a table, and a mart over that view: a change has to come through.
    **model("int_paid", "select order_id, amount from {{ ref('int_orders') }} where status = 'paid'"),
    **model("fct_paid", "{{ config(materialized='table') }} select count(*) as n, sum(amount) as amount from {{ ref('int_paid') }}"),
    **model("once", "{{ config(materialized='ephemeral') }} select 1 as n"),
    **model("dated", "{{ config(materialized='table') }} select current_date as today, current_timestamp as at from {{ ref('once') }}"),
    **model(
        "shapes",
        """{{ config(materialized='table') }}
        select cast(array[1] as array(bigint)) as a, map(array['k'], array[cast(1 as decimal(10, 2))]) as m,
            cast(row(1, array['x']) as row(n bigint, s array(varchar))) as r, cast(1 as decimal(38, 10)) as d,
            timestamp '2026-01-01 00:00:00 UTC' as z, timestamp '2026-01-01 00:00:00' as t, date '2026-01-01' as day,
            cast(0.5 as double) as f, true as b, cast(null as varchar) as v, to_utf8('x') as bin
        """,
    ),
    **model("over_shapes", "select a, m, r, d, z, t, day, f, b, v, bin from {{ ref('shapes') }}"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    project = project_of(tmp_path_factory.mktemp("shop") / "shop", SHOP | MORE)
    with worker(project) as one:
        yield one


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with worker(new(tmp_path_factory.mktemp("template") / "shop", engine="embedded")) as one:
        yield one


@pytest.fixture
def lake(shop: Worker, request: pytest.FixtureRequest, tmp_path: Path) -> LakeUnderTest:
    return shop.lake(name=request.node.name, file=tmp_path / "test_shop.py")


def names(report: BuildUnderTest) -> list[str]:
    return [node.name for node in report.nodes]


def refused(lake: LakeUnderTest, table: str, rows: Any, **how: Any) -> str:
    with pytest.raises(LakekitError) as error:
        lake.given(table, rows, **how)
    return str(error.value)


# Given.


def test_a_later_sync_says_again_what_it_leaves_out(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": 1, "status": "open", "amount": "30.00"}, {"id": 2, "amount": 5}])
    lake.given("shopify.orders", [{"id": 1, "status": "paid"}])
    lake.given("shopify.orders", [{"id": 1, "amount": None}, {"id": "2", "status": "open"}])
    lake.expect(
        "shopify.orders",
        [
            {"id": 1, "status": "paid", "amount": None, "updated_at": "2026-01-01T00:02:00Z"},
            {"id": 2, "status": "open", "amount": 5, "updated_at": "2026-01-01T00:02:00Z"},
        ],
        key=["id"],
    )


def test_a_record_that_is_older_than_what_stands_changes_nothing(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": 1, "status": "paid", "updated_at": "2026-03-01T00:00:00Z"}])
    lake.given("shopify.orders", [{"id": 1, "status": "late", "updated_at": "2026-02-01T00:00:00Z"}])
    lake.expect("shopify.orders", [{"id": 1, "status": "paid"}])


def test_a_tombstone_says_nothing_but_that_a_record_is_gone(template: Worker) -> None:
    lake = template.lake()
    lake.given("shopify.orders", [{"id": 1, "email": "a@b.c", "line_items": []}])
    lake.build("int_shopify__orders")
    lake.expect("int_shopify__orders", [{"order_id": 1, "is_deleted": False}])
    lake.given("shopify.orders", [{"id": 1, "deleted_at": "2026-01-02T00:00:00Z"}])
    lake.expect("shopify.orders", [{"id": 1, "email": "a@b.c", "deleted_at": "2026-01-02T00:00:00Z"}])
    lake.build("int_shopify__orders")
    lake.expect("int_shopify__orders", [{"order_id": 1, "is_deleted": True, "email": "a@b.c"}])


def test_the_clock_is_seen_by_syncs_models_and_queries(lake: LakeUnderTest) -> None:
    lake.now = "2026-05-05T23:30:00+02:00"
    lake.given("shopify.orders", [{"id": 1}])
    lake.build("dated")
    lake.expect("dated", [{"today": "2026-05-05", "at": "2026-05-05T21:30:00Z"}])
    lake.expect("shopify.orders", [{"updated_at": "2026-05-05T21:30:00Z"}])
    assert lake.sql("select current_date as d, 'current_date' as s").rows() == [
        {"d": date(2026, 5, 5), "s": "current_date"}
    ]
    with lake.branch() as work:
        assert work.now == datetime(2026, 5, 5, 21, 30, tzinfo=UTC)
    lake.now = date(2026, 6, 1)
    lake.build("dated")  # what was recorded at one time is played at another
    lake.expect("dated", [{"today": "2026-06-01"}])
    lake.now = None
    lake.build("dated")
    assert lake.rows("dated")[0]["today"] > date(2026, 6, 1)
    with pytest.raises(UsageError, match="The clock cannot be stopped at 'noon'"):
        lake.now = "noon"


@pytest.mark.parametrize(
    ("table", "row", "told"),
    [
        ("shopify.orders", {"id": 1, "statsu": "x"}, ["Row 1 of shopify.orders", "'statsu'", "did you mean 'status'?"]),
        ("shopify.orders", {"id": 1, "amount": "many"}, ["Row 1 of shopify.orders", "'many'", "'amount'"]),
        ("shopify.orders", {"id": "one"}, ["'one'", "'id'"]),
        ("shopify.orders", {"status": "x"}, ["The key 'id' is missing in Row 1 of shopify.orders"]),
        ("shopify.order", {"id": 1}, ["no schema reference of 'shopify.order'", "shopify.orders"]),
        ("int_order", {"order_id": 1}, ["There is no model 'int_order'", "int_orders"]),
        ("int_orders", {"order_id": 1, "totl": 1}, ["Row 1 of int_orders", "'totl'"]),
        ("int_orders", {"order_id": 1, "amount": "1.005"}, ["Row 1 of int_orders", "1.005", "decimal(18,2)"]),
        ("once", {"n": 1}, ["once is ephemeral", "give what it reads"]),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_refused_and_leaves_no_trace(
    lake: LakeUnderTest, table: str, row: dict[str, Any], told: list[str]
) -> None:
    lake.given("shopify.orders", [{"id": 7, "status": "old"}])
    message = refused(lake, table, [row])
    assert [part for part in told if part not in message] == []
    if table == "shopify.orders":
        refused(lake, table, [{"id": 7, "status": "new"}, row], new_columns={"channel": "string"})
    lake.given("shopify.orders", [{"id": 7, "amount": 1}])
    lake.build("int_orders")
    lake.expect("int_orders", [{"order_id": 7, "status": "old", "amount": 1}])
    assert "channel" not in lake.columns("shopify.orders")
    assert lake.branches == set()


def test_new_columns_belong_to_sources(lake: LakeUnderTest) -> None:
    assert "its columns are its SQL's" in refused(lake, "int_orders", [], new_columns={"x": "string"})
    lake.given(
        "shopify.orders",
        [{"id": 1, "tags": ["a"]}],
        new_columns={"tags": {"type": "array", "items": {"type": "string"}}},
    )
    lake.given("shopify.orders", [{"id": 1, "channel": "web"}], new_columns={"channel": "string"})
    found = lake.sql("select channel, tags is null as none from shopify.orders").rows()
    assert found == [{"channel": "web", "none": False}]


def test_a_model_that_is_given_holds_just_these_rows_and_what_it_reads_is_not_built(
    lake: LakeUnderTest,
) -> None:
    lake.given("int_orders", [{"order_id": 1, "status": "paid", "amount": "2.50"}, {"order_id": 2}])
    assert names(lake.build("fct_sales")) == ["fct_sales"]
    lake.expect("fct_sales", [{"status": "paid", "orders": 1, "amount": Decimal("2.50")}])
    lake.given("int_orders", [])
    lake.build("fct_sales")
    lake.expect("fct_sales", [])
    # Built by name, it is its own again.
    lake.given("shopify.orders", [{"id": 3, "status": "open", "amount": 1}])
    assert names(lake.build("int_orders fct_sales")) == ["stg_orders", "int_orders", "fct_sales"]


def test_a_view_that_is_given_is_a_table_until_it_is_built(lake: LakeUnderTest) -> None:
    lake.given("stg_orders", [{"order_id": 1, "status": "paid", "amount": 1}])
    lake.build("int_orders")
    lake.expect("int_orders", [{"order_id": 1}])
    lake.given("shopify.orders", [{"id": 2, "status": "open"}])
    assert names(lake.build("int_orders")) == ["int_orders"]
    lake.expect("int_orders", [{"order_id": 1}])
    lake.build("stg_orders")
    lake.expect("stg_orders", [{"order_id": 2}])
    assert {entry.id.name: entry.kind for entry in lake.catalog.entries(lake.ref).values()}[
        "stg_orders"
    ] == "view"


SHAPES = {
    "a": [1, None, 3],
    "m": {"k": "1.50", "l": None},
    "r": {"n": 1, "s": ["x", None]},
    "d": "1234567890123456789012345678.0123456789",
    "z": "2026-03-29T02:30:00.123456+02:00",
    "t": "2026-01-01T00:00:00.5",
    "day": "1969-12-31",
    "f": float("inf"),
    "b": False,
    "v": "",
}


@pytest.mark.parametrize("rows", [[], [{}], [dict.fromkeys(SHAPES)], [SHAPES], [SHAPES, {}]], ids=len)
def test_every_type_is_kept_from_given_to_expect(lake: LakeUnderTest, rows: list[dict[str, Any]]) -> None:
    lake.build("shapes over_shapes")
    types = lake.sql("select * from shop.shapes limit 0").arrow().schema
    lake.given("shapes", rows)
    lake.build("over_shapes")
    for table in ("shapes", "over_shapes"):
        assert lake.sql(f"select * from shop.{table}").arrow().schema == types
        lake.expect(table, [dict.fromkeys([*SHAPES, "bin"]) | row for row in rows])
    if rows[:1] == [SHAPES]:
        [found] = lake.sql("select a, m, r, d, z, t from shop.over_shapes where b is not null").rows()
        assert found["a"] == [1, None, 3]
        assert dict(found["m"]) == {"k": Decimal("1.50"), "l": None}
        assert found["r"] == {"n": 1, "s": ["x", None]}
        assert found["d"] == Decimal(SHAPES["d"])  # type: ignore[arg-type]
        assert found["z"] == datetime(2026, 3, 29, 0, 30, 0, 123456, tzinfo=UTC)
        with pytest.raises(AssertionError, match="over_shapes"):
            lake.expect(
                "over_shapes", [{"r": {"n": 1, "s": ["y", None]}, "b": False}], key=["b"], partial=True
            )


# Build.


def test_only_what_is_needed_is_built(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": 1, "status": "paid", "amount": 1}])
    assert names(lake.build("fct_sales")) == ["stg_orders", "int_orders", "fct_sales"]
    assert names(lake.build("fct_sales")) == ["fct_sales"]
    assert names(lake.build("stg_orders")) == ["stg_orders"]
    lake.given("shopify.orders", [{"id": 2, "status": "paid", "amount": 1}])
    assert names(lake.build("fct_sales")) == ["int_orders", "fct_sales"]
    assert names(lake.build("int_orders+", exclude="fct_sales")) == ["int_orders", "int_paid", "fct_paid"]
    lake.given("shopify.orders", [{"id": 2, "channel": "x"}], new_columns={"channel": "string"})
    assert names(lake.build("int_orders")) == ["stg_orders", "int_orders"]
    lake.sql("delete from shopify.orders where id = 1")
    assert "int_orders" in names(lake.build("fct_sales", full_refresh=True))
    with pytest.raises(UsageError, match="the nearest are fct_sales"):
        lake.build("fct_sale")
    with pytest.raises(UsageError, match="There is no model"):
        lake.build(exclude="fct_sale")


def test_a_view_between_tables_hides_no_change(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": 1, "status": "paid", "amount": 2}])
    assert names(lake.build("fct_paid")) == ["stg_orders", "int_orders", "int_paid", "fct_paid"]
    lake.given("shopify.orders", [{"id": 2, "status": "paid", "amount": 3}])
    assert names(lake.build("fct_paid")) == ["int_orders", "fct_paid"]
    lake.expect("fct_paid", [{"n": 2, "amount": 5}])
    lake.given("int_paid", [{"order_id": 9, "amount": 1}])
    assert names(lake.build("fct_paid")) == ["fct_paid"]
    lake.expect("fct_paid", [{"n": 1, "amount": 1}])


def test_what_statements_and_landings_change_is_built_anew(lake: LakeUnderTest) -> None:
    lake.load(
        "shopify.orders", [{"id": 1, "status": "paid", "amount": 2.5, "updated_at": "2026-01-01T00:00:00Z"}]
    )
    lake.build("fct_sales")
    lake.load(
        "shopify.orders", [{"id": 2, "status": "open", "amount": 2.5, "updated_at": "2026-01-01T00:00:00Z"}]
    )
    lake.sql("delete from shopify.orders where id = 1")
    lake.sql("drop table shop.int_orders")
    lake.build("fct_sales")
    lake.expect("fct_sales", [{"status": "open", "orders": 1}])


def test_a_source_that_was_not_given_is_empty_and_typed(template: Worker) -> None:
    lake = template.lake()
    report = lake.build("fct_daily_sales dim_customers")
    assert len(report.nodes) == 9
    assert lake.rows("fct_daily_sales") == []
    typed = lake.sql("select * from marts.fct_daily_sales").arrow().schema
    assert (typed.field("net_sales").type, typed.field("sales_date").type) == (
        pa.decimal128(18, 2),
        pa.date32(),
    )


def test_a_build_tells_what_it_cost(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": n, "status": "paid", "amount": n} for n in range(20)])
    first = lake.build("int_orders").costs["int_orders"]
    assert (first.rows_written, first.statements) == (20, 1)
    with pytest.raises(UsageError, match=r"lake\.measures_bytes = True"):
        _ = first.bytes_read
    lake.given("shopify.orders", [{"id": 3, "amount": 100}])
    second = lake.build("int_orders").costs["int_orders"]
    assert second.rows_written == 1
    assert second.statements > 1
    assert second.seconds > 0
    again = lake.build("int_orders").costs["int_orders"]
    assert again.rows_written == 0
    assert lake.build("stg_orders").costs["stg_orders"].rows_written == 0


def test_what_a_build_read_is_measured_for_those_who_ask(lake: LakeUnderTest) -> None:
    def written_down() -> int:
        with lake.engine.session(lake.ref).cursor() as cursor:  # type: ignore[attr-defined]
            return len(cursor.execute("from duckdb_logs").fetchall())

    lake.given("shopify.orders", [{"id": n, "status": "paid", "amount": n} for n in range(20)])
    lake.build("int_orders")
    lake.measures_bytes = True
    with lake.branch() as work:
        assert work.build("fct_sales", full_refresh=True).costs["fct_sales"].bytes_read > 0
    first, second = (
        lake.build("int_orders", full_refresh=True).costs["int_orders"].bytes_read for _ in range(2)
    )
    assert 0 < second < 1.5 * first  # of what one build read the next one's count has nothing
    lake.sql("select * from shop.int_orders").rows()
    assert written_down() == 0


def test_building_again_writes_nothing(template: Worker) -> None:
    lake = template.lake()
    lake.given("shopify.orders", [{"id": 1, "line_items": [{"id": 1, "quantity": 2}]}])
    lake.build("int_shopify__orders")
    before = lake.catalog.entries(lake.ref)
    costs = lake.build("int_shopify__order_lines int_shopify__orders").costs
    assert {name: cost.rows_written for name, cost in costs.items()} == {
        "int_shopify__order_lines": 0,
        "int_shopify__orders": 0,
    }
    assert {table: entry.kind for table, entry in before.items()} == {
        table: entry.kind for table, entry in lake.catalog.entries(lake.ref).items()
    }


def test_a_model_that_fails_says_why_and_can_be_built_when_its_rows_are_mended(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": 1, "status": "paid", "amount": 1}])
    lake.build("fct_sales")
    before = lake.rows("fct_sales")
    lake.sql("drop table shop.int_orders")
    lake.sql("create table shop.int_orders as select 'paid' as status, 'much' as amount")
    lake.story.given.add("int_orders")
    with pytest.raises(BuildFailed) as error:
        lake.build("fct_sales")
    assert str(error.value).startswith(
        "fct_sales could not be built.\n  why: Database Error in model fct_sales"
    )
    assert "models/fct_sales.sql" in str(error.value)
    assert lake.rows("fct_sales") == before
    lake.given("int_orders", [])
    lake.sql("drop table shop.int_orders")
    lake.build("int_orders fct_sales")
    lake.expect("fct_sales", before)


# Expect.


def test_what_differs_is_told(lake: LakeUnderTest) -> None:
    lake.given("int_orders", [{"order_id": 1, "status": "paid", "amount": "10.00"}, {"order_id": 2}])
    with pytest.raises(AssertionError) as error:
        lake.expect("int_orders", [{"order_id": 1, "amount": 11}, {"order_id": 3, "amount": None}])
    message = str(error.value)
    assert message.startswith("int_orders is not what was expected")
    assert all(part in message for part in ("10.00", "11", "order_id"))
    lake.expect("int_orders", [{"order_id": 1, "amount": "10.4"}], partial=True, tolerance={"amount": 0.5})
    lake.expect("shop.int_orders", [{"order_id": 2}, {"order_id": 1}])
    for table, told in [
        ("fct_sales", "build it first"),
        ("shop.nothing", "is not there"),
        ("int_order", "int_orders"),
    ]:
        with pytest.raises(UsageError, match=told):
            lake.expect(table, [{"n": 1}])
    with pytest.raises(UsageError, match="did you mean 'amount'"):
        lake.expect("int_orders", [{"amont": 1}])


def test_a_snapshot_is_written_when_asked_and_compared_with(shop: Worker, tmp_path: Path) -> None:
    place = {"file": tmp_path / "test_shop.py", "name": "test_it"}

    def told(amount: int, **how: Any) -> LakeUnderTest:
        lake = shop.lake(**place, **how)
        lake.given("int_orders", [{"order_id": 2, "amount": amount}, {"order_id": 1, "status": "paid"}])
        return lake

    with pytest.raises(UsageError, match="--lake-update"):
        told(1).expect_snapshot("int_orders")
    told(1, update=True).expect_snapshot("int_orders")
    file = tmp_path / "__snapshots__/test_shop/test_it.int_orders.json"
    assert [line.partition(",")[0] for line in file.read_text().splitlines()[1:3]] == [
        '{"order_id": 1',
        '{"order_id": 2',
    ]
    told(1).expect_snapshot("int_orders")
    with pytest.raises(AssertionError, match="amount"):
        told(2).expect_snapshot("int_orders")


# Branches.


def test_a_branch_is_apart_until_it_is_published(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [{"id": 1, "status": "paid", "amount": 1}])
    lake.build("fct_sales")
    with lake.branch() as work:
        work.given("shopify.orders", [{"id": 2, "status": "open", "amount": 1}])
        assert names(work.build("fct_sales")) == ["int_orders", "fct_sales"]
        lake.expect("fct_sales", [{"status": "paid"}])
        assert {str(change.table) for change in work.diff()} == {
            "shopify.orders", "shop.int_orders", "shop.fct_sales",
        }  # fmt: skip
        work.publish(unchecked=True)
    lake.expect("fct_sales", [{"status": "paid"}, {"status": "open"}])
    # What was said on the branch counts on: it is carried over, and nothing needs to be built again.
    lake.given("shopify.orders", [{"id": 2, "amount": 9}])
    lake.build("int_orders")
    lake.expect(
        "int_orders", [{"order_id": 1, "status": "paid"}, {"order_id": 2, "status": "open", "amount": 9}]
    )


def test_branches_that_are_left_are_deleted_those_of_branches_too(shop: Worker) -> None:
    lake = shop.lake()
    refs = {ref.name for ref in lake.catalog.refs()}
    left = lake.branch("left")
    left.branch("of-left")
    with left.branch("gone"):
        pass
    assert shop.session.give_back(lake) == ["left", "of-left"]
    assert {ref.name for ref in lake.catalog.refs()} == refs


def test_what_the_session_s_lake_holds_every_test_starts_from(tmp_path: Path) -> None:
    project = project_of(tmp_path / "shop", SHOP)
    with worker(project) as one:
        main = one.session.main
        main.given("shopify.orders", [{"id": 1, "status": "paid", "amount": 1}])
        main.build("fct_sales")
        for n in range(2):
            lake = one.lake()
            lake.given("shopify.orders", [{"id": 2, "status": "open", "amount": 1}])
            assert names(lake.build("fct_sales")) == ["int_orders", "fct_sales"]
            assert len(lake.rows("fct_sales")) == 2, n
        main.expect("fct_sales", [{"status": "paid"}])
        main.sql("create table shop.more as select 1 as n")
        assert one.lake().rows("shop.more") == [{"n": 1}]
