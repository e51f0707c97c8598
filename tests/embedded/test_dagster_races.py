"""Runs that publish at once, runs that are killed, landings that come in between: no update is lost, none is published twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from dagster import DagsterInstance

from lakekit import Lake
from lakekit.dagster import sweep

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 25

# A run adds one row to a table that others add to, and says whose it is.
DEFINITIONS = """
import os, time
from pathlib import Path
from dagster import AssetExecutionContext, Definitions, asset
from lakekit.dagster import LakeResource, publish_executor

@asset(key=["shop", "sales"])
def sales(context: AssetExecutionContext, lake: LakeResource) -> None:
    with lake.at_run(context) as work:
        held = work.sql("select count(*) as n from shop.sales").rows()[0]["n"]
        work.load("shop.sales", [{"id": context.run_id, "before": held}])
        work.catalog.record_checks(work.ref, {"counted": True})
        if "WAIT" in os.environ:
            Path(os.environ["WAIT"]).touch()
            time.sleep(60)

definitions = Definitions(
    assets=[sales], resources={"lake": LakeResource(project=__file__)}, executor=publish_executor(__file__)
)
"""
RUNS = """
import sys
from dagster import DagsterInstance
from definitions import definitions
from lakekit.dagster.testing import run_assets
with DagsterInstance.ephemeral() if len(sys.argv) < 3 else DagsterInstance.local_temp(sys.argv[2]) as instance:
    for _ in range(int(sys.argv[1])):
        ran = run_assets(definitions, instance=instance)
        told = [event.message for event in ran.all_events if event.event_type_value == "ENGINE_EVENT"]
        again = any("All is built again" in message for message in told)
        print("RAN", ran.run_id, ran.success, instance.get_run_by_id(ran.run_id).tags.get("lake/published"), again, flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").touch()
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    with Lake.connect(tmp_path) as lake:
        lake.load("shop.sales", [{"id": "the first", "before": 0}])
    return tmp_path


def start(project: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNS, *map(str, arguments)],
        cwd=project,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_two_that_publish_at_once_fifty_times_lose_nothing(project: Path) -> None:
    runners = [start(project, ROUNDS) for _ in range(2)]
    told = "".join(runner.communicate(timeout=300)[0] for runner in runners)
    runs = [line.split()[1:] for line in told.splitlines() if line.startswith("RAN")]
    assert len(runs) == 2 * ROUNDS
    published = {id_: hash_ for id_, success, hash_, _ in runs if success == "True"}
    # One that met a conflict built again; one that met a second gave up, and said so.
    assert any(again == "True" for *_, again in runs)
    assert all(hash_ == "None" for _, success, hash_, _ in runs if success != "True")
    assert len(set(published.values())) == len(published) > ROUNDS
    with Lake.connect(project) as lake:
        rows = lake.sql("select id, before from shop.sales order by before").rows()
        assert {row["id"] for row in rows} == {"the first", *published}
        # Each saw all that had been published before it, and nothing else.
        assert [row["before"] for row in rows] == [0, *range(1, len(published) + 1)]
        kept = {ref.name for ref in lake.catalog.refs()} - {"main"}
        assert kept == {f"run-{id_[:8]}" for id_, success, *_ in runs if success != "True"}


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
    (project / "definitions.py").write_text(DEFINITIONS.replace("time.sleep(60)", "time.sleep(3)"))
    runner = start(project, 1, WAIT=str(there))
    while not there.exists():
        assert runner.poll() is None
        time.sleep(0.05)
    with Lake.connect(project) as lake:
        lake.load("shop.visits", [{"id": 1}])
    told, _ = runner.communicate(timeout=120)
    assert "True" in told
    with Lake.connect(project) as lake:
        assert len(lake.sql("select * from shop.visits")) == 1
        assert len(lake.sql("select * from shop.sales")) == 2
