"""``lakekit demo`` as a person types it: the whole story, and once more for the week after."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil

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
        embedded = answer(tmp_path, "demo", "--orders", "150", "--dir", "same-shop")
        assert outcome["daily_sales"] == embedded["daily_sales"]
        assert outcome["top_products"] == embedded["top_products"]
        running = [psutil.Process(service["pid"]) for service in answer(project, "status")]
        assert len(running) == 3
    finally:
        down = lakekit(tmp_path / "shop", "down")
    assert down.returncode == 0
    assert not [process for process in running if process.is_running() and process.status() != "zombie"]
    refused = lakekit(tmp_path / "shop", "sql", "select 1")
    assert refused.returncode == 1
    assert "lakekit up" in refused.stderr
