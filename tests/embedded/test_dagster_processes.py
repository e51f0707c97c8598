"""Runs of the scaffolded project in processes of their own: a process a step, canceled ones, and who lets dbt parse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from dagster import AssetKey, AssetRecordsFilter, DagsterEventType, DagsterInstance, DagsterRunStatus

from lakekit import Lake
from lakekit.dagster.refs import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW = """
select count(*) as pairs
from {{{{ ref('{before}') }}}}
cross join unnest(sequence(1, 8000)) as a (x)
cross join unnest(sequence(1, 8000)) as b (y)
where x * y % 7 = 3
"""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    with DagsterInstance.from_config(str(tmp_path / "home")) as instance:
        yield instance


def materialize(project: Path, instance: DagsterInstance, select: str) -> subprocess.Popen[str]:
    """What a person types in a project."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "dagster", "asset", "materialize"),
            *("-m", "orchestration.definitions", "--select", select),
        ],
        cwd=project,
        env={**os.environ, "DAGSTER_HOME": instance.root_directory},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def a_process_a_step(project: Path) -> None:
    file = project / "orchestration" / "definitions.py"
    text = file.read_text().replace(
        "publish_executor(__file__)", "publish_executor(__file__, multiprocess_executor)"
    )
    file.write_text("from dagster import multiprocess_executor\n" + text)


def parses(project: Path) -> dict[Path, int]:
    """What dbt writes when it parses, in whatever folder."""
    found = [*project.rglob("perf_info.json"), *project.rglob("partial_parse.msgpack")]
    return {file: file.stat().st_mtime_ns for file in found}


def test_a_process_a_step_works_on_one_branch_and_none_parses(
    project: Path, instance: DagsterInstance
) -> None:
    a_process_a_step(project)
    subprocess.run(
        [sys.executable, "-c", "import orchestration.definitions"], cwd=project, check=True, timeout=120
    )
    before = parses(project)
    assert before
    run = materialize(project, instance, "*")
    told, _ = run.communicate(timeout=300)
    assert run.returncode == 0, told[-4000:]
    [recorded] = instance.get_runs()
    started = [
        log.dagster_event.step_key
        for log in instance.all_logs(recorded.run_id, of_type=DagsterEventType.STEP_START)
        if log.dagster_event
    ]
    assert {"shopify", "klaviyo", "marts"} <= set(started)
    assert parses(project) == before
    with Lake.connect(project) as lake:
        assert recorded.tags[PUBLISHED] == lake.log(1)[0].hash
        assert [ref.name for ref in lake.catalog.refs()] == ["main"]
        assert len(lake.sql("select * from marts.fct_daily_sales")) > 10


@pytest.mark.parametrize(
    ("number", "is_split"),
    [(signal.SIGTERM, False), (signal.SIGINT, True)],
    ids=["in process, as Kubernetes ends it", "a process a step, as Dagster ends it"],
)
def test_a_run_that_is_canceled_stops_dbt_and_keeps_its_branch(
    project: Path, instance: DagsterInstance, number: signal.Signals, is_split: bool
) -> None:
    marts = project / "orchestration" / "assets" / "marts"
    (marts / "fct_slow_0.sql").write_text("select 1 as pairs")
    for model in range(1, 40):
        (marts / f"fct_slow_{model}.sql").write_text(SLOW.format(before=f"fct_slow_{model - 1}"))
    if is_split:
        a_process_a_step(project)
    run = materialize(project, instance, "key:marts/fct_slow_*")
    try:
        first = AssetRecordsFilter(AssetKey(["marts", "fct_slow_1"]))
        ends = time.monotonic() + 180
        while time.monotonic() < ends:
            # Told while dbt works on those that come after it.
            if instance.fetch_materializations(first, limit=1).records:
                break
            assert run.poll() is None, run.communicate()[0][-4000:]
            time.sleep(0.05)
        else:
            pytest.fail("the run did not come so far")
        [recorded] = instance.get_runs()
        instance.report_run_canceling(recorded)
        run.send_signal(number)
        told, _ = run.communicate(timeout=120)
    finally:
        run.kill()
        run.wait()
    [recorded] = instance.get_runs()
    assert recorded.status is DagsterRunStatus.CANCELED, told[-4000:]
    with Lake.connect(project) as lake:
        branch = lake.at(f"run-{recorded.run_id[:8]}")
        built = [str(one.table) for one in branch.diff()]
        assert "marts.fct_slow_1" in built
        assert "marts.fct_slow_39" not in built
        assert not any(table.schema == "marts" for table in lake.catalog.entries("main"))
