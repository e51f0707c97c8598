"""Trino SQL on the embedded engine: what a person who types statements at a ref sees."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pyarrow as pa
import pytest

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.engine.duckdb import DuckDBEngine
from lakekit.engine.duckdb.statements import run_script
from lakekit.errors import QueryFailed, RefNotFound, UnsupportedSql, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    Rows = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    catalog = EmbeddedCatalog(tmp_path)
    engine = DuckDBEngine(catalog)
    for statement in (
        "create schema shopify",
        "create schema if not exists streams",
        "create table shopify.orders as select * from (values (1, 'paid'), (2, 'pending')) as t (id, status)",
    ):
        engine.execute("main", statement)
    yield engine
    engine.close()
    catalog.close()


@pytest.fixture
def rows(engine: DuckDBEngine) -> Rows:
    def rows(sql: str, ref: str = "main") -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in engine.execute(ref, sql).to_pylist()]

    return rows


@pytest.mark.parametrize(
    "name", ["shopify.orders", "lake.shopify.orders", '"lake"."shopify"."orders"', "Shopify.ORDERS"]
)
def test_a_table_goes_by_two_or_three_names(rows: Rows, name: str) -> None:
    assert rows(f"select count(*) from {name}") == [(2,)]


def test_a_cte_hides_no_table_and_is_hidden_by_none(rows: Rows) -> None:
    assert rows("with orders as (select 7 as id) select id from orders") == [(7,)]
    assert rows("with orders as (select * from shopify.orders) select count(*) from orders") == [(2,)]


def test_rows_change_through_sql(rows: Rows) -> None:
    rows("insert into shopify.orders values (3, 'paid')")
    rows("update shopify.orders set status = 'void' where id = 2")
    rows("delete from shopify.orders where id = 1")
    rows(
        """
        merge into shopify.orders t using (select 3 as id, 'late' as status union all select 4, 'new') s on t.id = s.id
        when matched then update set status = s.status
        when not matched then insert (id, status) values (s.id, s.status)
        """
    )
    assert rows("select id, status from shopify.orders order by id") == [(2, "void"), (3, "late"), (4, "new")]
    rows("alter table shopify.orders add column note varchar")
    rows("truncate table shopify.orders")
    assert rows("select id, status, note from shopify.orders") == []


def test_a_statement_without_rows_gives_a_table_without_columns(engine: DuckDBEngine) -> None:
    assert engine.execute("main", "insert into shopify.orders values (3, 'paid')") == pa.table({})


def test_what_others_commit_is_seen_by_the_next_statement(engine: DuckDBEngine, rows: Rows) -> None:
    assert rows("select count(*) from shopify.orders") == [(2,)]
    other = EmbeddedCatalog(engine.catalog.folder)
    orders = other.iceberg("main").load_table("shopify.orders")
    orders.append(pa.table({"id": pa.array([3], pa.int32()), "status": ["paid"]}))
    other.iceberg("main").create_table("shopify.new", pa.schema([("id", pa.int64())]))
    other.close()
    assert rows("select count(*) from shopify.orders") == [(3,)]
    assert rows("select count(*) from shopify.new") == [(0,)]


def test_a_view_reads_the_branch_that_it_is_read_at(engine: DuckDBEngine, rows: Rows) -> None:
    rows("create view streams.paid as select id as order_id from shopify.orders where status = 'paid'")
    rows("create view streams.counted as select count(*) as n from streams.paid")
    engine.catalog.create_branch("work")
    rows("insert into shopify.orders values (3, 'paid')", "work")
    assert (rows("select n from streams.counted", "work"), rows("select n from streams.counted")) == (
        [(2,)],
        [(1,)],
    )


def test_a_view_follows_the_views_and_tables_that_it_reads(rows: Rows) -> None:
    rows("create view streams.all_of_it as select * from shopify.orders")
    rows("create view streams.outer_view as select * from streams.all_of_it")
    rows("alter table shopify.orders add column note varchar")
    assert len(rows("select * from streams.outer_view")[0]) == 3
    rows("create or replace view streams.all_of_it as select 'other' as word")
    assert rows("select * from streams.outer_view") == [("other",)]


def test_views_are_there_for_the_next_process(engine: DuckDBEngine) -> None:
    engine.execute("main", "create view streams.paid as select id from shopify.orders where status = 'paid'")
    catalog = EmbeddedCatalog(engine.catalog.folder)
    again = DuckDBEngine(catalog)
    assert again.execute("main", "select id from streams.paid").to_pylist() == [{"id": 1}]
    again.close()
    catalog.close()


def test_a_view_that_cannot_be_read_is_not_made(engine: DuckDBEngine, rows: Rows) -> None:
    with pytest.raises(QueryFailed, match="no_such_table"):
        rows("create view streams.broken as select * from shopify.no_such_table")
    rows("create view streams.one as select 1 as a")
    rows("create view streams.two as select * from streams.one")
    with pytest.raises(QueryFailed, match="reads itself"):
        rows("create or replace view streams.one as select * from streams.two")
    with pytest.raises(QueryFailed, match="exists already"):
        rows("create view streams.one as select 2 as a")
    with pytest.raises(QueryFailed, match="is a table"):
        rows("create or replace view shopify.orders as select 2 as a")
    assert rows("select a from streams.two") == [(1,)]
    assert TableId("streams", "broken") not in engine.catalog.entries("main")


def test_replacing_a_table_is_one_commit_or_nothing(engine: DuckDBEngine, rows: Rows) -> None:
    before = engine.catalog.ref("main")
    with pytest.raises(QueryFailed):
        rows(
            "create or replace table shopify.orders as select cast(status as bigint) as n from shopify.orders"
        )
    assert engine.catalog.ref("main") == before
    rows("create or replace table shopify.orders as select id, upper(status) as shouted from shopify.orders")
    assert rows("select shouted from shopify.orders order by id") == [("PAID",), ("PENDING",)]
    newest, previous, *_ = engine.catalog.log("main")
    assert (newest.message, previous.hash) == ("change shopify.orders", before.hash)


def test_a_view_can_become_a_table(rows: Rows) -> None:
    rows("create view streams.x as select id from shopify.orders")
    rows("create or replace table streams.x as select id from streams.x")
    rows("delete from shopify.orders")
    assert len(rows("select * from streams.x")) == 2


def test_tables_are_made_once_and_dropped_by_their_kind(rows: Rows) -> None:
    rows("create table if not exists shopify.orders as select 1 as other")
    with pytest.raises(QueryFailed, match="exists already"):
        rows("create table shopify.orders as select 1 as other")
    with pytest.raises(QueryFailed, match="it is a table"):
        rows("drop view shopify.orders")
    with pytest.raises(QueryFailed, match="not empty"):
        rows("drop schema shopify")
    rows("drop table shopify.orders")
    rows("drop table if exists shopify.orders")
    rows("drop schema shopify")
    with pytest.raises(QueryFailed, match="There is no table"):
        rows("drop table shopify.orders")


def test_a_table_can_be_partitioned_and_want_values(engine: DuckDBEngine, rows: Rows) -> None:
    rows(
        "create table shopify.events (id bigint not null, at timestamp(6) with time zone, kind varchar) "
        "with (partitioning = array['day(at)', 'bucket(id, 4)', 'kind'], format = 'PARQUET')"
    )
    rows("insert into shopify.events values (1, timestamp '2026-01-31 23:30:00 UTC', 'open')")
    table = engine.catalog.iceberg("main").load_table("shopify.events")
    assert [str(field.transform) for field in table.spec().fields] == ["day", "bucket[4]", "identity"]
    assert table.schema().find_field("id").required
    assert rows("select id, kind from shopify.events") == [(1, "open")]


def test_types_that_iceberg_has_not_are_stored_as_the_next_wider_ones(
    engine: DuckDBEngine, rows: Rows
) -> None:
    rows("insert into shopify.orders values (2147483647, 'x')")
    rows(
        """
        create table shopify.types as select
            sum(cast(id as bigint)) as total, cast(1 as smallint) as small, array_agg(cast(1 as tinyint)) as list,
            cast(1.5 as decimal(18, 2)) as money
        from shopify.orders
        """
    )
    schema = engine.catalog.iceberg("main").load_table("shopify.types").schema().as_arrow()
    assert [schema.field(name).type for name in ("total", "small", "money")] == [
        pa.int64(),
        pa.int32(),
        pa.decimal128(18, 2),
    ]
    assert rows("select total, small, list, money from shopify.types") == [
        (2147483650, 1, [1, 1, 1], Decimal("1.50"))
    ]


def test_a_sum_that_no_bigint_holds_fails_instead_of_widening(engine: DuckDBEngine, rows: Rows) -> None:
    assert engine.execute("main", "select sum(cast(id as bigint)) as n from shopify.orders").schema.types == [
        pa.int64()
    ]
    with pytest.raises(QueryFailed, match="out of range"):
        rows("select sum(n) as n from (values 9223372036854775807, 9223372036854775807) as t (n)")


def test_instants_are_in_utc(engine: DuckDBEngine) -> None:
    table = engine.execute("main", "select timestamp '2026-01-31 12:00:00 America/New_York' as at")
    assert table.schema.types == [pa.timestamp("us", "UTC")]
    assert table.column(0)[0].as_py().isoformat() == "2026-01-31T17:00:00+00:00"


def test_an_old_commit_is_read_only(engine: DuckDBEngine, rows: Rows) -> None:
    commit = engine.catalog.ref("main").hash
    rows("drop table shopify.orders")
    assert rows("select count(*) from shopify.orders", commit) == [(2,)]
    for statement in (
        "delete from shopify.orders",
        "create view streams.v as select 1 as a",
        "drop schema streams",
    ):
        with pytest.raises(UsageError, match="Nothing can be changed"):
            rows(statement, commit)


@pytest.mark.parametrize(
    "statement",
    [
        "show functions",
        "comment on table shopify.orders is 'x'",
        "select * from information_schema.tables",
        "create view streams.v (a) as select 1",
        "create table shopify.t with (format = 'ORC') as select 1 as a",
        "create table shopify.t as select 1 as a with no data",
    ],
)
def test_what_it_cannot_do_it_refuses(rows: Rows, statement: str) -> None:
    with pytest.raises(UnsupportedSql):
        rows(statement)


def test_failures_say_what_failed(rows: Rows) -> None:
    with pytest.raises(QueryFailed, match="no_such_table"):
        rows("select * from shopify.no_such_table")
    with pytest.raises(QueryFailed, match="One statement at a time"):
        rows("select 1; select 2")
    with pytest.raises(QueryFailed, match="cannot be parsed"):
        rows("select (")
    with pytest.raises(RefNotFound, match="nowhere"):
        rows("select 1", "nowhere")


def test_a_python_variable_is_no_table(rows: Rows) -> None:
    secret = pa.table({"a": [1]})
    with pytest.raises(QueryFailed, match="secret"):
        rows("select * from secret")
    assert secret.num_rows == 1


def test_the_statements_of_a_script_change_rows_all_at_once_or_not_at_all(
    engine: DuckDBEngine, rows: Rows
) -> None:
    session = engine.session("main")
    before = engine.catalog.ref("main")
    with pytest.raises(QueryFailed):
        run_script(session, "delete from shopify.orders; insert into shopify.orders values ('word', 'x')")
    assert (engine.catalog.ref("main"), len(rows("select * from shopify.orders"))) == (before, 2)
    run_script(
        session, "delete from shopify.orders where id = 1; insert into shopify.orders values (3, ';');"
    )
    assert rows("select id, status from shopify.orders order by id") == [(2, "pending"), (3, ";")]
    assert engine.catalog.log("main")[1].hash == before.hash


def test_several_threads_read_and_write_at_once(engine: DuckDBEngine, rows: Rows) -> None:
    rows("create view streams.paid as select id from shopify.orders where status = 'paid'")
    failures: list[BaseException] = []

    def work(n: int) -> None:
        try:
            rows(f"create or replace table shopify.copy_{n} as select * from streams.paid")
            for _ in range(5):
                rows(f"insert into shopify.copy_{n} select id from streams.paid")
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [rows(f"select count(*) from shopify.copy_{n}") for n in range(4)] == [[(6,)]] * 4


def test_the_endpoint_answers_only_to_its_own_token(engine: DuckDBEngine) -> None:
    url = f"{engine.session('main').endpoint.url('main')}/v1/namespaces"
    for token in ("", "Bearer guessed"):
        with pytest.raises(HTTPError, match="401"):
            urlopen(Request(url, headers={"Authorization": token}))
    with urlopen(
        Request(url, headers={"Authorization": f"Bearer {engine.session('main').endpoint.token}"})
    ) as answer:
        assert "shopify" in answer.read().decode()
