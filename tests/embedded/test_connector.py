"""A connector as a child process: what it is given, and what becomes of it when things go wrong."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from click.testing import CliRunner, Result

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.cli import main
from lakekit.demo.shop import Shop
from lakekit.errors import LandingFailed
from lakekit.landing import ConfiguredCatalog, connector
from lakekit.landing import land as land_messages

if TYPE_CHECKING:
    from pathlib import Path

# Speaks the protocol's command line: read --config FILE --catalog FILE [--state FILE].
SHOP_CONNECTOR = """
import argparse, json, sys
from lakekit.demo.shop import Shop
parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["read"])
for name in ("--config", "--catalog", "--state"):
    parser.add_argument(name)
given = parser.parse_args()
shop = Shop(**json.load(open(given.config)))
streams = {entry["stream"]["name"] for entry in json.load(open(given.catalog))["streams"]}
mail = {"stream": {"stream_descriptor": {"name": "events"}, "stream_state": {"datetime": "2030-01-01T00:00:00Z"}}}
sync = shop.sync_number([*(json.load(open(given.state)) if given.state else []), mail])
for line in shop.messages("shopify", sync=sync):
    message = json.loads(line)
    assert message["type"] != "RECORD" or message["record"]["stream"] in streams
    print(line.decode())
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lakekit.toml").touch()
    (tmp_path / "config.json").write_text(json.dumps({"seed": 5, "orders": 60}))
    (tmp_path / "catalog.json").write_text(json.dumps(Shop(seed=5, orders=60).configured_catalog("shopify")))
    (tmp_path / "connector.py").write_text(SHOP_CONNECTOR)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def land(*command: str) -> Result:
    return CliRunner().invoke(
        main, ["land", "--source", "shopify", "--catalog", "catalog.json", "--", *command]
    )


def orders() -> int:
    asked = CliRunner().invoke(main, ["sql", "select count(*) as n from shopify.orders", "--json"])
    [row] = json.loads(asked.stdout)
    return int(row["n"])


def test_each_run_goes_on_from_the_state_that_bronze_holds(project: Path) -> None:
    shop = Shop(seed=5, orders=60)
    for sync in (1, 2):
        landed = land(sys.executable, "connector.py", "read", "--config", "config.json")
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
