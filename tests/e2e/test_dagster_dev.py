"""The scaffolded project under a running `dagster dev`, on both engines: landed, built, checked, published, and shown."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lakekit import Lake
from lakekit.scaffold import new
from lakekit.settings import Settings
from lakekit.stack import stack_of

from ..browser import chromium, opened
from ..dagster_server import dagster_dev

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..dagster_server import DagsterServer

ASSETS = """
{ assetNodes {
    assetKey { path } groupName dependedByKeys { path }
    assetMaterializations(limit: 1) { runId metadataEntries { label ... on IntMetadataEntry { intValue } } }
    assetChecksOrError { ... on AssetChecks { checks {
        name blocking executionForLatestMaterialization { status runId } } } }
} }
"""


class Ran(NamedTuple):
    """A Dagster that runs, and a run of everything that is over."""

    lake: Lake
    server: DagsterServer
    run: str
    over: dict[str, Any]


@pytest.fixture(scope="module", params=["embedded", "trino"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """In a new project, with a stack of its own: what publishes needs a main that is no one else's."""
    folder = tmp_path_factory.mktemp("dev")
    settings = Settings.load(new(folder / "shop", engine=request.param))
    land_by_connector(settings.project)
    if request.param == "trino":
        stack_of(settings).up(ephemeral=True, owner=os.getpid())
    try:
        with dagster_dev(settings.project, folder / "home") as server, Lake.over(settings) as lake:
            run = server.launch()
            yield Ran(lake, server, run, server.over(run, seconds=500))
    finally:
        if request.param == "trino":
            stack_of(settings).down()


def land_by_connector(project: Path) -> None:
    """Have Dagster land a project's sources by the demo's connector."""
    (project / "shop.json").write_text('{"orders": 40}')
    shop = {
        source: [sys.executable, "-m", "lakekit.demo.shop", source, "read", "--config", "shop.json"]
        for source in ("shopify", "klaviyo")
    }
    definitions = project / "orchestration/definitions.py"
    text = definitions.read_text()
    assert "= {}\n" in text
    definitions.write_text(text.replace("= {}\n", f"= {json.dumps(shop)}\n"))


def test_a_run_publishes_and_tells_what_became_of_it(ran: Ran) -> None:
    assert ran.over["status"] == "SUCCESS", ran.server.log.read_text()[-4000:]
    assert ran.over["tags"]["lake/published"] == ran.lake.log(1)[0].hash
    [counted] = ran.lake.sql("select count(*) as n from marts.fct_daily_sales").rows()
    assert counted["n"] > 10

    nodes = {".".join(node["assetKey"]["path"]): node for node in ran.server.ask(ASSETS)["assetNodes"]}
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
    assert all(node["assetMaterializations"][0]["runId"] == ran.run for node in nodes.values())
    assert entries(nodes["marts.fct_daily_sales"])["dagster/row_count"] == counted["n"]
    checks = [check for node in built.values() for check in node["assetChecksOrError"]["checks"]]
    assert len(checks) > 60
    for check in checks:
        assert check["executionForLatestMaterialization"] == {"status": "SUCCEEDED", "runId": ran.run}, check[
            "name"
        ]


def entries(node: dict[str, Any]) -> dict[str, Any]:
    [newest] = node["assetMaterializations"]
    return {entry["label"]: entry.get("intValue") for entry in newest["metadataEntries"]}


@pytest.mark.parametrize("ran", ["embedded"], indirect=True)
def test_the_page_shows_every_layer_and_what_became_of_it(ran: Ran) -> None:
    """As a person has it in a browser."""
    chromium()
    groups: dict[str, set[str]] = {}
    for node in ran.server.ask(ASSETS)["assetNodes"]:
        of_group = groups.setdefault(node["groupName"], set())
        of_group |= {node["assetKey"]["path"][-1], *(key["path"][-1] for key in node["dependedByKeys"])}
    # Bronze, streams, core, and the marts that read it.
    assert groups["shopify"] > {
        "customers",
        "stg_shopify__customers",
        "int_shopify__customers",
        "dim_customers",
    }
    assert groups.keys() == {"shopify", "klaviyo", "marts"}
    # As large as all of it: what is out of sight is not drawn.
    with opened(width=2400, height=3000) as page:
        for group, names in groups.items():
            page.goto(f"{ran.server.url}/locations/orchestration.definitions/asset-groups/{group}")
            for name in names:
                page.get_by_text(name, exact=True).first.wait_for()
            assert "error" not in page.inner_text("body").lower()
        page.goto(f"{ran.server.url}/assets/core/int_shopify__customers?view=checks")
        for check in (
            "not_null_int_shopify__customers_customer_id",
            "unique_int_shopify__customers_customer_id",
        ):
            page.get_by_text(check, exact=True).first.wait_for()
        page.goto(f"{ran.server.url}/runs/{ran.run}")
        page.get_by_text("Published: main is at").first.wait_for()
