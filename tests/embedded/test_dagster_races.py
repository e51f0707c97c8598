"""Runs that publish at once, runs that are killed, landings that come in between: no update is lost, none is published twice."""

from __future__ import annotations

import signal
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from dagster import DagsterInstance

from lakekit import Lake
from lakekit.dagster import sweep

from ..dagster_runs import prepare, publish_at_once, start

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 25


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").touch()
    prepare(tmp_path)
    return tmp_path


def test_two_that_publish_at_once_fifty_times_lose_nothing(project: Path) -> None:
    assert publish_at_once(project, ROUNDS, seconds=300)


def test_a_run_that_is_killed_publishes_nothing_and_its_branch_is_swept(project: Path) -> None:
    home = project / "dagster"
    home.mkdir()
    there = project / "there"
    runner = start(project, 1, home, WAIT=str(there))
    try:
        for _ in range(600):
            if there.exists():
                break
            time.sleep(0.1)
        else:
            pytest.fail("the run did not come so far")
        with Lake.connect(project) as lake:
            lake.load("shop.visits", [{"id": 1}])  # meanwhile something lands on main
    finally:
        runner.send_signal(signal.SIGKILL)
        runner.communicate()
    with DagsterInstance.local_temp(str(home)) as instance, Lake.connect(project) as lake:
        [branch] = {ref.name for ref in lake.catalog.refs()} - {"main"}
        assert lake.sql("select count(*) as n from shop.sales").rows() == [{"n": 1}]
        # Dagster has not noticed yet: for all it knows, the run is under way.
        assert sweep(lake, instance, timedelta(0)) == []
        [run] = instance.get_runs()
        instance.report_run_failed(run)
        assert sweep(lake, instance, timedelta(0)) == [branch]


def test_what_lands_on_main_during_a_run_is_in_no_ones_way(project: Path) -> None:
    there = project / "there"
    runner = start(project, 1, WAIT=str(there))
    while not there.exists():
        assert runner.poll() is None
        time.sleep(0.05)
    with Lake.connect(project) as lake:
        lake.load("shop.visits", [{"id": 1}])
    there.unlink()
    told, _ = runner.communicate(timeout=120)
    assert "True" in told
    with Lake.connect(project) as lake:
        assert len(lake.sql("select * from shop.visits")) == 1
        assert len(lake.sql("select * from shop.sales")) == 2
