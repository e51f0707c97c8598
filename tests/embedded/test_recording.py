"""Builds that are played again without dbt: whatever happens, the tables are those that dbt would have built."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakekit import Lake
from lakekit.dbt.models import Models
from lakekit.dbt.runner import link_package
from lakekit.demo.shop import Shop
from lakekit.engine.protocol import DbtTarget
from lakekit.errors import BuildFailed, LakekitError
from lakekit.scaffold import new

from ..landing import land
from ..sessions import SHOP, contents, model, project_of, worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lakekit.testing.lake import LakeUnderTest

    Story = Callable[[LakeUnderTest], None]

PAID = {"id": 1, "status": "paid", "amount": 10}
OPEN = {"id": 2, "status": "open", "amount": 5}


def syncs(*batches: list[dict[str, Any]]) -> Story:
    """Batches of orders, all models being built after each."""

    def tell(lake: LakeUnderTest) -> None:
        for batch in batches:
            lake.given("shopify.orders", batch)
            lake.build()

    return tell


FIRST = syncs([PAID])
TWO = syncs([PAID, OPEN], [PAID | {"amount": 7}])


def told(project: Path, story: Story, **how: Any) -> tuple[Any, bool]:
    """What is in the lake after a story that a new process runs, and whether that had to ask dbt."""
    with worker(project, **how) as one:
        lake = one.lake()
        story(lake)
        return contents(lake), one.asked_dbt


def by_dbt(project: Path, story: Story) -> Any:
    return told(project, story, replay=False)[0]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project_of(tmp_path / "shop", SHOP)


def test_a_story_told_before_needs_no_dbt(shop: Path) -> None:
    asked = [told(shop, TWO)[1] for _ in range(2)]
    assert asked == [True, False]
    # Other rows, the same questions: a first sync, and any number of later ones.
    later = syncs([OPEN], [OPEN | {"status": None}], [PAID, OPEN], [])
    replayed, asked_dbt = told(shop, later)
    assert not asked_dbt
    assert replayed == by_dbt(shop, later)


def test_the_template_s_marts_are_dbt_s(tmp_path: Path) -> None:
    project = new(tmp_path / "shop", engine="embedded")
    demo = Shop(orders=40, seed=5)

    def story(lake: LakeUnderTest) -> None:
        for sync in (1, 2, 3):
            land(lake, demo, sync)
            lake.build()

    told(project, story)
    replayed, asked_dbt = told(project, story)
    assert not asked_dbt
    expected = by_dbt(project, story)
    assert len(expected) == 24
    assert replayed == expected
    assert all(rows for *_, rows in replayed.values())

    # Each model says something else now, in SQL that was not recorded.
    for file in (project / "orchestration/assets").rglob("*.sql"):
        sql = file.read_text()
        file.write_text(_fewer(file.stem, sql))
        assert file.read_text() != sql
    replayed, asked_dbt = told(project, story)
    assert not asked_dbt
    edited = by_dbt(project, story)
    assert replayed == edited
    assert [name for name in expected if edited[name] == expected[name] or not edited[name][-1]] == []


FEWER = {
    "int_shopify__orders": "where orders.order_id % 5 > 0",
    "int_shopify__refunds": "where refunds.refund_id % 2 > 0",
    "dim_customers": "where customers.customer_id % 7 > 0",
    "dim_products": "and products.product_id % 3 > 0",
    "fct_customer_cohorts": "having count(*) > 0",
    "fct_daily_sales": "where day(sales_date) % 2 = 0",
    "fct_email_attribution": "where orders.order_id % 7 > 0",
    "fct_email_engagement": "having day(emails.engagement_date) % 2 = 0",
}


def _fewer(model: str, sql: str) -> str:
    """A model of the template that leaves some rows out; order lines have no taxes."""
    if model == "int_shopify__order_lines":
        return sql.replace("left join taxes on ", "left join taxes on false and ")
    layer, _, noun = model.partition("__")
    key = "id" if layer.startswith("stg") else f"{noun.removesuffix('s')}_id"
    less = FEWER.get(model, f"where cast({key} as varchar) not like '%4%'")
    return f"{sql.rstrip()}\n{less}\n"


MONEY = st.sampled_from(["0", "19.99", "1000", None])


def _set(amount: str | None) -> dict[str, Any]:
    money = {"amount": amount, "currency_code": "EUR"}
    return {"presentment_money": money, "shop_money": money}


ORDERS = st.fixed_dictionaries(
    {"id": st.integers(1, 3)},
    optional={
        "test": st.booleans(),
        "presentment_currency": st.sampled_from(["EUR", "USD", None]),
        "created_at": st.sampled_from(["2026-01-01T22:59:00Z", "2026-01-01T23:01:00Z"]),
        "updated_at": st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
        "cancelled_at": st.sampled_from(["2026-01-03T00:00:00Z", None]),
        "deleted_at": st.just("2026-01-04T00:00:00Z"),
        "total_price_set": MONEY.map(_set),
        "line_items": st.lists(
            st.fixed_dictionaries(
                {"id": st.integers(1, 4), "quantity": st.integers(0, 3), "price_set": MONEY.map(_set)}
            ),
            max_size=2,
            unique_by=lambda line: line["id"],
        ),
    },
)
BATCHES = st.lists(st.lists(ORDERS, max_size=3, unique_by=lambda row: row["id"]), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The template with two processes at it: one that lets dbt build, and one that plays what it can."""
    project = new(tmp_path_factory.mktemp("recording") / "shop", engine="embedded")
    with worker(project, replay=False) as dbt, worker(project) as playing:
        yield dbt, playing


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=BATCHES)
def test_any_batches_of_orders_end_as_dbt_ends_them(
    template: Any, batches: list[list[dict[str, Any]]]
) -> None:
    lakes = [one.lake() for one in template]
    for batch in batches:
        outcomes = []
        for lake in lakes:
            lake.given("shopify.orders", batch)
            try:
                lake.build("int_shopify__orders fct_daily_sales")
            except LakekitError as error:
                outcomes.append(str(error))
            else:
                outcomes.append("")
        assert outcomes[0] == outcomes[1]
        assert contents(lakes[0]) == contents(lakes[1])


# What is otherwise than when it was recorded.


def widened(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [PAID])
    lake.build()
    lake.given("shopify.orders", [OPEN | {"channel": "web"}], new_columns={"channel": "string"})
    lake.build()


def dropped(lake: LakeUnderTest) -> None:
    FIRST(lake)
    lake.sql("drop table shop.int_orders")
    lake.given("shopify.orders", [OPEN])
    lake.build()


def view_in_its_place(lake: LakeUnderTest) -> None:
    FIRST(lake)
    lake.sql("drop table shop.fct_sales")
    lake.sql("create view shop.fct_sales as select 1 as n")
    lake.sql("drop table shop.int_orders")
    lake.sql("create view shop.int_orders as select 1 as n")
    lake.sql("drop view shop.stg_orders")
    lake.sql("create table shop.stg_orders as select 1 as n")
    lake.build()


def with_other_columns(lake: LakeUnderTest) -> None:
    FIRST(lake)
    lake.sql("alter table shop.int_orders drop column status")
    lake.given("shopify.orders", [OPEN])
    lake.build("int_orders")


def refreshed(lake: LakeUnderTest) -> None:
    TWO(lake)
    lake.sql("delete from shopify.orders where id = 1")
    lake.build("int_orders", full_refresh=True)
    lake.build("fct_sales")


@pytest.mark.parametrize("story", [widened, dropped, view_in_its_place, with_other_columns, refreshed])
@pytest.mark.parametrize("on_schema_change", ["ignore", "append_new_columns"])
def test_what_was_not_recorded_dbt_builds(shop: Path, story: Story, on_schema_change: str) -> None:
    config = f"on_schema_change='{on_schema_change}', unique_key"
    sql = SHOP["orchestration/models/int_orders.sql"].replace("unique_key", config)
    stg = SHOP["orchestration/models/stg_orders.sql"].replace("select id", "select *, id")
    project_of(shop, model("int_orders", sql) | model("stg_orders", stg))
    told(shop, TWO)
    expected = by_dbt(shop, story)
    for _ in range(2):  # recorded in the first, it is played in the second
        assert told(shop, story)[0] == expected


def test_what_had_been_written_before_it_went_another_way_is_taken_back(shop: Path) -> None:
    """The hook's row is written by the recording, and once more by dbt."""
    hooked = """
    {{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns',
              pre_hook="insert into shop.audit values ('before')",
              post_hook=["insert into shop.audit select 'after {{ this.identifier }}' from {{ this }}"]) }}
    select * from {{ ref('stg_orders') }}
    """
    project_of(shop, model("int_orders", hooked))
    stg = SHOP["orchestration/models/stg_orders.sql"]
    project_of(shop, model("stg_orders", stg.replace("select id", "select *, id")))

    def told_twice(columns: dict[str, str]) -> Story:
        def story(lake: LakeUnderTest) -> None:
            lake.sql("create table shop.audit (what varchar)")
            lake.given("shopify.orders", [PAID])
            lake.build("int_orders")
            lake.given("shopify.orders", [PAID | dict.fromkeys(columns, "x")], new_columns=columns)
            commits = len(lake.log())
            lake.build("int_orders")
            story.commits = len(lake.log()) - commits
            story.audit = [row["what"] for row in lake.sql("select what from shop.audit order by 1")]

        return story

    plain, wider = told_twice({}), told_twice({"channel": "string"})
    told(shop, plain)
    expected = by_dbt(shop, wider)
    commits, audit = wider.commits, wider.audit
    assert audit == ["after int_orders"] * 3 + ["before"] * 2
    replayed, asked_dbt = told(shop, wider)
    assert asked_dbt
    assert replayed == expected
    assert (wider.commits, wider.audit) == (commits, audit)


def test_a_statement_that_fails_fails_as_dbt_says_it_and_the_next_build_is_fine(shop: Path) -> None:
    project_of(
        shop,
        model(
            "fct_sales",
            "{{ config(materialized='table') }} select cast(status as bigint) as n from {{ ref('int_orders') }}",
        ),
    )

    def failing(lake: LakeUnderTest) -> None:
        lake.given("shopify.orders", [PAID | {"status": "12"}])
        lake.build()
        lake.given("shopify.orders", [PAID])
        with pytest.raises(BuildFailed) as error:
            lake.build("fct_sales")
        said.append(str(error.value))
        assert lake.rows("fct_sales") == [{"n": 12}]
        lake.given("shopify.orders", [PAID | {"status": "13"}])
        lake.build("fct_sales")
        assert lake.rows("fct_sales") == [{"n": 13}]

    said: list[str] = []
    for how in ({"replay": False}, {}, {}):
        told(shop, failing, **how)
    assert len(set(said)) == 1
    assert "fct_sales could not be built" in said[0]
    assert "paid" in said[0]
    assert "models/fct_sales.sql" in said[0]


# What a model's SQL may depend on that is not in the lake.

SECRETLY = (
    model("by_time", "{{ config(materialized='table') }} select '{{ run_started_at }}' as x")
    | model("by_module", "{{ config(materialized='table') }} select '{{ modules.datetime.datetime.now() }}' as x")
    | model("by_macro", "select '{{ moment() }}' as x")
    | model("by_hook", "{{ config(materialized='table') }} select cast('' as varchar) as x")
    | model("by_strategy", "{{ config(materialized='incremental', incremental_strategy='dated') }} select cast('' as varchar) as x")
    | model("by_environment", "select '{{ env_var('SHOP_REGION') }}' as x")
    | model("by_macro_s_environment", "select '{{ region() }}' as x")
    | model("by_data", "-- depends_on: {{ ref('int_orders') }}\n{% set n = run_query('select count(*) as n from ' ~ ref('int_orders')).columns[0][0] if execute %} select {{ n }} as x")
    | model("by_doing", "-- depends_on: {{ ref('int_orders') }}\n{{ config(materialized='table') }} {% if execute %}{% do run_query('insert into shop.audit select count(*) from ' ~ ref('int_orders')) %}{% endif %} select max(n) as x from shop.audit")
    | model("by_override", "{{ config(materialized='table') }} select '' as x")
    | {
        "orchestration/macros/moments.sql": """
        {% macro moment() %}{{ inner() }}{% endmacro %}
        {% macro inner() %}{{ run_started_at }}{% endmacro %}
        {% macro region() %}{{ env_var("SHOP_REGION") }}{% endmacro %}
        {% macro get_incremental_dated_sql(of) %}
          insert into {{ of["target_relation"] }} select '{{ run_started_at }}' from {{ of["temp_relation"] }}
        {% endmacro %}
        """,
        "orchestration/dbt_project.yml": SHOP["orchestration/dbt_project.yml"]
        + """
models:
  shop:
    by_hook:
      +post-hook: "insert into {{ this }} values ('{{ run_started_at }}')"
""",
    }
)  # fmt: skip


def test_a_model_that_depends_on_something_else_is_not_played(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_of(shop, SECRETLY)
    names = [path.split("/")[-1].removesuffix(".sql") for path in SECRETLY if "/by_" in path]

    def story(rows: list[dict[str, Any]]) -> Story:
        def tell(lake: LakeUnderTest) -> None:
            lake.sql("create table shop.audit (n bigint)")
            lake.given("shopify.orders", rows)
            for _ in range(2):
                lake.build(" ".join(names))

        return tell

    def xs(found: Any) -> dict[str, Any]:
        return {name: found[name][-1] for name in names}

    monkeypatch.setenv("SHOP_REGION", "north")
    north, _ = told(shop, story([PAID]))
    monkeypatch.setenv("SHOP_REGION", "south")
    south, _ = told(shop, story([PAID, OPEN]))
    changed = [name for name in names if north[name] != south[name]]
    assert changed == [name for name in names if name != "by_override"]
    assert xs(south)["by_environment"] == xs(south)["by_macro_s_environment"] == ["{'x': 'south'}"]
    assert xs(south)["by_data"] == xs(south)["by_doing"] == ["{'x': 2}"]
    # By another's clock, every moment is another again.
    again = by_dbt(shop, story([PAID, OPEN]))
    assert {name for name in names if south[name] == again[name]} == {
        "by_environment", "by_macro_s_environment", "by_data", "by_doing", "by_override",
    }  # fmt: skip


def test_what_a_model_does_while_it_is_compiled_it_does_once(shop: Path) -> None:
    project_of(shop, SECRETLY | model("by_environment", "select 1 as x"))
    project_of(
        shop,
        {
            "orchestration/macros/moments.sql": SECRETLY["orchestration/macros/moments.sql"].replace(
                "env_var", "var"
            )
        },
    )

    def story(lake: LakeUnderTest) -> None:
        lake.sql("create table shop.audit (n bigint)")
        lake.build("by_doing")
        done.append(len(lake.sql("select * from shop.audit")))

    done: list[int] = []
    told(shop, story, replay=False)
    told(shop, story)
    told(shop, story)
    assert done == [1, 1, 1]


# What changes between two runs.

FULL = {
    "orchestration/models/shapes.yml": """
models:
  - name: kept
    config: {materialized: table, contract: {enforced: true}}
    columns: [{name: order_id, data_type: bigint}, {name: total, data_type: "decimal(18, 2)"}]
""",
    "orchestration/seeds/countries.csv": "code,name\nDE,Germany\n",
    "orchestration/macros/shop.sql": "{% macro total(amount) %}{{ amount }} * 2{% endmacro %}",
    **model("once", "{{ config(materialized='ephemeral') }} select order_id, amount from {{ ref('int_orders') }}"),
    **model("twice", "{{ config(materialized='ephemeral') }} select order_id, amount * 2 as amount from {{ ref('once') }}"),
    **model("kept", "select order_id, cast({{ total('amount') }} as decimal(18, 2)) as total from {{ ref('twice') }}"),
    **model("over_all", "select (select count(*) from {{ ref('kept') }}) as n, c.name from {{ ref('countries') }} as c"),
}  # fmt: skip


def shrinking(lake: LakeUnderTest) -> None:
    """What is incremental keeps an order that its source has lost; what is not, does not."""
    syncs([PAID, OPEN])(lake)
    lake.sql("delete from shopify.orders where id = 2")
    syncs([PAID | {"amount": 7}])(lake)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A project with some of all that dbt has, and what dbt makes of it."""
    project = project_of(tmp_path_factory.mktemp("full") / "shop", SHOP | FULL)
    original = by_dbt(project, shrinking)
    for _ in range(2):
        assert told(project, shrinking)[0] == original
    return project, original


@pytest.mark.parametrize(
    "edit",
    [
        model("twice", FULL["orchestration/models/twice.sql"].replace("* 2", "* 3")),
        model(
            "once",
            FULL["orchestration/models/once.sql"].replace("from", "from (select * from")
            + ") as o where amount > 5",
        ),
        {"orchestration/macros/shop.sql": FULL["orchestration/macros/shop.sql"].replace("* 2", "* 5")},
        {"orchestration/seeds/countries.csv": "code,name\nDE,Deutschland\nNO,Norge\n"},
        {
            "orchestration/dbt_project.yml": SHOP["orchestration/dbt_project.yml"].replace(
                "least: 0", "least: 6"
            )
        },
        model(
            "kept", FULL["orchestration/models/kept.sql"].replace("order_id,", "order_id + 100 as order_id,")
        ),
        model(
            "stg_orders",
            SHOP["orchestration/models/stg_orders.sql"].replace("status,", "upper(status) as status,"),
        ),
        model(
            "int_orders",
            SHOP["orchestration/models/int_orders.sql"].replace(
                "materialized='incremental', ", "materialized='table', "
            ),
        ),
        model(
            "int_orders", SHOP["orchestration/models/int_orders.sql"].partition("}}")[2].partition("{%")[0]
        ),
        model(
            "int_orders",
            SHOP["orchestration/models/int_orders.sql"].replace("unique_key", "alias='orders', unique_key"),
        ),
        model("fct_sales", SHOP["orchestration/models/fct_sales.sql"].replace("count(*)", "count(*) + 1")),
    ],
    ids=lambda edit: next(iter(edit)).rpartition("/")[2],
)
def test_an_edit_is_seen_wherever_it_is(full: tuple[Path, Any], edit: dict[str, str]) -> None:
    project, original = full
    before = {name: (project / name).read_text() for name in edit}
    try:
        project_of(project, edit)
        edited = by_dbt(project, shrinking)
        assert edited != original
        assert told(project, shrinking)[0] == edited
    finally:
        project_of(project, before)


def test_a_call_that_is_uncommented_is_seen(shop: Path) -> None:
    """Another model is read now, which must be built first."""
    sql = "select * from {{ ref('stg_orders') }} {# {{ ref('int_orders') }} #}"
    project_of(shop, model("fct_sales", sql))
    build = "fct_sales"

    def story(lake: LakeUnderTest) -> None:
        lake.given("shopify.orders", [PAID])
        lake.build(build)

    told(shop, story)
    project_of(
        shop, model("fct_sales", sql.replace("{#", "where 1 <= (select count(*) from").replace("#}", ")"))
    )
    found, _ = told(shop, story)
    assert "int_orders" in found
    assert found == by_dbt(shop, story)


# What is no plain model of the project.


def test_a_seed_is_built_and_read(shop: Path) -> None:
    seed = {"orchestration/seeds/countries.csv": "code,name\nDE,Germany\n"}
    project_of(shop, seed | model("names", "select name from {{ ref('countries') }}"))
    for replay in (False, True, True):
        with worker(shop, replay=replay) as one:
            lake = one.lake()
            lake.build("countries")
            lake.build("names")
            assert lake.rows("names") == [{"name": "Germany"}]


@pytest.mark.parametrize("linked", [False, True])
def test_models_of_a_package_have_files_of_their_own(shop: Path, linked: bool) -> None:
    """One is called as a model of the project, one is inlined, and the package may be linked, as ``dbt deps`` does."""
    install = shop / "orchestration/dbt_packages/shared"
    files = {
        "dbt_project.yml": 'name: shared\nversion: "1.0"\n',
        "models/stg_orders.sql": "{{ config(schema='shared') }} select 1 as n",
        "models/once.sql": "{{ config(materialized='ephemeral') }} select n + 1 as n from {{ ref('shared', 'stg_orders') }}",
        "models/of_package.sql": "select n from {{ ref('once') }}",
    }
    place = project_of(shop / "elsewhere" if linked else install, files)
    if linked:
        install.parent.mkdir()
        install.symlink_to(place)

    def story(lake: LakeUnderTest) -> None:
        lake.given("shopify.orders", [PAID])
        lake.build()
        rows.append(lake.rows("of_package"))

    rows: list[Any] = []
    for replay in (False, True, True):
        told(shop, story, replay=replay)
    with worker(shop) as one:
        models = one.lake().graph.models
        assert {name: models[name].file for name in ("stg_orders", "shared.stg_orders")} == {
            "stg_orders": "models/stg_orders.sql",
            "shared.stg_orders": "dbt_packages/shared/models/stg_orders.sql",
        }
        assert models["of_package"].inlined == ("dbt_packages/shared/models/once.sql",)
        assert models["of_package"].parents == ("shared.stg_orders",)
    project_of(place, {"models/once.sql": files["models/once.sql"].replace("n + 1", "n + 2")})
    told(shop, story)
    assert rows == [[{"n": 2}]] * 3 + [[{"n": 3}]]


def test_versions_of_a_model_are_models(shop: Path) -> None:
    versions = "models: [{name: names, latest_version: 2, versions: [{v: 1}, {v: 2}]}]\n"
    project_of(
        shop,
        {"orchestration/models/names.yml": versions}
        | model("names_v1", "select 'old' as name")
        | model("names_v2", "select 'new' as name")
        | model(
            "child",
            "select a.name as a, b.name as b from {{ ref('names') }} as a, {{ ref('names', v=1) }} as b",
        ),
    )
    for replay in (False, True, True):
        with worker(shop, replay=replay) as one:
            lake = one.lake()
            lake.build("+child")
            assert lake.rows("child") == [{"a": "new", "b": "old"}]
            assert lake.rows("names") == lake.rows("names.v2") == [{"name": "new"}]
            assert lake.graph.models["child"].parents == ("names.v1", "names.v2")
            assert lake.graph.find("names").table == "names_v2"


def test_a_refresh_is_dbt_s_flag_which_a_model_s_config_beats(shop: Path) -> None:
    config = "materialized='incremental', full_refresh=false"
    sql = "{{ flags.FULL_REFRESH }} as flag, {{ is_incremental() }} as again, count(*) as n from {{ ref('stg_orders') }}"
    project_of(
        shop,
        model("firm", "{{ config(" + config + ") }} select " + sql)
        | model("plain", "{{ config(" + config.partition(",")[0] + ") }} select " + sql),
    )
    with worker(shop) as one:
        lake = one.lake()
        lake.given("shopify.orders", [PAID])
        for refresh in (False, True, False):
            lake.build("firm plain", full_refresh=refresh)
        first, refreshed, again = (
            {"flag": flag, "again": is_again, "n": 1}
            for flag, is_again in ((False, False), (True, False), (False, True))
        )
        assert sorted(lake.rows("plain"), key=str) == sorted([refreshed, again], key=str)
        assert sorted(lake.rows("firm"), key=str) == sorted(
            [first, refreshed | {"again": True}, again], key=str
        )


def test_a_secret_of_the_target_is_there_when_dbt_parses(shop: Path, tmp_path: Path) -> None:
    """As a remote Trino's password is: without it there is no profile."""
    profile = SHOP["orchestration/profiles.yml"].replace(
        "schema: shop", "schema: \"{{ env_var('DBT_ENV_SECRET_TRINO_TOKEN') }}\""
    )
    project_of(shop, {"orchestration/profiles.yml": profile})
    env = {"LAKEKIT_LAKE": "elsewhere", "DBT_ENV_SECRET_TRINO_TOKEN": "shop"}
    models = Models(shop / "orchestration", DbtTarget("embedded", env), tmp_path / "parsed", {})
    assert models.graph.models["stg_orders"].schema == "shop"


# The recordings themselves.


def test_a_damaged_recording_is_as_none(shop: Path) -> None:
    told(shop, TWO)
    expected = by_dbt(shop, TWO)
    kept = sorted((shop / ".lakekit/testing").rglob("recordings/*.msgpack"))
    assert len(kept) == 3
    for file, content in zip(kept, [b"", b"\xc1 no msgpack", kept[2].read_bytes()[:-7]], strict=True):
        file.write_bytes(content)
    found, asked_dbt = told(shop, TWO)
    assert (found, asked_dbt) == (expected, True)
    found, asked_dbt = told(shop, TWO)
    assert (found, asked_dbt) == (expected, False)


def test_a_recording_without_steps_is_played(tmp_path: Path) -> None:
    """An ephemeral model is compiled, and that is all."""
    project = project_of(
        tmp_path / "shop", SHOP | model("once", "{{ config(materialized='ephemeral') }} select 1 as n")
    )
    for asked in (True, False):
        assert told(project, syncs([PAID]))[1] is asked


PROCESS = """
import sys
from pathlib import Path
from tests.embedded.test_recording import TWO, told
found, asked = told(Path(sys.argv[1]), TWO)
print(sorted(found.items()))
"""


def test_processes_may_record_at_once_and_one_may_not_write(shop: Path) -> None:
    """Real processes; the folder that keeps recordings turns into one that takes none."""
    command = [sys.executable, "-c", PROCESS, str(shop)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1] == f"{sorted(by_dbt(shop, TWO).items())}\n"
    assert told(shop, TWO) == (by_dbt(shop, TWO), False)
    assert [
        file.name for file in (shop / ".lakekit/testing").rglob("recordings/*") if file.suffix != ".msgpack"
    ] == []


def test_a_folder_that_takes_nothing_costs_only_time(shop: Path, tmp_path: Path) -> None:
    link_package(shop / "orchestration")
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    expected = by_dbt(shop, TWO)
    for _ in range(2):
        assert told(shop, TWO, cache=nowhere / "cache") == (expected, True)
    assert nowhere.read_text() == "no folder"


# dbt itself, asked model by model.


def test_dbt_can_be_interrupted_and_asked_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with worker(shop, replay=False) as one:
        lake = one.lake()
        lake.given("shopify.orders", [PAID])
        lake.build()
        engine = type(lake.engine.session(lake.ref))
        lake.given("shopify.orders", [OPEN])
        with monkeypatch.context() as patch:
            patch.setattr(engine, "create_scratch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                lake.build("int_orders")
        assert [row["order_id"] for row in lake.rows("int_orders")] == [1]
        lake.build("fct_sales")  # int_orders with it, which has not been built of what is there
        lake.expect(
            "fct_sales", [{"status": "paid", "orders": 1}, {"status": "open", "orders": 1}], key=["status"]
        )


def test_dbt_s_own_build_in_the_same_process_disturbs_nothing(shop: Path) -> None:
    """It puts flags and an adapter of its own in dbt's globals, and leaves them there."""
    with worker(shop, replay=False) as one, Lake.connect(shop) as own:
        lake = one.lake()
        lake.given("shopify.orders", [PAID])
        lake.build()
        own.load("shopify.orders", [OPEN | {"updated_at": "2026-01-01T00:00:00Z"}])
        own.build(full_refresh=True)
        lake.given("shopify.orders", [OPEN])
        lake.sql("delete from shopify.orders where id = 1")
        lake.build()
        # Not refreshed: what was merged before is there still.
        assert sorted(row["order_id"] for row in lake.rows("int_orders")) == [1, 2]
        assert [row["order_id"] for row in own.sql("select order_id from shop.int_orders")] == [2]
