"""What `lakekit cube` writes, compiled and served by Cube: an answer by day is the mart's, to the cent, on both engines."""

from __future__ import annotations

import json
import os
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner, Result

from lakekit import Lake
from lakekit.cli import main
from lakekit.demo.shop import Shop
from lakekit.engine.duckdb import DuckDBEngine

from ..cube_server import Client, Refused, compile_model, serving
from ..landing import land

if TYPE_CHECKING:
    from datetime import date

SALES = ("sum_orders", "sum_gross_sales", "sum_net_sales")


@pytest.fixture
def shop(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A published shop with a mart of its own, that refers to another, and one that not everyone may see all of."""
    marts = lake.settings.dbt / "assets/marts"
    (marts / "fct_orders.sql").write_text(
        "select order_id, customer_id, order_date, currency, units, total_amount\n"
        'from {{ ref("int_shopify__orders") }}\nwhere is_sale\n'
    )
    (marts / "_orders.yml").write_text(
        dedent(
            r"""
            models:
              - name: fct_orders
                description: |
                  Sales: "one row" each, {braces} and {{ "{{ more }}" }}, C:\new,
                  on two lines.
                columns:
                  - name: order_id
                    data_tests: [unique, not_null]
                  - name: customer_id
                    description: "#1, who bought: 'them'"
                    data_tests:
                      - relationships: {arguments: {to: ref('dim_customers'), field: customer_id}}
            """
        )
    )
    properties = marts / "_marts.yml"
    said = yaml.safe_load(properties.read_text())
    policy = [{"group": "*", "member_level": {"excludes": ["vendor"]}}]
    products = next(one for one in said["models"] if one["name"] == "dim_products")
    products["config"] = {"meta": {"cube": {"access_policy": policy}}}
    properties.write_text(yaml.safe_dump(said))
    fill(lake)
    monkeypatch.chdir(lake.settings.project)
    return lake


def fill(lake: Lake) -> None:
    land(lake, Shop(seed=7, orders=120), 1)
    with lake.branch() as work:
        assert work.build().ok
        work.publish()


def cube(lake: Lake, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["cube", "--ref", lake.ref, *arguments])


def variables(lake: Lake) -> dict[str, str]:
    """Where a Cube finds the lake's data."""
    if lake.settings.engine == "embedded":
        database = lake.settings.project / "cube/lake.duckdb"
        return {"CUBEJS_DB_TYPE": "duckdb", "CUBEJS_DB_DUCKDB_DATABASE_PATH": str(database)}
    told = lake.engine.dbt_target(lake.ref).env
    return {
        "CUBEJS_DB_TYPE": "trino",
        "CUBEJS_DB_HOST": told["LAKEKIT_TRINO_HOST"],
        "CUBEJS_DB_PORT": told["LAKEKIT_TRINO_PORT"],
        "CUBEJS_DB_USER": told["LAKEKIT_TRINO_USER"],
        "CUBEJS_DB_PRESTO_CATALOG": told["LAKEKIT_CATALOG"],
        "CUBEJS_DB_SCHEMA": "marts",
    }


def day(value: date | str) -> str:
    return str(value)[:10]


def cents(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def assert_daily_sales_are_the_marts(client: Client, lake: Lake) -> None:
    rows = client.load(
        measures=[f"daily_sales.{one}" for one in (*SALES, "overall_average_order_value")],
        dimensions=["daily_sales.currency"],
        timeDimensions=[{"dimension": "daily_sales.sales_date", "granularity": "day"}],
        limit=50000,
    )
    told = {
        (day(row["daily_sales.sales_date.day"]), row["daily_sales.currency"]): [
            cents(row[f"daily_sales.{one}"]) for one in (*SALES, "overall_average_order_value")
        ]
        for row in rows
    }
    wanted = {
        (day(row["sales_date"]), row["currency"]): [
            cents(row[one]) for one in ("orders", "gross_sales", "net_sales", "average_order_value")
        ]
        for row in lake.sql("select * from marts.fct_daily_sales")
    }
    assert wanted
    assert told == wanted


def test_cube_answers_what_the_marts_hold(shop: Lake) -> None:
    folder = shop.settings.project / "cube"
    written = cube(shop, "--json", "--duckdb", "cube/lake.duckdb")
    assert written.exit_code == 0, written.output
    with duckdb.connect("cube/lake.duckdb", read_only=True) as database:
        copied = database.execute("select count(*) from marts.fct_daily_sales").fetchall()
    assert copied == [(rows_of_marts(shop)["fct_daily_sales"],)]
    # On either engine the template's own marts have the cubes that are in the template.
    assert {one["file"]: one["change"] for one in json.loads(written.stdout)["changes"]} == {
        "cubes/dim_products.yml": "changed",
        "cubes/fct_orders.yml": "new",
        "views/orders.yml": "new",
        "views/products.yml": "changed",
    }
    with serving(folder, variables(shop)) as client:
        assert_daily_sales_are_the_marts(client, shop)

        # Over a year, an average is that of all its orders, not of its days.
        rows = client.load(
            measures=["daily_sales.overall_average_order_value"],
            dimensions=["daily_sales.currency"],
            timeDimensions=[{"dimension": "daily_sales.sales_date", "granularity": "year"}],
        )
        wanted = shop.sql(
            "select year(sales_date) as year, currency, "
            "sum(gross_sales - discounts) / nullif(cast(sum(orders) as decimal(18, 0)), 0) as value "
            "from marts.fct_daily_sales group by 1, 2"
        )
        told = {
            (row["daily_sales.sales_date.year"][:4], row["daily_sales.currency"]): cents(
                row["daily_sales.overall_average_order_value"]
            )
            for row in rows
        }
        assert told == {(str(row["year"]), row["currency"]): cents(row["value"]) for row in wanted}

        # Across a join: each order once.
        rows = client.load(
            measures=["orders.sum_total_amount", "orders.count"], dimensions=["orders.customers_segment"]
        )
        joined = shop.sql(
            "select segment, sum(total_amount) as total, count(*) as orders from marts.fct_orders as orders "
            "left join marts.dim_customers as customers on orders.customer_id = customers.customer_id group by segment"
        )
        assert {
            row["orders.customers_segment"]: (cents(row["orders.sum_total_amount"]), int(row["orders.count"]))
            for row in rows
        } == {row["segment"]: (cents(row["total"]), row["orders"]) for row in joined}

        # Only views are there for all, and of the products not who made them.
        seen = client.meta()
        assert set(seen) == {
            "customer_cohorts",
            "customers",
            "daily_sales",
            "email_attribution",
            "email_engagement",
            "orders",
            "products",
        }
        columns = {one["name"] for one in seen["products"]["dimensions"] if one["isVisible"]}
        assert "products.title" in columns
        assert "products.vendor" not in columns
        assert client.load(dimensions=["products.title"])
        assert client.load(dimensions=["products.vendor"]) == []  # Cube's way to say that it is not for you
        with pytest.raises(Refused):
            client.load(measures=["fct_daily_sales.count"])


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_cubes_own_compiler_takes_the_model_and_ci_notices_what_changes(shop: Lake) -> None:
    project = shop.settings.project
    model = project / "cube/model"
    written = cube(shop, "--json")
    assert written.exit_code == 0, written.output
    told = {one["name"]: one for one in json.loads(written.stdout)["cubes"]}
    compiled = {one["name"]: one for one in compile_model(model)}
    assert {name for name, one in compiled.items() if one["public"]} == {one["view"] for one in told.values()}
    for name, one in told.items():
        made = compiled[name]
        assert made["type"] == "cube"
        assert made["meta"] == {"dbt_unique_id": f"model.lakehouse.{name}"}
        for kind in ("dimensions", "measures"):
            assert [member["name"].partition(".")[2] for member in made[kind]] == one[kind]
        assert [m["name"].partition(".")[2] for m in made["dimensions"] if m["primaryKey"]] == one["key"]
    orders = compiled["fct_orders"]
    assert orders["joins"] == [{"name": "dim_customers", "relationship": "belongsTo"}]
    assert orders[
        "description"
    ] == 'Sales: "one row" each, (braces) and ((more)), C:/new, on two lines.'.replace(
        "((more))", "(( more ))"
    )
    linted = CliRunner().invoke(main, ["lint", "--select", "LK7"])
    assert linted.exit_code == 0, linted.output

    before = {file: file.read_bytes() for file in model.rglob("*.yml")}
    assert cube(shop, "--check").exit_code == 0
    own = model / "cubes/own.yml"
    own.write_text("cubes:\n  - name: own\n    extends: fct_orders\n")
    sales, gone = model / "cubes/fct_daily_sales.yml", model / "views/orders.yml"
    sales.write_text(sales.read_text().replace("sum_units", "units_sold"))
    gone.unlink()
    (model / "cubes/fct_old.yml").write_text(before[sales].decode())
    checked = cube(shop, "--check", "--json")
    assert checked.exit_code == 1
    assert {one["file"]: one["change"] for one in json.loads(checked.stdout)["changes"]} == {
        "cubes/fct_daily_sales.yml": "changed",
        "cubes/fct_old.yml": "gone",
        "views/orders.yml": "new",
    }
    assert cube(shop).exit_code == 0
    assert {file: file.read_bytes() for file in model.rglob("*.yml") if file != own} == before
    assert "extends" in own.read_text()

    sales.write_text("cubes: []\n")
    refused = cube(shop)
    assert refused.exit_code == 2
    assert "is not written by `lakekit cube`" in refused.output
    assert sales.read_text() == "cubes: []\n"


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_a_new_projects_model_is_what_its_marts_say_once_they_are_built(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lake.settings.project)
    told = cube(lake, "--check")
    assert told.exit_code == 2
    assert "marts.dim_customers, marts.dim_products" in told.output
    assert "are not built at 'main'" in told.output
    assert "try: lakekit build" in told.output
    fill(lake)
    told = cube(lake, "--check")
    assert told.exit_code == 0, told.output
    assert "6 cubes" in told.output

    # A table that is older than what the project says of it.
    properties = lake.settings.dbt / "assets/marts/_marts.yml"
    documented = properties.read_text()
    properties.write_text(documented.replace("- name: units_sold\n", "- name: pieces\n"))
    told = cube(lake)
    assert told.exit_code == 2
    assert "marts.dim_products has no column 'pieces' at 'main'" in told.output

    properties.write_text(documented)
    told = cube(lake, "--duckdb", "marts.duckdb")
    assert told.exit_code == 2
    assert "it could not tell which is meant" in told.output


@pytest.mark.parametrize("lake", ["embedded"], indirect=True)
def test_a_copy_is_of_one_moment_whatever_is_published_meanwhile(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lake.settings.project)
    fill(lake)
    wanted = rows_of_marts(lake)
    execute = DuckDBEngine.execute

    def publishing_once_the_first_is_copied(engine: DuckDBEngine, ref: str, sql: str) -> Any:
        rows = execute(engine, ref, sql)
        if sql == 'select * from "marts"."dim_customers"':
            with lake.branch() as work:
                for mart in wanted:
                    execute(lake.engine, work.ref, f"delete from marts.{mart}")
                work.publish(unchecked=True)
        return rows

    monkeypatch.setattr(DuckDBEngine, "execute", publishing_once_the_first_is_copied)
    told = cube(lake, "--duckdb", "cube/lake.duckdb")
    assert told.exit_code == 0, told.output
    assert not any(rows_of_marts(lake).values())  # so they were published
    with duckdb.connect("cube/lake.duckdb", read_only=True) as database:
        copied = {
            mart: database.execute(f"select count(*) from marts.{mart}").fetchall()[0][0] for mart in wanted
        }
    assert copied == wanted


def rows_of_marts(lake: Lake) -> dict[str, int]:
    tables = [table.name for table in lake.catalog.entries(lake.ref) if table.schema == "marts"]
    return {name: len(lake.sql(f"select 1 as one from marts.{name}")) for name in sorted(tables)}


def test_a_genuine_cube_says_the_same() -> None:
    """``CUBE_URL`` and ``CUBE_SECRET`` are a running Cube's, with the model and the data of the project ``CUBE_PROJECT``."""
    missing = [name for name in ("CUBE_URL", "CUBE_SECRET", "CUBE_PROJECT") if not os.environ.get(name)]
    if missing:
        pytest.skip(f"no genuine Cube to ask: {', '.join(missing)} not set")
    with Lake.connect(Path(os.environ["CUBE_PROJECT"])) as lake:
        client = Client(os.environ["CUBE_URL"], os.environ["CUBE_SECRET"])
        assert_daily_sales_are_the_marts(client, lake)
