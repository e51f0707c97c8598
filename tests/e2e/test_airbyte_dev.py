"""The scaffolded project under a running `dagster dev` that follows an Airbyte: a sync is over, the marts are published."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from lakekit import Lake
from lakekit.scaffold import new

from ..dagster_server import dagster_dev
from ..embedded.dagster_project import SHOP
from ..landing import land

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..airbyte_server import AirbyteServer
    from ..dagster_server import DagsterServer

TICKS = """
{ sensorOrError(sensorSelector: {
    repositoryLocationName: "orchestration.definitions", repositoryName: "__repository__", sensorName: "airbyte_sensor"
}) { ... on Sensor { sensorState { ticks { status skipReason error { message } } } } } }
"""
RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
MATERIALIZED = """
{ assetOrError(assetKey: {path: ["shopify", "orders"]}) { ... on Asset {
    assetMaterializations { metadataEntries { label ... on IntMetadataEntry { intValue } ... on TextMetadataEntry { text } } } } } }
"""


@pytest.fixture
def project(tmp_path: Path, airbyte: AirbyteServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = new(tmp_path / "shop")
    with Lake.connect(made) as lake:
        land(lake, SHOP, 1)
    for name, value in airbyte.environment.items():
        monkeypatch.setenv(name, value)
    return made


def ticks(server: DagsterServer) -> list[dict[str, Any]]:
    return list(server.ask(TICKS)["sensorOrError"]["sensorState"]["ticks"])


def runs(server: DagsterServer) -> list[str]:
    return [run["runId"] for run in server.ask(RUNS)["runsOrError"]["results"]]


def wait(ask: Callable[[], list[Any]], server: DagsterServer, seconds: float = 120) -> list[Any]:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := ask():
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing within {seconds} s: {ticks(server)}\n{server.log.read_text()[-4000:]}")


def test_a_sync_is_published_even_if_dagster_was_down_when_it_ended(
    project: Path, airbyte: AirbyteServer, tmp_path: Path
) -> None:
    streams = ["orders", "order_refunds", "products", "customers"]
    connection = airbyte.add_connection("Shopify", streams, airbyte.add_destination("shopify"))
    airbyte.sync(connection)
    job = airbyte.start(connection)
    airbyte.move(job, "queued")
    with dagster_dev(project, tmp_path / "home") as server:
        [first] = wait(lambda: [tick for tick in ticks(server) if tick["skipReason"]], server)
        assert first["skipReason"].endswith("is watched from now on.")
        assert runs(server) == []

    with Lake.connect(project) as lake:
        land(lake, SHOP, 2)
    airbyte.pass_time(hours=5)
    airbyte.move(job, "succeeded", 40, 12_000)

    with dagster_dev(project, tmp_path / "home") as server:
        [run] = wait(lambda: runs(server), server)
        over = server.over(run)
        assert over["status"] == "SUCCESS", server.log.read_text()[-4000:]
        assert over["tags"]["lake/airbyte_jobs"] == str(job.id)
        assert not [tick for tick in ticks(server) if tick["error"]]
        [told] = server.ask(MATERIALIZED)["assetOrError"]["assetMaterializations"]
    entries = {entry["label"]: entry.get("intValue", entry.get("text")) for entry in told["metadataEntries"]}
    with Lake.connect(project) as lake:
        assert over["tags"]["lake/published"] == lake.log(1)[0].hash
        assert len(lake.sql("select * from marts.fct_daily_sales")) > 10
        [orders] = lake.sql("select count(*) as n from shopify.orders").rows()
    assert entries["airbyte/job_id"] == job.id
    assert entries["airbyte/rows_synced"] == 40
    assert entries["dagster/row_count"] == orders["n"]
    for secret in (airbyte.client_secret, airbyte._token):
        assert secret not in server.log.read_text()
