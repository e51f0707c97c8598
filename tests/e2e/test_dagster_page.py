"""Dagster's page of a scaffolded project, as a person has it in a browser."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from lakekit.scaffold import new

from ..browser import chromium, opened
from ..dagster_server import dagster_dev

if TYPE_CHECKING:
    from pathlib import Path

ASSETS = "{ assetNodes { groupName assetKey { path } dependedByKeys { path } } }"
CUSTOMERS = [
    ["shopify", "customers"],
    ["shopify", "products"],  # by which the demo's connector tells how far it was read
    ["streams", "stg_shopify__customers"],
    ["core", "int_shopify__customers"],
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new one, whose sources Dagster lands by the demo's connector."""
    made = new(tmp_path / "shop")
    (made / "shop.json").write_text('{"orders": 40}')
    shop = {
        source: [sys.executable, "-m", "lakekit.demo.shop", source, "read", "--config", "shop.json"]
        for source in ("shopify", "klaviyo")
    }
    definitions = made / "orchestration/definitions.py"
    text = definitions.read_text()
    assert "= {}\n" in text
    definitions.write_text(text.replace("= {}\n", f"= {json.dumps(shop)}\n"))
    return made


def test_the_graph_shows_every_layer_and_what_became_of_it(project: Path, tmp_path: Path) -> None:
    chromium()
    with dagster_dev(project, tmp_path / "home") as server:
        run = server.launch(CUSTOMERS)
        assert server.over(run)["status"] == "SUCCESS", server.log.read_text()[-4000:]
        groups: dict[str, set[str]] = {}
        for node in server.ask(ASSETS)["assetNodes"]:
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
                page.goto(f"{server.url}/locations/orchestration.definitions/asset-groups/{group}")
                for name in names:
                    page.get_by_text(name, exact=True).first.wait_for()
                assert "error" not in page.inner_text("body").lower()
            page.goto(f"{server.url}/assets/core/int_shopify__customers?view=checks")
            for check in (
                "not_null_int_shopify__customers_customer_id",
                "unique_int_shopify__customers_customer_id",
            ):
                page.get_by_text(check, exact=True).first.wait_for()
            page.goto(f"{server.url}/runs/{run}")
            page.get_by_text("Published: main is at").first.wait_for()
