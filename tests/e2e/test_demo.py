"""``lakekit demo`` as a person types it: the whole story, and once more for the week after."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import psutil

from lakekit.demo.shop import Shop

from .. import oracle

if TYPE_CHECKING:
    from pathlib import Path


def lakekit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from lakekit.cli import main; main(prog_name='lakekit')", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def answer(folder: Path, *arguments: str) -> Any:
    done = lakekit(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def shown(days: list[dict[str, Any]]) -> list[tuple[str, int, float, float]]:
    """What is to be compared of days, in types that JSON and the oracle have in common."""
    return [
        (str(day["sales_date"]), day["orders"], float(day["gross_sales"]), float(day["net_sales"]))
        for day in days
    ]


def last_days(orders: int) -> list[tuple[str, int, float, float]]:
    """What a shop has sold on its last days in dollars, by its own records."""
    shop = Shop(seed=7, orders=orders)
    told = (shop.messages(source, sync=sync) for source in ("shopify", "klaviyo") for sync in (1, 2))
    sales = oracle.marts(chain.from_iterable(told))["fct_daily_sales"]
    newest = sorted(
        (day for day in sales if day["currency"] == "USD"), key=itemgetter("sales_date"), reverse=True
    )
    return shown(newest[:7])


def test_the_demo_shows_published_marts_and_a_second_run_goes_on(tmp_path: Path) -> None:
    first = lakekit(tmp_path, "demo", "--orders", "150", "--dir", "shop")
    assert first.returncode == 0, first.stderr
    for shown in (
        "Daily sales (USD)",
        "Top products",
        "The log of main",
        "sync 2: publish",
        "What to try next",
    ):
        assert shown in first.stdout
    assert "Traceback" not in first.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["shop"]

    project = tmp_path / "shop"
    sales = "select max(sales_date) as day from marts.fct_daily_sales where currency = 'USD'"
    [before] = answer(project, "sql", sales)
    second = answer(project, "demo", "--dir", ".")
    [after] = answer(project, "sql", sales)
    assert [sync["sync"] for sync in second["syncs"]] == [3]
    assert after["day"] > before["day"]
    assert second["daily_sales"][0]["sales_date"] == after["day"]

    other_shop = lakekit(project, "demo", "--dir", ".", "--seed", "8")
    assert other_shop.returncode == 2
    assert "has seed 7, not 8" in other_shop.stderr


def test_the_demo_on_trino_starts_the_stack_and_down_leaves_nothing(tmp_path: Path) -> None:
    try:
        outcome = answer(tmp_path, "demo", "--engine", "trino", "--orders", "150", "--dir", "shop")
        project = tmp_path / "shop"
        assert [sync["sync"] for sync in outcome["syncs"]] == [1, 2]
        days = answer(project, "sql", "select * from marts.fct_daily_sales limit 5")
        assert len(days) == 5
        assert shown(outcome["daily_sales"]) == last_days(orders=150)
        assert len(outcome["top_products"]) == 5
        running = [psutil.Process(service["pid"]) for service in answer(project, "status")]
        assert len(running) == 3
    finally:
        down = lakekit(tmp_path / "shop", "down")
    assert down.returncode == 0
    assert not [process for process in running if process.is_running() and process.status() != "zombie"]
    refused = lakekit(tmp_path / "shop", "sql", "select 1")
    assert refused.returncode == 1
    assert "lakekit up" in refused.stderr
