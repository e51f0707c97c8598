"""LK7: what Cube serves is in the marts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakekit.lint import opening
from lakekit.lint.run import Selection, lint

if TYPE_CHECKING:
    from pathlib import Path

SALES = """\
cubes:
  - name: sales
    sql_table: lake.marts.fct_sales
    joins:
      - name: customers
        relationship: many_to_one
        sql: "{CUBE}.customer_id = {customers}.customer_id"
    dimensions:
      - name: id
        sql: "{CUBE}.id"
        type: number
        primary_key: true
      - {name: kind, sql: '"kind"', type: string}
      - name: is_big
        sql: case when {CUBE}.amount > 5 then {CUBE.kind} else 'no {CUBE}.text' end
        type: boolean
      - name: made_up
        sql: "lower({kind})"
        type: string
    measures:
      - name: count
        type: count
      - name: revenue
        sql: amount
        type: sum
        filters:
          - sql: "{CUBE}.kind = 'x'"
      - name: per_customer
        sql: "{revenue} / nullif({customers.count}, 0)"
        type: number
    segments:
      - name: all
        sql: "true"
"""
CUSTOMERS = """\
cubes:
  - name: customers
    sql: select * from "marts"."dim_customers" as c where c.name is not null
    dimensions:
      - name: name
        sql: name
        type: string
    measures:
      - {name: count, type: count}
views:
  - name: everything
    cubes:
      - join_path: sales
        includes: "*"
        excludes: [made_up]
      - join_path: sales.customers
        prefix: true
        includes:
          - name
          - {name: count, alias: customers}
"""
PROJECT = {
    "lakekit.toml": "",
    "orchestration/dbt_project.yml": "name: shop\n",
    "orchestration/models/_shop.yml": "sources: [{name: raw, tables: [{name: orders}]}]",
    "orchestration/models/core/int_shop__sales.sql": "select id, customer_id, amount, kind from {{ source('raw', 'orders') }}",
    "orchestration/models/marts/fct_sales.sql": "select * from {{ ref('int_shop__sales') }}",
    "orchestration/models/marts/dim_customers.sql": "select customer_id, name from {{ ref('int_shop__sales') }}",
    "cube/model/sales.yml": SALES,
    "cube/model/customers.yaml": CUSTOMERS,
    "cube/cube.js": "module.exports = {};\n",
}


def found(folder: Path, changed: dict[str, str | None], code: str = "LK7") -> list[str]:
    """``path:line:column-end message``."""
    for name, text in (PROJECT | changed).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    facts = opening.load(str(folder), str(folder / "orchestration"))
    return [
        f"{one.path.rpartition('/')[2]}:{one.line}:{one.column}-{one.end_column} {one.message}"
        for one in lint(facts, Selection(select=(code,))).findings
    ]


def test_a_model_that_fits_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []


def test_a_project_without_cubes_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, {"cube/model/sales.yml": None, "cube/model/customers.yaml": None}) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sql: amount", "sql: amuont", ["24:14-20 'sales' has no column 'amuont'; is 'amount' meant?"]),
        ('"{CUBE}.id"', '"{CUBE}.ID"', []),
        ('"{CUBE}.id"', '"{CUBE}.nil"', ["10:15-25 'sales' has no column 'nil'"]),
        ('"{CUBE}.id"', "'{ CUBE }.\"nil\"'", ["10:15-29 'sales' has no column 'nil'"]),
        ('"{CUBE}.id"', '"{sales}.nil"', ["10:15-26 'sales' has no column 'nil'"]),
        ('"{CUBE}.id"', '"{CUBE.made_up}"', []),
        ('"{CUBE}.id"', '"{CUBE.nil}"', ["10:15-25 'sales' has no member 'nil'"]),
        ('"{CUBE}.id"', '"{nil}"', []),
        ('"{CUBE}.id"', '"{SECURITY_CONTEXT.user.id}"', []),
        ('"{CUBE}.id"', '"{orders}.nil"', []),
        ('"{CUBE}.id"', '"{FILTER_PARAMS.sales.id.filter(\'nil\')}"', []),
        ("{customers}.customer_id", "{customers}.nil", ["7:36-51 'customers' has no column 'nil'"]),
        ("{customers.count}", "{customers.cuont}", ["29:34-51 'customers' has no member 'cuont'; is 'count' meant?"]),
        ("{CUBE}.kind = 'x'", "{CUBE}.kin = 'x'", ["27:19-29 'sales' has no column 'kin'; is 'kind' meant?"]),
        ("> 5 then", "> {CUBE}.nil then", ["15:40-50 'sales' has no column 'nil'"]),
        ('"{CUBE}.id"', ">\n          lower({CUBE}.nil)", ["11:17-27 'sales' has no column 'nil'"]),
        ('sql: "true"', "sql: truth", ["33:14-19 'sales' has no column 'truth'"]),
        ("lake.marts.fct_sales", "marts.fct_salse", ["3:16-31 'marts.fct_salse' is no model's table"]),
        ("lake.marts.fct_sales", "'\"marts\".\"fct_salse\"'", ["3:17-36 '\"marts\".\"fct_salse\"' is no model's table"]),
        ("lake.marts.fct_sales", "raw.orders", []),
        ("lake.marts.fct_sales", '"{{ table }}"\n    title: {CUBE}.nil', []),
        ("    joins:", "    data_source: other\n    joins:", []),
    ],
)  # fmt: skip
def test_columns_are_the_marts(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in SALES
    changed = {"cube/model/sales.yml": SALES.replace(old, new)}
    assert found(tmp_path, changed, "LK701") == [f"sales.yml:{one}" for one in told]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sql: name", "sql: nmae", ["6:14-18 'customers' has no column 'nmae'; is 'name' meant?"]),
        ("select *", "select name as nmae, customer_id", ["6:14-18 'customers' has no column 'name'; is 'nmae' meant?"]),
        ("select *", "select {FILTER_PARAMS.x}", []),
        ('"marts"."dim_customers"', "raw.orders", []),
        ("[made_up]", "[made_down]", ["15:20-29 'sales' has no member 'made_down'"]),
        ("          - name\n", "          - names\n", ["19:13-18 'customers' has no member 'names'; is 'name' meant?"]),
        ("{name: count, alias", "{name: cont, alias", ["20:20-24 'customers' has no member 'cont'; is 'count' meant?"]),
        ("sales.customers", "sales.clients", ["16:20-33 there is no cube 'clients'"]),
        ("sales.customers", "'everything'", []),
        ("views:", "  - {name: base}\nviews:", []),
    ],
)  # fmt: skip
def test_queries_and_views_are_looked_at(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in CUSTOMERS
    changed = {"cube/model/customers.yaml": CUSTOMERS.replace(old, new)}
    assert found(tmp_path, changed, "LK701") == [f"customers.yaml:{one}" for one in told]


def test_a_cube_that_extends_another_has_its_table_and_members(tmp_path: Path) -> None:
    more = """\
cubes:
  - name: big_sales
    extends: sales
    dimensions: [{name: x, sql: "{CUBE}.nil", type: string}, {name: y, sql: "{CUBE.made_up}", type: string}]
  - {name: loop, extends: loop, dimensions: [{name: x, sql: x, type: string}]}
  - {name: of_script, extends: scripted, dimensions: [{name: x, sql: "{CUBE.x} {CUBE}.y", type: string}]}
views:
  - {name: v, cubes: [{join_path: big_sales, includes: [revenue, nil]}, {join_path: of_script, includes: [z]}]}
"""
    assert found(tmp_path, {"cube/model/more.yml": more}, "LK701") == [
        "more.yml:4:34-44 'big_sales' has no column 'nil'",
        "more.yml:8:66-69 'big_sales' has no member 'nil'",
    ]


def test_an_alias_is_a_models_table(tmp_path: Path) -> None:
    changed = {
        "orchestration/models/marts/fct_sales.sql": "{{ config(alias='sales') }} select 1 as id, 2 as customer_id",
        "cube/model/sales.yml": SALES.replace("fct_sales", "sales"),
    }
    said = {one.partition(" ")[2] for one in found(tmp_path, changed)}
    assert said == {f"'sales' has no column '{column}'" for column in ("amount", "kind")}


def test_a_mart_without_a_cube_is_told(tmp_path: Path) -> None:
    more = {
        "orchestration/models/marts/fct_mails.sql": "select 1 as id",
        "orchestration/models/marts/fct_part.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
    }
    assert found(tmp_path, more, "LK702") == ["fct_mails.sql:1:1-1 no cube is of 'fct_mails'"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cube/model/mails.js", "cube(`mails`, { sql_table: `marts.fct_mails` });\n"),
        ("cube/model/made.yml", "cubes:\n{% for one in marts %}\n  - name: {{ one }}\n{% endfor %}\n"),
        ("cube/model/broken.yml", "cubes: [\n"),
        ("cube/model/other.yml", "cubes: [{name: x, sql_table: y.z, data_source: other}]\n"),
    ],
)
def test_cubes_that_are_not_read_may_be_of_any_mart(tmp_path: Path, path: str, text: str) -> None:
    more = {"orchestration/models/marts/fct_mails.sql": "select 1 as id", path: text}
    assert found(tmp_path, more) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n",
        "cubes: 1\n",
        "cubes: [1, {name: 1, sql: 2, joins: {a: 1}}]\n",
        "views: [{cubes: [{includes: 1}]}]\n",
    ],
)
def test_other_yaml_is_left_alone(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, {"cube/other.yml": text, "cube/node_modules/x.yml": "cubes: ["}) == []


def test_broken_yaml_is_told_unless_jinja_is_in_it(tmp_path: Path) -> None:
    changed = {"cube/broken.yml": "cubes: [\n", "cube/jinja.yml": "{% for x in y %}\n: [\n{% endfor %}\n"}
    assert [one.partition(":")[0] for one in found(tmp_path, changed, "LK903")] == ["broken.yml"]


def test_marts_are_only_read_for_a_cube(tmp_path: Path) -> None:
    found(tmp_path, {"orchestration/models/marts/fct_mails.sql": "select 1 as id"})
    facts = opening.load(str(tmp_path), str(tmp_path / "orchestration"))
    lint(facts, Selection(select=("LK701",)), [str(tmp_path / "cube")])
    read = {path.rpartition("/")[2] for path in facts._texts}
    assert "fct_mails.sql" not in read
    assert "fct_sales.sql" in read
