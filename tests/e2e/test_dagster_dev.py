"""The scaffolded project under a running `dagster dev`, on both engines: launched, checked, published."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from lakekit import Lake
from lakekit.scaffold import new
from lakekit.settings import Settings
from lakekit.stack import stack_of

from ..dagster_server import dagster_dev
from ..embedded import dagster_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASSETS = """
{ assetNodes {
    assetKey { path } groupName
    assetMaterializations(limit: 1) { runId metadataEntries { label ... on IntMetadataEntry { intValue } } }
    assetChecksOrError { ... on AssetChecks { checks {
        name blocking executionForLatestMaterialization { status runId } } } }
} }
"""


@pytest.fixture(params=["embedded", "trino"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    """A new project's lake at main, with a stack of its own: what publishes needs a main that is no one else's."""
    settings = Settings.load(new(tmp_path / "shop", engine=request.param))
    if request.param == "trino":
        stack_of(settings).up(ephemeral=True, owner=os.getpid())
    try:
        with Lake.over(settings) as lake:
            dagster_project.land(lake, 1)
            yield lake
    finally:
        if request.param == "trino":
            stack_of(settings).down()


def test_a_run_publishes_and_its_page_shows_what_became_of_it(lake: Lake, tmp_path: Path) -> None:
    with dagster_dev(lake.settings.project, tmp_path / "home") as server:
        run = server.launch()
        over = server.over(run)
        assert over["status"] == "SUCCESS", server.log.read_text()[-4000:]
        nodes = {".".join(node["assetKey"]["path"]): node for node in server.ask(ASSETS)["assetNodes"]}
    assert over["tags"]["lake/published"] == lake.log(1)[0].hash
    assert len(lake.sql("select * from marts.fct_daily_sales")) > 10

    built = {name: node for name, node in nodes.items() if name.startswith(("streams.", "core.", "marts."))}
    assert {name for name, node in built.items() if node["groupName"] == "marts"} == {
        f"marts.{name}"
        for name in (
            "dim_customers",
            "dim_products",
            "fct_customer_cohorts",
            "fct_daily_sales",
            "fct_email_attribution",
            "fct_email_engagement",
        )
    }
    assert all(node["assetMaterializations"][0]["runId"] == run for node in built.values())
    [counted] = lake.sql("select count(*) as n from marts.fct_daily_sales").rows()
    assert entries(nodes["marts.fct_daily_sales"])["dagster/row_count"] == counted["n"]
    checks = [check for node in built.values() for check in node["assetChecksOrError"]["checks"]]
    assert len(checks) > 60
    for check in checks:
        assert check["executionForLatestMaterialization"] == {"status": "SUCCEEDED", "runId": run}, check[
            "name"
        ]


def entries(node: dict[str, Any]) -> dict[str, Any]:
    [newest] = node["assetMaterializations"]
    return {entry["label"]: entry.get("intValue") for entry in newest["metadataEntries"]}
