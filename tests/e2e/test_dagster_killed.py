"""A sync is over, and Dagster is killed before the run that it asks for has published: that happens all the same, once."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import psutil
import pytest
import yaml
from dagster import DagsterInstance, DagsterRunStatus

from lakekit import Lake
from lakekit.dagster.refs import PUBLISHED
from lakekit.scaffold import TEMPLATE

from ..dagster_server import dagster_dev

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..airbyte_server import AirbyteServer
    from ..dagster_server import DagsterServer

DEFINITIONS: Final = """
import time
from pathlib import Path
from dagster import AssetCheckResult, AssetExecutionContext, AssetSpec, Definitions, asset, asset_check
from lakekit.dagster import LakeResource, airbyte_sensor, publish_executor

@asset(key=["marts", "totals"], deps=[["shopify", "orders"]])
def totals(context: AssetExecutionContext, lake: LakeResource) -> None:
    with lake.at_run(context) as work:
        [held] = work.sql("select count(*) as n from shopify.orders").rows()
        work.load("marts.totals", [{"id": context.run.run_id, "orders": held["n"]}])
    Path("there").touch()
    while Path("wait").exists():
        time.sleep(0.05)

@asset_check(asset=totals)
def is_whole() -> AssetCheckResult:
    return AssetCheckResult(passed=True)

definitions = Definitions(
    assets=[totals, AssetSpec(["shopify", "orders"])], asset_checks=[is_whole], sensors=[airbyte_sensor(__file__)],
    resources={"lake": LakeResource(project=__file__)}, executor=publish_executor(__file__)
)
"""
REQUESTED: Final = {DagsterRunStatus.NOT_STARTED, DagsterRunStatus.QUEUED}
SETTINGS: Final = TEMPLATE / "{{ cookiecutter.name }}" / ".dagster" / "dagster.yaml"


@pytest.fixture
def project(tmp_path: Path, airbyte: AirbyteServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "orchestration"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "definitions.py").write_text(DEFINITIONS)
    (tmp_path / "pyproject.toml").write_text('[tool.dagster]\nmodule_name = "orchestration.definitions"\n')
    (tmp_path / "lakekit.toml").touch()
    with Lake.connect(tmp_path) as lake:
        lake.load("shopify.orders", [{"id": 1}, {"id": 2}])
    for name, value in airbyte.environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def instance(project: Path) -> Iterator[DagsterInstance]:
    """What a scaffolded project sets, with less patience, but for a busy machine with more tries."""
    settings = yaml.safe_load(SETTINGS.read_text())
    settings["run_retries"] |= {"max_retries": 4}
    settings["run_monitoring"] |= {
        "start_timeout_seconds": 45,
        "max_runtime_seconds": 45,
        "poll_interval_seconds": 1,
    }
    home = project / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


@pytest.mark.parametrize(
    ("when", "killed"),
    [
        ("requested", "the daemon"),
        ("launched", "all of Dagster"),
        ("under way", "the daemon"),
        ("under way", "all of Dagster"),
    ],
)
def test_a_sync_is_published_once_whenever_dagster_is_killed(
    project: Path, airbyte: AirbyteServer, instance: DagsterInstance, when: str, killed: str
) -> None:
    connection = airbyte.add_connection("Shopify", ["orders"], airbyte.add_destination("shopify"))
    home = project / "home"

    def is_time() -> bool:
        statuses = {run.status for run in instance.get_runs()}
        match when:
            case "requested":
                return bool(statuses & REQUESTED)
            case "launched":
                return DagsterRunStatus.STARTING in statuses
            case _:
                return (project / "there").exists()

    with dagster_dev(project, home) as server:
        until(lambda: "is watched from now on" in server.log.read_text(), server)
        (project / "wait").touch()
        airbyte.sync(connection)
        until(is_time, server, pause=0.002)
        for process in processes(home):
            with suppress(psutil.NoSuchProcess):  # it may have ended by itself since
                if killed == "all of Dagster" or "dagster._daemon" in process.cmdline():
                    process.kill()
        (project / "wait").unlink()
        until(lambda: not processes(home), server)

    with dagster_dev(project, home) as server:
        until(lambda: any(run.is_success for run in instance.get_runs()), server)
        ticks = server.log.read_text().count("Checking for new runs for sensor")
        until(lambda: server.log.read_text().count("Checking for new runs for sensor") > ticks + 1, server)
    runs = instance.get_runs()
    [published] = [run for run in runs if run.is_success]
    assert all(run.is_finished for run in runs)
    assert len({run.root_run_id or run.run_id for run in runs}) == 1  # asked for once
    with Lake.connect(project) as lake:
        assert [(row["id"], row["orders"]) for row in lake.sql("select * from marts.totals")] == [
            (published.run_id, 2)
        ]
        assert published.tags[PUBLISHED] == lake.log(1)[0].hash
        assert sum("publish" in commit.message for commit in lake.log()) == 1


def processes(home: Path) -> list[psutil.Process]:
    """Those of the Dagster whose home this is."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("DAGSTER_HOME") == str(home)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def until(holds: Callable[[], bool], server: DagsterServer, pause: float = 0.2, seconds: float = 300) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, server.log.read_text()[-4000:]
        time.sleep(pause)
