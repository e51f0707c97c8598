"""Bronze as assets: a project's connectors run by Dagster, by themselves and with the models that read what they bring."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from dagster import (
    AssetCheckResult,
    AssetKey,
    AssetSelection,
    DagsterInstance,
    Definitions,
    asset,
    asset_check,
    in_process_executor,
)
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan, execute_run

from lakekit import Lake
from lakekit.dagster import LakeIOManager, LakeResource, bronze, landing_assets, publish_executor
from lakekit.dagster.testing import run_assets
from lakekit.errors import ProjectError
from lakekit.scaffold import new

from . import dagster_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster._core.execution.execution_result import ExecutionResult

SHOP = {
    source: [sys.executable, "-m", "lakekit.demo.shop", source, "read", "--config", "shop.json"]
    for source in ("shopify", "klaviyo")
}
PRODUCTS = AssetKey(["shopify", "products"])
SHOPIFY = {"customers", "deleted_products", "order_refunds", "orders", "products"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = new(tmp_path / "shop")
    (made / "shop.json").write_text(json.dumps({"orders": 80, "seed": 5}))
    return made


@pytest.fixture
def definitions(project: Path, monkeypatch: pytest.MonkeyPatch) -> Definitions:
    return Definitions.merge(bronze(project, SHOP), dagster_project.load(project, monkeypatch))


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


def told(ran: ExecutionResult) -> dict[str, dict[str, Any]]:
    return {
        ".".join(event.asset_key.path): {
            name: value.value
            for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in ran.filter_events(lambda event: event.is_step_materialization)
        if event.asset_key
    }


def refs(project: Path) -> list[str]:
    with Lake.connect(project) as lake:
        return [ref.name for ref in lake.catalog.refs()]


def test_a_run_that_only_lands_lands_on_main_and_goes_on_from_there(
    project: Path, definitions: Definitions, instance: DagsterInstance
) -> None:
    selection = AssetSelection.groups("shopify") & AssetSelection.key_prefixes(["shopify"])
    first = run_assets(definitions, selection, instance=instance)
    assert first.success
    assert {f"shopify.{name}" for name in SHOPIFY} == told(first).keys()
    orders = told(first)["shopify.orders"]
    with Lake.connect(project) as lake:
        [held] = lake.sql("select count(*) as n from shopify.orders").rows()
        assert orders["lake/hash"] == lake.catalog.ref("main").hash
    assert orders["dagster/row_count"] == orders["inserted"] == held["n"] >= 80
    assert orders["lake/bytes"] > 1000
    assert refs(project) == ["main"]

    second = told(run_assets(definitions, selection, instance=instance))["shopify.orders"]
    assert 0 < second["received"] < orders["received"]
    assert second["dagster/row_count"] == held["n"] + second["inserted"]


def test_what_is_landed_and_built_in_one_run_is_published_as_one(
    project: Path, definitions: Definitions, instance: DagsterInstance
) -> None:
    ran = run_assets(definitions, instance=instance)
    assert ran.success
    assert {"shopify.orders", "klaviyo.events", "marts.fct_daily_sales"} <= told(ran).keys()
    assert refs(project) == ["main"]
    with Lake.connect(project) as lake:
        assert len(lake.sql("select * from marts.fct_daily_sales")) > 10
        [published] = [commit for commit in lake.log() if "publish" in commit.message]
        assert lake.log(1) == [published]


def test_a_failed_check_keeps_what_was_landed_off_main_too(
    project: Path, definitions: Definitions, instance: DagsterInstance
) -> None:
    test = project / "orchestration" / "tests" / "no_orders.sql"
    test.parent.mkdir(exist_ok=True)
    test.write_text("select * from {{ ref('int_shopify__orders') }}")
    ran = run_assets(Definitions.merge(bronze(project, SHOP), reloaded(project)), instance=instance)
    assert not ran.success
    with Lake.connect(project) as lake:
        assert not lake.catalog.entries("main")
        [kept] = [ref.name for ref in lake.catalog.refs() if ref.name != "main"]
        assert lake.at(kept).sql("select * from shopify.orders").rows()


CONNECTOR = """
import json, pathlib, sys
orders = pathlib.Path("orders.json")
if not orders.exists():
    sys.exit("503: come back later")
for order in json.loads(orders.read_text()):
    print(json.dumps({"type": "RECORD", "record": {"stream": "orders", "data": order, "emitted_at": 1}}))
"""
ORDERS = {
    "stream": {
        "name": "orders",
        "json_schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
        "supported_sync_modes": ["full_refresh"],
    },
    "sync_mode": "full_refresh",
    "destination_sync_mode": "append_dedup",
    "primary_key": [["id"]],
}


def test_a_landing_executed_anew_lands_where_the_rest_of_its_run_is(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    (tmp_path / "lakekit.toml").touch()
    (tmp_path / "connector.py").write_text(CONNECTOR)
    lake = LakeResource(project=str(tmp_path))

    @asset(key=["core", "days"])
    def days() -> pa.Table:
        return pa.table({"day": [1]})

    @asset_check(asset=days)
    def there_are_days() -> AssetCheckResult:
        return AssetCheckResult(passed=True)

    command = [sys.executable, "connector.py"]
    definitions = Definitions(
        assets=[landing_assets(tmp_path, "shop", command, catalog={"streams": [ORDERS]}), days],
        asset_checks=[there_are_days],
        resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
        executor=publish_executor(tmp_path),
    )

    def landed_again(earlier: ExecutionResult) -> ExecutionResult:
        job = definitions.resolve_implicit_global_asset_job_def()
        run = instance.get_run_by_id(earlier.run_id)
        assert run
        again = instance.create_run_for_job(
            job,
            execution_plan=create_execution_plan(job, step_keys_to_execute=["land_shop"]),
            asset_selection=job.asset_selection,
            tags=run.tags,
            parent_run_id=run.run_id,
            root_run_id=run.root_run_id or run.run_id,
        )
        return execute_run(InMemoryJob(job), again, instance, raise_on_error=False)

    failed = run_assets(definitions, instance=instance)
    assert not failed.success
    (tmp_path / "orders.json").write_text('[{"id": 1}]')
    mended = landed_again(failed)
    assert mended.success
    assert refs(tmp_path) == ["main"]
    with Lake.connect(tmp_path) as main:
        assert {str(table) for table in main.catalog.entries("main")} == {"core.days", "shop.orders"}
        assert "publish" in main.log(1)[0].message

    # The rest is published: by itself a landing goes to main.
    (tmp_path / "orders.json").write_text('[{"id": 1}, {"id": 2}]')
    assert landed_again(mended).success
    assert refs(tmp_path) == ["main"]
    with Lake.connect(tmp_path) as main:
        assert len(main.sql("select * from shop.orders")) == 2
        assert "publish" not in main.log(1)[0].message


def reloaded(project: Path) -> Definitions:
    with pytest.MonkeyPatch.context() as patch:
        return dagster_project.load(project, patch)


def test_some_of_the_tables_are_landed_alone(
    project: Path, definitions: Definitions, instance: DagsterInstance
) -> None:
    ran = run_assets(definitions, AssetSelection.assets(PRODUCTS), instance=instance)
    assert told(ran).keys() == {"shopify.products"}
    with Lake.connect(project) as lake:
        assert {str(table) for table in lake.catalog.entries("main")} == {"shopify.products"}


def test_a_connector_that_fails_fails_the_run_in_its_own_words(
    project: Path, instance: DagsterInstance
) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('401: the token has expired')"]
    ran = run_assets(
        Definitions([landing_assets(project, "shopify", failing)], executor=in_process_executor),
        instance=instance,
    )
    assert not ran.success
    [failed] = ran.filter_events(lambda event: event.is_step_failure)
    assert "401: the token has expired" in failed.step_failure_data.error_display_string


IN_PART = """
import json, sys
def say(type, **what): print(json.dumps({"type": type, **what}))
def trace(type, **what): say("TRACE", trace={"type": type, **what})
products, orders = ({"stream_descriptor": {"name": name}} for name in ("products", "orders"))
trace("ERROR", error={"message": "404: no such page", **products})
say("RECORD", record={"stream": "orders", "data": {"id": 1}, "emitted_at": 1})
trace("STREAM_STATUS", stream_status={"status": "COMPLETE", **orders})
say("STATE", state={"type": "STREAM", "stream": {"stream_state": {"id": 1}, **orders}})
sys.exit("one failed")
"""


def test_a_stream_that_cannot_be_read_fails_the_run_and_the_others_are_landed(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    (tmp_path / "lakekit.toml").touch()
    products: dict[str, Any] = {**ORDERS, "stream": {**ORDERS["stream"], "name": "products"}}
    catalog = {"streams": [ORDERS, products]}
    assets = landing_assets(tmp_path, "shop", [sys.executable, "-c", IN_PART], catalog=catalog)
    ran = run_assets(Definitions([assets], executor=in_process_executor), instance=instance)
    assert not ran.success
    landed = told(ran)
    assert landed.keys() == {"shop.orders"}
    assert (landed["shop.orders"]["inserted"], landed["shop.orders"]["dagster/row_count"]) == (1, 1)
    [failed] = ran.filter_events(lambda event: event.is_step_failure)
    assert "could not read 'products'" in failed.step_failure_data.error_display_string
    assert "404: no such page" in failed.step_failure_data.error_display_string


def test_one_setting_says_who_writes_bronze(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_connectors = bronze(project, SHOP)
    assert by_connectors.resolve_asset_graph().materializable_asset_keys >= {PRODUCTS}
    assert not by_connectors.sensors
    monkeypatch.setenv("LAKEKIT_AIRBYTE__URL", "http://airbyte:8000")
    by_airbyte = bronze(project, SHOP)
    assert not by_airbyte.assets
    assert [sensor.name for sensor in by_airbyte.sensors or []] == ["airbyte_sensor"]


def test_a_source_without_schema_references_is_named(project: Path) -> None:
    with pytest.raises(ProjectError, match="no schema reference of the source 'stripe'"):
        landing_assets(project, "stripe", ["source-stripe", "read"])


def test_a_catalog_of_ones_own_says_what_is_landed(project: Path, instance: DagsterInstance) -> None:
    catalog = project / "catalog.json"
    given = dagster_project.SHOP.configured_catalog("shopify")
    given["streams"] = [one for one in given["streams"] if one["stream"]["name"] == "products"]
    catalog.write_text(json.dumps(given))
    assets = landing_assets(project, "shopify", SHOP["shopify"], catalog=catalog)
    assert set(assets.keys) == {PRODUCTS}
    assert run_assets(Definitions([assets], executor=in_process_executor), instance=instance).success
