"""What `lakekit cube` makes of a mart: which measures are right, joins, names, who sees what, and the YAML of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner

from lakekit.catalog.protocol import TableId
from lakekit.cli import main
from lakekit.cube import Mart, changes, files, model, write
from lakekit.cube.derivation import Derivation, Nature
from lakekit.cube.measures import measures
from lakekit.dbt.described import Described, Reference
from lakekit.errors import LakekitError, ProjectError, UsageError
from lakekit.scaffold import new

MONEY = pa.decimal128(18, 2)


def mart(name: str = "fct_sales", sql: str = "", key: tuple[str, ...] = (), **given: Any) -> Mart:
    columns = given.pop("columns", {"sold_on": pa.date32(), "revenue": MONEY})
    said: dict[str, Any] = {"description": "", "columns": {}, "meta": {}, "column_meta": {}, "references": ()}
    table = TableId("marts", name)
    return Mart(Described(table, f"model.shop.{name}", key=key, sql=sql, **said | given), columns)


def measured(made: Mart) -> list[str]:
    return [one.name for one in measures(made)][1:]  # all have a count


@pytest.mark.parametrize(
    ("expression", "nature"),
    [
        ("sum(amount)", Nature.SUM),
        ("count(*)", Nature.SUM),
        ("count_if(is_new)", Nature.SUM),
        ("coalesce(cast(sum(amount) as decimal(18, 2)), 0)", Nature.SUM),
        ("sum(amount) - sum(discount)", Nature.SUM),
        ("round(sum(amount) / 100, 2)", Nature.SUM),
        ("case when day = date '2026-01-01' then null else sum(amount) end", Nature.SUM),
        ("sum(amount) filter (where is_new)", Nature.SUM),
        ("0.2 * sum(amount)", Nature.SUM),
        ("count(distinct customer_id)", Nature.FIXED),
        ("count(distinct customer_id) filter (where is_new)", Nature.FIXED),
        ("cardinality(array_agg(distinct customer_id))", Nature.FIXED),
        ("greatest(sum(amount), 0)", Nature.FIXED),
        ("sum(distinct amount)", Nature.FIXED),
        ("approx_distinct(customer_id)", Nature.FIXED),
        ("avg(amount)", Nature.FIXED),
        ("max(amount)", Nature.FIXED),
        ("sum(amount) / count(*)", Nature.FIXED),
        ("sum(amount) - avg(amount)", Nature.FIXED),
        ("sum(sum(amount)) over (order by day)", Nature.FIXED),
        ("day", Nature.FIXED),
        ("date_diff('day', day, current_date)", Nature.FIXED),
        ("any_value(price) * count(*)", Nature.UNKNOWN),
    ],
)
def test_a_query_says_what_may_be_added_up(expression: str, nature: Nature) -> None:
    assert Derivation(f"select day, {expression} as made from orders group by day").nature("made") is nature


@pytest.mark.parametrize(
    ("sql", "nature"),
    [
        ("with days as (select day, sum(a) as made from t group by day) select * from days", Nature.SUM),
        (
            "with days as (select day, sum(a) as part from t group by day) select part as made from days",
            Nature.SUM,
        ),
        (
            "with d as (select sum(a) as made, k from t group by k) select d.made from d join e on d.k = e.k",
            Nature.SUM,
        ),
        # The same total in several rows.
        (
            "with d as (select count(*) as made, k from t group by k) select made from d group by made",
            Nature.FIXED,
        ),
        (
            "with d as (select count(*) as made, k from t group by k) select distinct made from d",
            Nature.FIXED,
        ),
        ("select upper(day) as made, count(*) as n from t group by upper(day)", Nature.FIXED),
        ("select length(day) as made, count(*) as n from t group by 1", Nature.FIXED),
        ("select length(day) as day, count(*) as made from t group by 1", Nature.SUM),
        ("select count(*) as made from a union all select count(*) as made from b", Nature.SUM),
        ("select count(*) as made from a union all select avg(x) as made from b", Nature.UNKNOWN),
        ("select made from a join b on a.k = b.k", Nature.UNKNOWN),
        ("select unit_price * quantity as made from lines", Nature.UNKNOWN),
        ("select * from core.orders", Nature.UNKNOWN),
        ("", Nature.UNKNOWN),
    ],
)
def test_it_is_followed_through_what_it_reads(sql: str, nature: Nature) -> None:
    assert Derivation(sql).nature("made") is nature


@pytest.mark.parametrize(
    ("column", "type_", "is_added"),
    [
        ("revenue", MONEY, True),
        ("weight", pa.float64(), True),
        ("units", pa.int64(), True),
        ("variant_count", pa.int64(), True),
        ("quantity", pa.int32(), True),
        ("store_id", pa.int64(), False),
        ("unit_price", MONEY, False),
        ("discount_rate", pa.float64(), False),
        ("open_percent", MONEY, False),
        ("average_order_value", MONEY, False),
        ("min_amount", MONEY, False),
        ("recency_days", pa.int64(), False),
        ("line_number", pa.int64(), False),
        ("status", pa.int64(), False),
        ("http_code", pa.int64(), False),
        ("segment", pa.string(), False),
        ("is_new", pa.bool_(), False),
        ("sold_on", pa.date32(), False),
    ],
)
def test_where_a_query_says_nothing_name_and_type_do(column: str, type_: pa.DataType, is_added: bool) -> None:
    assert measured(mart(columns={column: type_})) == ([f"sum_{column}"] if is_added else [])


def test_keys_are_never_added_up() -> None:
    to = Reference("boxes", TableId("marts", "dim_boxes"), "boxes")
    assert (
        measured(mart(columns={"orders": pa.int64(), "boxes": pa.int64()}, key=("orders",), references=(to,)))
        == []
    )


def test_an_average_is_of_rows_that_are_one_thing_each() -> None:
    columns = {"order_id": pa.int64(), "revenue": MONEY}
    assert measured(mart(columns=columns, key=("order_id",))) == ["sum_revenue", "avg_revenue"]
    assert measured(mart(columns=columns, key=("order_id", "day"))) == ["sum_revenue"]


def test_a_ratio_of_sums_is_made_of_the_sums_anew() -> None:
    sql = """
        with days as (select day, sum(a) as gross, sum(b) as off, count(*) as n from t group by day)
        select day, gross as sales, off as discounts, n as orders, (gross - off) / nullif(n, 0) as order_value,
            gross / max_price as odd
        from days
    """
    columns = {
        "day": pa.date32(),
        "sales": MONEY,
        "discounts": MONEY,
        "orders": pa.int64(),
        "order_value": MONEY,
    }
    made = {one.name: one for one in measures(mart(sql=sql, columns=columns | {"odd": MONEY}))}
    assert set(made) == {"count", "sum_sales", "sum_discounts", "sum_orders", "overall_order_value"}
    assert made["overall_order_value"].sql == (
        "cast({sum_sales} - {sum_discounts} as double) / nullif({sum_orders}, 0)"
    )


def test_what_is_written_of_a_column_wins() -> None:
    sql = "select count(distinct x) as people, sum(y) as revenue from t group by z"
    said = {"people": {"cube": {"measures": ["max"]}}, "revenue": {"cube": {"measures": []}}}
    columns = {"people": pa.int64(), "revenue": MONEY}
    assert measured(mart(sql=sql, columns=columns, column_meta=said)) == ["max_people"]


@pytest.mark.parametrize(
    "said",
    [
        {"cube": {"measures": "sum"}},
        {"cube": {"measures": ["median"]}},
        {"cube": {"measure": ["sum"]}},
        {"cube": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ProjectError, match=r"revenue") as told:
        measures(mart(column_meta={"revenue": said}))
    assert "cube" in str(told.value)


def test_money_says_in_which_currency_it_is() -> None:
    columns = {"currency": pa.string(), "revenue": MONEY, "shop_revenue": MONEY, "units": pa.int64()}
    made = {one.name: one for one in measures(mart(columns=columns))}
    assert "Of one currency only" in made["sum_revenue"].description
    assert made["sum_shop_revenue"].description == ""
    assert [name for name, one in made.items() if one.is_money] == ["sum_revenue", "sum_shop_revenue"]


def test_a_measure_leaves_the_name_to_a_column() -> None:
    made = mart(columns={"count": pa.string(), "sum_units": pa.string(), "units": pa.int64()})
    assert [one.name for one in measures(made)] == ["count_", "sum_units_"]


def test_columns_are_dimensions_by_their_types() -> None:
    [made] = model(
        [
            mart(
                columns={
                    "id": pa.int64(),
                    "sold_on": pa.date32(),
                    "sold_at": pa.timestamp("us", "UTC"),
                    "order": pa.string(),
                    "is_new": pa.bool_(),
                    "tags": pa.list_(pa.string()),
                    "two words": pa.string(),
                },
                key=("id",),
            )
        ]
    )
    assert [(one["name"], one["type"], one["sql"]) for one in made.cube["dimensions"]] == [
        ("id", "number", "{CUBE}.id"),
        ("sold_on", "time", "cast({CUBE}.sold_on as timestamp)"),
        ("sold_at", "time", "{CUBE}.sold_at"),
        ("order", "string", '{CUBE}."order"'),
        ("is_new", "boolean", "{CUBE}.is_new"),
    ]
    assert made.cube["dimensions"][0]["primary_key"]
    assert made.mart.left_out == ["tags", "two words"]


CUSTOMERS = {"customer_id": pa.int64(), "email": pa.string()}
ORDERS = {"order_id": pa.int64(), "customer_id": pa.int64(), "giver_id": pa.int64()}
TO_CUSTOMERS = TableId("marts", "dim_customers")


def shop(
    *references: Reference,
    key: tuple[str, ...] = ("order_id",),
    customers: tuple[str, ...] = ("customer_id",),
    **given: Any,
) -> list[Mart]:
    return [
        mart("dim_customers", columns=CUSTOMERS, key=customers, **given),
        mart("fct_orders", columns=ORDERS, key=key, references=references),
    ]


def joined(marts: list[Mart]) -> list[dict[str, str]]:
    return list(model(marts)[1].cube.get("joins", ()))


def test_a_relationships_test_to_a_key_is_a_join() -> None:
    to = Reference("customer_id", TO_CUSTOMERS, "customer_id")
    many = {
        "name": "dim_customers",
        "relationship": "many_to_one",
        "sql": "{CUBE}.customer_id = {dim_customers}.customer_id",
    }
    assert joined(shop(to)) == [many]
    assert joined(shop(to, key=("customer_id",))) == [many | {"relationship": "one_to_one"}]
    # No key of theirs: a row might meet several.
    assert joined(shop(to, customers=())) == []
    assert joined(shop(Reference("customer_id", TO_CUSTOMERS, "email"))) == []
    assert joined(shop(Reference("customer_id", TableId("core", "int_customers"), "customer_id"))) == []


def test_of_two_ways_to_a_mart_the_one_that_is_called_as_its_key_is_taken() -> None:
    buyer, giver = (Reference(one, TO_CUSTOMERS, "customer_id") for one in ("customer_id", "giver_id"))
    assert [one["sql"] for one in joined(shop(buyer, giver))] == [
        "{CUBE}.customer_id = {dim_customers}.customer_id"
    ]


def test_a_view_has_what_a_join_brings_but_nothing_that_is_guarded() -> None:
    to = Reference("customer_id", TO_CUSTOMERS, "customer_id")
    own = {"join_path": "fct_orders", "includes": ["count", "order_id", "customer_id", "giver_id"]}
    theirs = {
        "join_path": "fct_orders.dim_customers",
        "alias": "customers",
        "prefix": True,
        "includes": ["email"],
    }
    assert model(shop(to))[1].view["cubes"] == [own, theirs]

    policy = [{"group": "crm", "member_level": {"includes": "*"}}]
    customers, orders = model(shop(to, meta={"cube": {"access_policy": policy}}))
    assert customers.cube["access_policy"] == customers.view["access_policy"] == policy
    assert orders.view["cubes"] == [own]
    assert "access_policy" not in orders.view


def test_cubes_are_private_and_views_are_called_as_people_say() -> None:
    made = model([mart("dim_days"), mart("fct_days"), mart("fct_sales"), mart("notes")])
    assert [one.cube["public"] for one in made] == [False] * 4
    assert [one.view["name"] for one in made] == ["dim_days_view", "fct_days_view", "sales", "notes_view"]


def test_the_yaml_is_read_as_it_was_meant_and_has_no_jinja() -> None:
    description = "Sales: {{ all }} #1\n\t'of' \"them\" C:\\new {x}"
    made = model([mart(description=description)])
    written = files(made)
    assert list(written) == ["cubes/fct_sales.yml", "views/sales.yml"]
    for text in written.values():
        assert "{{" not in text
        assert "{%" not in text
    [cube] = yaml.safe_load(written["cubes/fct_sales.yml"])["cubes"]
    assert cube["description"] == "Sales: (( all )) #1 'of' \"them\" C:/new (x)"
    assert cube["dimensions"] == made[0].cube["dimensions"]
    assert files(made) == written

    policy = [{"group": "*", "row_level": {"filters": [{"member": "{{ x }}"}]}}]
    guarded = model([mart(meta={"cube": {"access_policy": policy}})])
    with pytest.raises(ProjectError, match="cannot be written"):
        files(guarded)


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    wanted = files(model([mart()]))
    write(tmp_path, wanted, changes(tmp_path, wanted))
    assert changes(tmp_path, wanted) == []
    own = tmp_path / "cubes/own.yml"
    own.write_text("cubes: []\n")
    renamed = files(model([mart("fct_days")]))
    assert [tuple(one) for one in changes(tmp_path, renamed)] == [
        ("cubes/fct_days.yml", "new"),
        ("cubes/fct_sales.yml", "gone"),
        ("views/days.yml", "new"),
        ("views/sales.yml", "gone"),
    ]
    write(tmp_path, renamed, changes(tmp_path, renamed))
    assert sorted(file.name for file in tmp_path.rglob("*.yml")) == ["days.yml", "fct_days.yml", "own.yml"]
    (tmp_path / "views/days.yml").write_text("views: []\n")
    with pytest.raises(UsageError, match=r"days\.yml is not written by"):
        changes(tmp_path, renamed)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    wanted = files(model([mart()]))
    (tmp_path / "cubes").write_text("")
    with pytest.raises(LakekitError, match="cannot be"):
        write(tmp_path, wanted, changes(tmp_path, wanted))


def test_what_writes_nothing_writes_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(new(tmp_path / "shop"))
    told = CliRunner().invoke(main, ["cube", "--check", "--duckdb", "lake.duckdb"])
    assert told.exit_code == 2
    assert "--check writes nothing" in told.output
    assert not Path("lake.duckdb").exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"access_policy": {"group": "crm"}}, "cube.access_policy is no list"),
        ({"access_policies": []}, "cube.access_policies is not access_policy"),
        ("access_policy", "cube is no mapping"),
    ],
)
def test_who_may_see_what_is_said_as_cube_has_it(said: Any, why: str) -> None:
    with pytest.raises(ProjectError, match=why) as told:
        _ = mart(meta={"cube": said}).access_policy
    assert "access_policy: [{group:" in told.value.todo
