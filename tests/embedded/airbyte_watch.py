"""A sensor of Airbyte's syncs over assets that stand for models, and what Dagster's daemon does with what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    DagsterInstance,
    Definitions,
    SensorResult,
    asset,
    build_sensor_context,
)

from lakekit import Lake
from lakekit.dagster.airbyte import airbyte_sensor

if TYPE_CHECKING:
    from pathlib import Path

    from dagster import AssetsDefinition, RunRequest

MODELS = {
    "streams.stg_shopify__orders": ["shopify.orders"],
    "streams.stg_shopify__products": ["shopify.products"],
    "core.int_shopify__orders": ["streams.stg_shopify__orders"],
    "streams.stg_klaviyo__events": ["klaviyo.events"],
    "marts.fct_daily_sales": ["core.int_shopify__orders"],
    "marts.dim_products": ["streams.stg_shopify__products"],
    "marts.fct_mail": ["streams.stg_klaviyo__events", "core.int_shopify__orders"],
    "marts.dim_opens": ["streams.stg_klaviyo__events"],
}


def key(dotted: str) -> AssetKey:
    return AssetKey(dotted.split("."))


def model(name: str, reads: list[str]) -> AssetsDefinition:
    @asset(key=key(name), deps=[key(one) for one in reads], kinds={"dbt"})
    def built() -> None:
        pass

    return built


def build(project: Path) -> None:
    """A lake that has all the models."""
    with Lake.connect(project) as lake:
        for name in MODELS:
            lake.load(name, [{"id": 1}])


class Watch:
    """What the daemon does: evaluates the sensor, stores its events, submits its runs, and then keeps its cursor."""

    def __init__(self, project: Path, models: dict[str, list[str]] | None = None) -> None:
        self.project = project
        self.models = MODELS if models is None else models
        self.instance = DagsterInstance.ephemeral()
        self.cursor: str | None = None
        self.events: list[AssetMaterialization] = []
        self.runs: dict[str, RunRequest] = {}
        self.restart()

    def restart(self) -> None:
        """Another process: nothing is kept but what is stored."""
        self.sensor = airbyte_sensor(self.project)
        bronze = {one for reads in self.models.values() for one in reads} - self.models.keys()
        assets = [model(name, reads) for name, reads in self.models.items()]
        defs = Definitions([*assets, *(AssetSpec(key(one)) for one in bronze)], sensors=[self.sensor])
        self.repository = defs.get_repository_def()

    def evaluate(self) -> SensorResult:
        with build_sensor_context(
            self.instance, cursor=self.cursor, repository_def=self.repository, sensor_name=self.sensor.name
        ) as context:
            result = self.sensor(context)
            assert isinstance(result, SensorResult)
            return result

    def tick(self, *, killed_after: int | None = None) -> SensorResult:
        result = self.evaluate()
        for event in result.asset_events[:killed_after]:
            assert isinstance(event, AssetMaterialization)
            self.instance.report_runless_asset_event(event)
            self.events.append(event)
        if killed_after is None:
            for request in result.run_requests or []:
                assert request.run_key not in self.runs
                self.runs[str(request.run_key)] = request
            self.cursor = result.cursor
        return result

    def built(self) -> list[set[str]]:
        """What the runs so far build."""
        return [{".".join(one.path) for one in run.asset_selection or []} for run in self.runs.values()]
