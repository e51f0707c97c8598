"""A connector as a child process: what it is given, and what becomes of it when things go wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from click.testing import CliRunner, Result

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.cli import main
from lakekit.demo.shop import Shop
from lakekit.errors import LandingFailed
from lakekit.landing import ConfiguredCatalog, configured_catalog, connector
from lakekit.landing import land as land_messages
from lakekit.scaffold import new

if TYPE_CHECKING:
    from pathlib import Path

SHOP_CONNECTOR = (sys.executable, "-m", "lakekit.demo.shop", "shopify")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = new(tmp_path / "shop")
    (made / "config.json").write_text(json.dumps({"seed": 5, "orders": 60}))
    monkeypatch.chdir(made)
    return made


def land(*command: str, source: str = "shopify") -> Result:
    return CliRunner().invoke(main, ["land", "--source", source, "--", *command])


def orders() -> int:
    asked = CliRunner().invoke(main, ["sql", "select count(*) as n from shopify.orders", "--json"])
    [row] = json.loads(asked.stdout)
    return int(row["n"])


def test_each_run_goes_on_from_the_state_that_bronze_holds(project: Path) -> None:
    shop = Shop(seed=5, orders=60)
    for sync in (1, 2):
        landed = land(*SHOP_CONNECTOR, "read", "--config", "config.json")
        assert landed.exit_code == 0, landed.stderr
        told = [json.loads(line)["state"] for line in landed.stdout.splitlines()]
        sent = [json.loads(line) for line in shop.messages("shopify", sync=sync)]
        assert told == [message["state"] for message in sent if message["type"] == "STATE"]
    ids = {
        message["record"]["data"]["id"]
        for sync in (1, 2)
        for line in shop.messages("shopify", sync=sync)
        if (message := json.loads(line))["type"] == "RECORD" and message["record"]["stream"] == "orders"
    }
    assert orders() == len(ids)


def test_a_catalog_chooses_the_streams(project: Path) -> None:
    catalog = configured_catalog(
        one for one in Shop.catalog("shopify") if one["name"] in {"orders", "products"}
    )
    (project / "two.json").write_text(json.dumps(catalog))
    arguments = ["land", "--source", "shopify", "--catalog", "two.json", "--", *SHOP_CONNECTOR]
    landed = CliRunner().invoke(main, [*arguments, "read", "--config", "config.json"])
    assert landed.exit_code == 0, landed.stderr
    asked = CliRunner().invoke(main, ["sql", "show tables from shopify", "--json"])
    assert sorted(row["Table"] for row in json.loads(asked.stdout)) == ["orders", "products"]

    catalog["streams"].pop()
    (project / "two.json").write_text(json.dumps(catalog))
    refused = CliRunner().invoke(main, [*arguments, "read", "--config", "config.json"])
    assert refused.exit_code == 1
    assert "the catalog must have 'products'" in refused.stderr


def test_a_source_without_schema_references_needs_a_catalog(project: Path) -> None:
    refused = land(*SHOP_CONNECTOR, "read", source="shopfy")
    assert refused.exit_code == 2
    assert "no schema reference of the source 'shopfy'" in refused.stderr
    assert "lakekit add source shopfy" in refused.stderr
    assert "one that is there: shopify" in refused.stderr.replace(", klaviyo", "")


def test_the_demo_shop_answers_as_a_connector_does(project: Path) -> None:
    def ask(*command: str) -> dict[str, Any]:
        asked = subprocess.run([*SHOP_CONNECTOR, *command], capture_output=True, text=True, check=True)
        [message] = map(json.loads, asked.stdout.splitlines())
        return message

    assert ask("check", "--config", "config.json")["connectionStatus"]["status"] == "SUCCEEDED"
    offered = ask("spec")["spec"]["connectionSpecification"]["properties"]
    assert set(json.loads((project / "config.json").read_text())) == set(offered)
    discovered = ask("discover")["catalog"]["streams"]
    references = project.glob("orchestration/assets/streams/shopify/*.json")
    assert {one["name"]: one for one in discovered} == {
        file.stem: json.loads(file.read_text()) for file in references
    }


def test_a_connector_that_fails_fails_the_landing_with_its_own_words(project: Path) -> None:
    failing = "import sys; print('{\"type\": \"LOG\"}'); sys.exit('401: the token has expired')"
    landed = land(sys.executable, "-c", failing)
    assert landed.exit_code == 1
    assert "exited with 1" in landed.stderr
    assert "the token has expired" in landed.stderr
    assert "Traceback" not in landed.stderr


def test_a_connector_that_is_not_there_is_named(project: Path) -> None:
    landed = land("source-nowhere", "read")
    assert landed.exit_code == 2
    assert "source-nowhere" in landed.stderr


def test_a_landing_that_fails_ends_its_connector(tmp_path: Path) -> None:
    endless = "import os\nprint(os.getpid(), flush=True)\nwhile True: print('no message', flush=True)"
    catalog = ConfiguredCatalog.parse(Shop(seed=5, orders=60).configured_catalog("shopify"))
    iceberg = EmbeddedCatalog(tmp_path / "lake").iceberg("main")
    with connector([sys.executable, "-c", endless], tmp_path / "catalog.json", []) as messages:
        pid = int(next(messages))
        with pytest.raises(LandingFailed, match="not an Airbyte message"):
            land_messages(iceberg, "shopify", catalog, messages)
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)
