"""Runs that add a row each to one table, in processes of their own: what is published at once must all be there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from lakekit import Lake

if TYPE_CHECKING:
    from pathlib import Path

# A run adds one row to a table that others add to, and says whose it is. Where it is to wait it does so when all is written.
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
        there = Path(os.environ["WAIT"])
        there.touch()
        while there.exists():
            time.sleep(0.05)

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


def prepare(project: Path) -> None:
    """Let the table be there, and what runs add to it, in a folder that has its ``lakekit.toml``."""
    (project / "definitions.py").write_text(DEFINITIONS)
    with Lake.connect(project) as lake:
        lake.load("shop.sales", [{"id": "the first", "before": 0}])


def start(project: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """So many runs, one after the other; their instance is in the folder that is named next, or nowhere."""
    return subprocess.Popen(
        [sys.executable, "-c", RUNS, *map(str, arguments)],
        cwd=project,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def publish_at_once(project: Path, rounds: int, seconds: float) -> int:
    """Have two processes publish that often each, and look that nothing is lost or there twice; how many had a conflict."""
    runners = [start(project, rounds) for _ in range(2)]
    told = "".join(runner.communicate(timeout=seconds)[0] for runner in runners)
    runs = [line.split()[1:] for line in told.splitlines() if line.startswith("RAN")]
    assert len(runs) == 2 * rounds
    published = {id_: hash_ for id_, success, hash_, _ in runs if success == "True"}
    # One that met a conflict built again; one that met a second gave up, and said so.
    assert all(hash_ == "None" for _, success, hash_, _ in runs if success != "True")
    assert len(set(published.values())) == len(published) > rounds
    with Lake.connect(project) as lake:
        rows = lake.sql("select id, before from shop.sales order by before").rows()
        assert {row["id"] for row in rows} == {"the first", *published}
        # Each saw all that had been published before it, and nothing else.
        assert [row["before"] for row in rows] == [0, *range(1, len(published) + 1)]
        kept = {ref.name for ref in lake.catalog.refs()} - {"main"}
        assert kept == {f"run-{id_[:8]}" for id_, success, *_ in runs if success != "True"}
    return sum(again == "True" for *_, again in runs)
