"""Projects laid out otherwise than the scaffolded one: seeds, snapshots, what is inlined, tests of sources, odd names."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dagster import AssetKey, AssetSelection, DagsterInstance

from lakekit import Lake
from lakekit.dagster import building
from lakekit.dagster.keys import plain
from lakekit.dagster.testing import run_assets
from lakekit.dbt import Node
from lakekit.lake import Result

from ..checkout import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster import Definitions
    from dagster._core.execution.execution_result import ExecutionResult

FILES = {
    "lakekit.toml": 'dbt = "dbt project"\n',
    "dbt project/dbt_project.yml": """
name: odd
profile: lakekit
flags: {send_anonymous_usage_stats: false}
models:
  odd: {+schema: marts, +materialized: table}
seeds:
  odd: {+schema: seeds}
""",
    "dbt project/seeds/countries.csv": "code,name\nDE,Germany\n",
    "dbt project/seeds/_seeds.yml": "seeds: [{name: countries, columns: [{name: code, data_tests: [unique]}]}]\n",
    "dbt project/snapshots/history.yml": """
snapshots:
  - name: history
    relation: ref('base')
    config: {schema: history, unique_key: id, strategy: check, check_cols: all}
""",
    "dbt project/models/_sources.yml": """
sources:
  - name: the-shop
    schema: shop
    tables:
      - name: orders
        columns: [{name: id, data_tests: [not_null]}]
""",
    "dbt project/models/inlined.sql": """
{{ config(materialized="ephemeral") }}
select id, amount, 'DE' as code from {{ source("the-shop", "orders") }}
""",
    "dbt project/models/our base/base.sql": "select * from {{ ref('inlined') }}",
    "dbt project/models/sales.sql": """
select base.id, base.amount as "Order Amount", countries.name
from {{ ref("base") }} as base
left join {{ ref("countries") }} as countries on base.code = countries.code
""",
    "dbt project/models/sales/total.sql": "select count(*) as n from {{ ref('sales') }}",
    "dbt project/models/loud.sql": "{{ config(alias='Loud', schema='Odd') }} select 1 as one",
    "dbt project/models/versioned_v2.sql": "select 2 as id",
    "dbt project/models/_models.yml": """
models:
  - name: inlined
    columns: [{name: id, data_tests: [not_null]}]
  - name: base
    columns:
      - name: code
        data_tests:
          - relationships: {arguments: {to: ref('countries'), field: code}}
  - name: versioned
    latest_version: 2
    versions: [{v: 2}]
    columns: [{name: id, data_tests: [not_null]}]
unit_tests:
  - name: rows_are_counted
    model: total
    given: [{input: ref('sales'), rows: [{id: 1}, {id: 2}]}]
    expect: {rows: [{n: 2}]}
  - name: it works!
    model: total
    given: [{input: ref('sales'), rows: []}]
    expect: {rows: [{n: 0}]}
""",
    "dbt project/tests/of_a_source.sql": "select * from {{ source('the-shop', 'orders') }} where id < 0",
    "dbt project/tests/of_a_model_and_a_source.sql": """
select * from {{ ref("base") }} where id not in (select id from {{ source("the-shop", "orders") }})
""",
    "odd/__init__.py": "",
    "odd/definitions.py": """
from dagster import Definitions
from dagster_dbt import dbt_assets
from lakekit.dagster import LakeDbtTranslator, LakeResource, manifest, publish_executor

@dbt_assets(manifest=manifest(__file__), name="all_there_is", dagster_dbt_translator=LakeDbtTranslator())
def everything(context, lake: LakeResource):
    yield from lake.build(context)

definitions = Definitions(
    assets=[everything],
    resources={"lake": LakeResource(project=__file__)},
    executor=publish_executor(__file__),
)
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "my shop"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    shutil.copy(EXAMPLE / "orchestration" / "profiles.yml", project / "dbt project")
    shutil.copytree(EXAMPLE / "orchestration" / "macros", project / "dbt project" / "macros")
    with Lake.connect(project) as lake:
        lake.load("shop.orders", [{"id": 1, "amount": 5}, {"id": 2, "amount": 7}])
    return project


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


def load(project: Path, monkeypatch: pytest.MonkeyPatch) -> Definitions:
    monkeypatch.syspath_prepend(project)
    for name in ("odd", "odd.definitions"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    definitions: Definitions = import_module("odd.definitions").definitions
    return definitions


def made(ran: ExecutionResult) -> set[str]:
    events = ran.filter_events(lambda event: event.is_step_materialization)
    return {".".join(event.asset_key.path) for event in events if event.asset_key}


def said(ran: ExecutionResult) -> dict[str, Any]:
    events = ran.filter_events(lambda event: event.event_type_value == "ASSET_CHECK_EVALUATION")
    return {
        event.asset_check_evaluation_data.check_name: event.asset_check_evaluation_data for event in events
    }


def test_all_that_dbt_builds_is_made_and_all_its_tests_are_checks(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run_assets(load(project, monkeypatch), instance=instance)
    assert ran.success
    with Lake.connect(project) as lake, lake.branch("as-dbt-does-it") as work:
        report = work.build()
        assert made(ran) == {str(table) for table in work.catalog.entries(work.ref)} - {"shop.orders"}
    assert {name for name, check in said(ran).items() if check.passed} == set(map(plain, report.checks))
    assert {"odd.loud", "seeds.countries", "history.history", "marts.versioned_v2"} < made(ran)
    # What says something of a source, or of what is inlined, is a check of the first model that reads it.
    base = AssetKey(["marts", "base"])
    for name in (
        "source_not_null_the_shop_orders_id",
        "not_null_inlined_id",
        "of_a_source",
        "of_a_model_and_a_source",
    ):
        assert said(ran)[name].asset_key == base


def test_a_model_that_is_called_as_a_folder_is_built_alone(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = load(project, monkeypatch)
    sales = AssetSelection.assets(["marts", "sales"])
    ran = run_assets(definitions, sales | sales.upstream(), instance=instance)
    assert ran.success
    assert made(ran) == {"marts.sales", "marts.base", "seeds.countries"}
    with Lake.connect(project) as lake:
        assert "marts.total" not in map(str, lake.catalog.entries("main"))


def test_a_test_of_a_source_keeps_what_was_built_of_it(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "dbt project/tests/of_a_source.sql").write_text(
        "select * from {{ source('the-shop', 'orders') }}"
    )
    ran = run_assets(load(project, monkeypatch), instance=instance)
    assert not ran.success
    assert not said(ran)["of_a_source"].passed
    with Lake.connect(project) as lake:
        assert set(map(str, lake.catalog.entries("main"))) == {"shop.orders"}


SCORES = """
import pyarrow as pa
from dagster import AssetIn, asset
from lakekit.dagster import LakeIOManager

@asset(key=["py", "scores"], ins={"base": AssetIn(key=["marts", "base"])})
def scores(base: pa.Table) -> pa.Table:
    return pa.table({"id": base["id"], "score": [0.5] * base.num_rows})

io_manager = LakeIOManager(lake=LakeResource(project=__file__))
definitions = Definitions.merge(definitions, Definitions(assets=[scores], resources={"io_manager": io_manager}))
"""


def test_an_asset_of_python_may_come_between_models(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, file = project / "dbt project/models", project / "odd/definitions.py"
    (models / "_py.yml").write_text("sources: [{name: py, tables: [{name: scores}]}]")
    (models / "scored.sql").write_text("select id, score from {{ source('py', 'scores') }}")
    file.write_text(file.read_text() + SCORES)
    ran = run_assets(load(project, monkeypatch), instance=instance)
    assert ran.success
    with Lake.connect(project) as lake:
        assert len(lake.sql("select * from marts.scored where score = 0.5")) == 2
        assert [commit.message.startswith("publish") for commit in lake.log()].count(True) == 1


def test_rows_of_a_failed_check_are_shown_where_columns_share_a_name() -> None:
    class Trino:
        """It leaves names as they are, where DuckDB numbers them."""

        def sql(self, statement: str) -> Result:
            assert "limit" in statement
            return Result(pa.table([[1], [2], ["a"]], names=["id", "id", "name"]))

    shown = building._failing(Trino(), Node("doubled", "test", "fail", 0.1, query="select 1"))  # type: ignore[arg-type]
    assert [record.data for record in shown.records] == [{"id": 1, "id (2)": 2, "name": "a"}]
