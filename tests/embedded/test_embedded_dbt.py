"""dbt on the embedded engine: a small project, built through dbt's own runner."""

from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING

import pytest

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.dbt import build
from lakekit.engine.duckdb import DuckDBEngine
from lakekit.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from lakekit.dbt import BuildReport

    Rows = Callable[..., list[tuple[Any, ...]]]

PROJECT = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
""",
    "profiles.yml": """
shop:
  target: embedded
  outputs:
    embedded:
      type: lakekit
      path: "{{ env_var('LAKEKIT_LAKE') }}"
      schema: shop
      threads: 2
""",
    "models/sources.yml": """
sources:
  - name: shopify
    tables: [{name: orders}]
""",
    "models/stg_orders.sql": """
select id as order_id, status, cast(amount as decimal(18, 2)) as amount, updated_at
from {{ source('shopify', 'orders') }}
""",
    "models/int_orders.sql": """
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id') }}
select order_id, status, amount, updated_at from {{ ref('stg_orders') }}
{% if is_incremental() %}
where updated_at > (select max(updated_at) from {{ this }})
{% endif %}
""",
    "models/fct_sales.sql": """
{{ config(materialized='table') }}
select status, count(*) as orders, sum(amount) as amount from {{ ref('int_orders') }} group by status
""",
    "models/schema.yml": """
models:
  - name: int_orders
    columns:
      - name: order_id
        data_tests: [unique, not_null]
      - name: status
        data_tests:
          - accepted_values: {arguments: {values: [paid, pending]}}
  - name: fct_sales
    columns:
      - name: status
        data_tests: [unique]
unit_tests:
  - name: sales_are_summed_by_status
    model: fct_sales
    given:
      - input: ref('int_orders')
        rows:
          - {order_id: 1, status: paid, amount: 1.50}
          - {order_id: 2, status: paid, amount: 2.50}
    expect:
      rows:
        - {status: paid, orders: 2, amount: 4.00}
""",
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    catalog = EmbeddedCatalog(tmp_path / "lake")
    engine = DuckDBEngine(catalog)
    engine.execute("main", "create schema shopify")
    engine.execute(
        "main",
        """
        create table shopify.orders as
        select * from (values
            (1, 'paid', '10.50', timestamp '2026-01-01 00:00:00 UTC'),
            (2, 'pending', '5.25', timestamp '2026-01-01 00:00:00 UTC')
        ) as t (id, status, amount, updated_at)
        """,
    )
    yield engine
    engine.close()
    catalog.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    for name, text in PROJECT.items():
        write(project, name, text)
    return project


@pytest.fixture
def rows(engine: DuckDBEngine) -> Rows:
    def rows(sql: str, ref: str = "main") -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in engine.execute(ref, sql).to_pylist()]

    return rows


def write(project: Path, name: str, text: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(text, encoding="utf-8")


def run(
    engine: DuckDBEngine, project: Path, select: str = "", ref: str = "main", **options: bool
) -> BuildReport:
    return build(project, engine.dbt_target(ref), select, **options)


def built(
    engine: DuckDBEngine, project: Path, select: str = "", ref: str = "main", **options: bool
) -> BuildReport:
    report = run(engine, project, select, ref, **options)
    assert report.ok, "\n".join(f"{node.name}: {node.message}" for node in report.failures)
    return report


def test_a_project_is_built_and_tested(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    engine.catalog.iceberg("main").create_namespace("shop")
    built(engine, project, "stg_orders int_orders", full_refresh=True)
    report = built(engine, project)
    assert len(report.checks) == 5
    assert rows("select status, orders, cast(amount as varchar) from shop.fct_sales order by status") == [
        ("paid", 1, "10.50"),
        ("pending", 1, "5.25"),
    ]
    kinds = {table.name: entry.kind for table, entry in engine.catalog.entries("main").items()}
    assert kinds == {"orders": "table", "stg_orders": "view", "int_orders": "table", "fct_sales": "table"}


def test_an_incremental_model_merges_what_is_new(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    built(engine, project, "+int_orders")
    rows("delete from shopify.orders where id = 2")
    rows("insert into shopify.orders values (1, 'pending', '11', timestamp '2026-02-01 00:00:00 UTC')")
    rows("insert into shopify.orders values (3, 'paid', '1', timestamp '2026-02-01 00:00:00 UTC')")
    built(engine, project, "int_orders")
    stored = "select order_id, status from shop.int_orders order by order_id"
    assert rows("select count(*) from shop.int_orders where order_id = 1") == [(1,)]
    assert rows(stored)[1:] == [(2, "pending"), (3, "paid")]


@pytest.mark.parametrize("strategy", ["append", "delete+insert"])
def test_other_strategies(engine: DuckDBEngine, project: Path, rows: Rows, strategy: str) -> None:
    model = PROJECT["models/int_orders.sql"].replace("'merge'", f"'{strategy}'")
    write(project, "models/int_orders.sql", model)
    built(engine, project, "stg_orders")
    built(engine, project, "int_orders", full_refresh=True)
    rows("insert into shopify.orders values (2, 'paid', '5.25', timestamp '2026-02-01 00:00:00 UTC')")
    run(engine, project, "int_orders")
    assert rows("select status from shop.int_orders where order_id = 2 order by status") == (
        [("paid",), ("pending",)] if strategy == "append" else [("paid",)]
    )


def test_a_strategy_of_a_project_is_a_macro_in_trino_sql(
    engine: DuckDBEngine, project: Path, rows: Rows
) -> None:
    write(project, "models/int_orders.sql", PROJECT["models/int_orders.sql"].replace("'merge'", "'only_new'"))
    write(
        project,
        "macros/only_new.sql",
        """
        {% macro get_incremental_only_new_sql(arguments) %}
          insert into {{ arguments.target_relation }}
          select b.* from {{ arguments.temp_relation }} b
          where not exists (select 1 from {{ arguments.target_relation }} t where t.order_id = b.order_id)
        {% endmacro %}
        """,
    )
    built(engine, project, "+int_orders")
    rows("insert into shopify.orders values (2, 'paid', '7', timestamp '2026-02-01 00:00:00 UTC')")
    rows("insert into shopify.orders values (3, 'paid', '7', timestamp '2026-02-01 00:00:00 UTC')")
    run(engine, project, "int_orders")
    assert rows("select order_id, status from shop.int_orders order by 1") == [
        (1, "paid"),
        (2, "pending"),
        (3, "paid"),
    ]


def test_a_new_column_is_added_where_the_model_says_so(
    engine: DuckDBEngine, project: Path, rows: Rows
) -> None:
    write(
        project,
        "models/int_orders.sql",
        PROJECT["models/int_orders.sql"].replace(
            "unique_key", "on_schema_change='append_new_columns', unique_key"
        ),
    )
    built(engine, project, "+int_orders")
    widened = PROJECT["models/int_orders.sql"].replace(
        "unique_key", "on_schema_change='append_new_columns', unique_key"
    )
    write(
        project,
        "models/int_orders.sql",
        widened.replace("updated_at from", "updated_at, upper(status) as shouted from"),
    )
    rows("insert into shopify.orders values (3, 'paid', '1', timestamp '2026-02-01 00:00:00 UTC')")
    built(engine, project, "int_orders")
    assert rows("select order_id, shouted from shop.int_orders order by 1") == [
        (1, None),
        (2, None),
        (3, "PAID"),
    ]


def test_a_failing_model_leaves_its_table_as_it_was(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    write(project, "models/schema.yml", "models: []")
    built(engine, project)
    before = engine.catalog.entries("main")[TableId("shop", "fct_sales")]
    write(
        project,
        "models/fct_sales.sql",
        "{{ config(materialized='table') }} select cast(status as bigint) as orders, status from {{ ref('int_orders') }}",
    )
    report = run(engine, project, "fct_sales")
    assert [(node.name, node.status) for node in report.nodes] == [("fct_sales", "error")]
    assert engine.catalog.entries("main")[TableId("shop", "fct_sales")] == before


def test_a_branch_is_built_apart_from_main(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    engine.catalog.create_branch("work")
    built(engine, project, "+int_orders", ref="work")
    assert engine.catalog.entries("main").keys() == {TableId("shopify", "orders")}
    engine.catalog.merge("work")
    rows("insert into shopify.orders values (3, 'paid', '1', timestamp '2026-02-01 00:00:00 UTC')")
    assert (rows("select count(*) from shop.stg_orders"), rows("select count(*) from shop.int_orders")) == (
        [(3,)],
        [(2,)],
    )


def test_building_again_without_news_changes_no_view(engine: DuckDBEngine, project: Path) -> None:
    built(engine, project, "stg_orders")
    before = engine.catalog.ref("main")
    built(engine, project, "stg_orders")
    assert engine.catalog.ref("main") == before


def test_a_failed_check_is_told(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    rows("insert into shopify.orders values (3, 'lost', '1', timestamp '2026-02-01 00:00:00 UTC')")
    report = run(engine, project, "+int_orders")
    assert [node.name for node in report.failures] == ["accepted_values_int_orders_status__paid__pending"]


def test_a_seed_is_a_table(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    write(project, "seeds/countries.csv", "code,name,rate,since\nDE,Germany,0.19,2007-01-01\nNO,Norway,,\n")
    write(
        project,
        "seeds/seeds.yml",
        "seeds: [{name: countries, config: {column_types: {rate: 'decimal(18, 2)'}}}]",
    )
    for _ in range(2):
        built(engine, project, "countries")
    assert rows(
        "select code, name, cast(rate as varchar), cast(since as varchar) from shop.countries order by 1"
    ) == [
        ("DE", "Germany", "0.19", "2007-01-01"),
        ("NO", "Norway", None, None),
    ]


def test_a_contract_is_held(engine: DuckDBEngine, project: Path) -> None:
    write(
        project,
        "models/contract.yml",
        """
models:
  - name: kept
    config: {materialized: table, contract: {enforced: true}}
    columns: [{name: n, data_type: bigint}, {name: at, data_type: timestamp(6) with time zone}]
""",
    )
    write(
        project, "models/kept.sql", "select cast(1 as bigint) as n, timestamp '2026-01-01 00:00:00 UTC' as at"
    )
    built(engine, project, "kept")
    write(project, "models/kept.sql", "select 'x' as n, timestamp '2026-01-01 00:00:00 UTC' as at")
    [node] = run(engine, project, "kept").nodes
    assert "contract" in node.message


def test_an_unknown_ref_fails_the_build(engine: DuckDBEngine, project: Path) -> None:
    target = engine.dbt_target("main")
    with pytest.raises(BuildFailed, match="nowhere"):
        build(project, type(target)(target.name, {**target.env, "LAKEKIT_REF": "nowhere"}))


SNAPSHOTS = """
snapshots:
  - name: orders_by_time
    relation: ref('stg_orders')
    config: {unique_key: order_id, strategy: timestamp, updated_at: updated_at, hard_deletes: invalidate}
  - name: orders_by_check
    relation: ref('stg_orders')
    config: {unique_key: [order_id, amount], strategy: check, check_cols: [status], hard_deletes: new_record}
"""


def test_a_snapshot_keeps_what_was(engine: DuckDBEngine, project: Path, rows: Rows) -> None:
    write(project, "snapshots/orders.yml", SNAPSHOTS)
    select = "stg_orders orders_by_time orders_by_check"
    history = "select order_id, status, dbt_valid_to is null as is_current{} from shop.{} order by 1, dbt_valid_from"
    built(engine, project, select)
    built(engine, project, select)
    assert rows(history.format("", "orders_by_time")) == [(1, "paid", True), (2, "pending", True)]
    first, _ = rows("select dbt_scd_id from shop.orders_by_time order by order_id")
    # As dbt-trino's, of "1|2026-01-01 00:00:00.000000 UTC".
    assert first == (md5(b"1|2026-01-01 00:00:00.000000 UTC").hexdigest(),)

    engine.execute(
        "main",
        "update shopify.orders set status = 'paid', updated_at = timestamp '2026-01-02 00:00:00 UTC' where id = 2",
    )
    engine.execute("main", "delete from shopify.orders where id = 1")
    built(engine, project, select)
    assert rows(history.format("", "orders_by_time")) == [
        (1, "paid", False),
        (2, "pending", False),
        (2, "paid", True),
    ]
    assert rows(history.format(", dbt_is_deleted", "orders_by_check")) == [
        (1, "paid", False, "False"),
        (1, "paid", True, "True"),
        (2, "pending", False, "False"),
        (2, "paid", True, "False"),
    ]
    built(engine, project, select)
    assert rows("select count(*) from shop.orders_by_time") == [(3,)]
    assert rows("select count(*) from shop.orders_by_check") == [(4,)]
