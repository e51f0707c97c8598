"""``lakekit build`` as a person types it: what it says when something is missing, fails, or is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from lakekit import Lake
from lakekit.cli import main
from lakekit.demo.shop import Shop
from lakekit.scaffold import new

from .. import landing

if TYPE_CHECKING:
    from pathlib import Path

SHOP = Shop(seed=3, orders=40)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(new(tmp_path / "shop"))
    return tmp_path / "shop"


def lakekit(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def branches() -> list[str]:
    return [ref["name"] for ref in json.loads(lakekit("branch", "list", "--json").stdout)]


def land(project: Path, source: str) -> None:
    with Lake.connect(project) as lake:
        landing.land(lake, SHOP, 1, [source])


def test_before_anything_has_landed_it_says_to_land_first(project: Path) -> None:
    built = lakekit("build")
    assert built.exit_code == 1
    assert "shopify.orders" in built.stderr
    assert "klaviyo.events" in built.stderr
    assert "have not landed" in built.stderr
    assert "lakekit land --source" in built.stderr


def test_a_mart_whose_parents_are_not_built_says_what_to_build(project: Path) -> None:
    refused = lakekit("build", "fct_daily_sales", "--exclude", "test_type:unit")
    assert refused.exit_code == 1
    assert "is not built at 'build-" in refused.stderr
    assert "int_shopify__" in refused.stderr
    assert "'+fct_daily_sales'" in refused.stderr


def test_a_shop_without_klaviyo_builds_what_is_left(project: Path) -> None:
    land(project, "shopify")
    refused = lakekit("build")
    assert "--exclude 'source:klaviyo+'" in refused.stderr
    assert "shopify.orders" not in refused.stderr.splitlines()[0]
    built = lakekit("build", "--exclude", "source:klaviyo+")
    assert built.exit_code == 0, built.output
    rows = json.loads(lakekit("sql", "select count(*) as n from marts.fct_daily_sales", "--json").stdout)
    assert rows[0]["n"] > 0


def test_a_failing_check_shows_its_rows_and_json_names_it(project: Path) -> None:
    land(project, "shopify")
    (project / "orchestration/tests/no_order_is_number_one.sql").write_text(
        "select order_id, units from {{ ref('int_shopify__orders') }} order by order_id"
    )
    choice = ("+int_shopify__orders", "no_order_is_number_one")
    built = lakekit("build", *choice)
    assert built.exit_code == 1
    assert "failed no_order_is_number_one" in built.stderr
    assert built.stderr.count("order_id = ") == 3
    assert len(branches()) == 2

    told = lakekit("build", *choice, "--json")
    assert told.exit_code == 1
    outcome = json.loads(told.stdout)
    assert outcome["published"] is False
    assert [node["name"] for node in outcome["nodes"] if node["status"] == "fail"] == [
        "no_order_is_number_one"
    ]


def test_a_model_that_fails_is_in_the_json_too(project: Path) -> None:
    land(project, "shopify")
    file = project / "orchestration/assets/streams/shopify/stg_shopify__orders.sql"
    file.write_text(file.read_text().replace("id as order_id", "no_such_column as order_id", 1))
    built = lakekit("build", "stg_shopify__orders", "--json")
    assert built.exit_code == 1
    statuses = {node["name"]: node["status"] for node in json.loads(built.stdout)["nodes"]}
    assert statuses["stg_shopify__orders"] == "error"
    assert "no_such_column" in built.stderr


def test_an_interrupted_build_leaves_no_branch_and_no_change(project: Path) -> None:
    for source in ("shopify", "klaviyo"):
        land(project, source)
    log: Any = json.loads(lakekit("branch", "list", "--json").stdout)
    build = subprocess.Popen(
        [sys.executable, "-c", "from lakekit.cli import main; main(prog_name='lakekit')", "build"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(branches()) == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    build.send_signal(signal.SIGINT)
    _, said = build.communicate(timeout=60)
    assert build.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    assert json.loads(lakekit("branch", "list", "--json").stdout) == log
