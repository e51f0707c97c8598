"""From Airbyte's "succeeded" to a mart on main, and what the sensor asks of Airbyte for it.

Airbyte is the tests' stand-in on this machine. The project is the scaffolded one on the embedded engine, with the demo's
shop, under a running `dagster dev`: a sync lands a week, Airbyte says that it succeeded, and from then on it is timed
until a run has published. `lakekit new`, which makes such a project, is timed, too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter
from tests.airbyte_server import airbyte_server
from tests.dagster_server import dagster_dev
from tests.embedded.airbyte_watch import Watch

from lakekit import Lake
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog
from lakekit.scaffold import new

from .measure import keep, lakekit, run, spread, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.airbyte_server import AirbyteServer
    from tests.dagster_server import DagsterServer

CONNECTIONS: Final = 200
_OVER: Final = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def ticks(folder: Path, runs: int) -> str:
    """A tick that finds nothing, and one that finds that every connection has synced."""
    quiet, busy = [], []
    with airbyte_server() as airbyte, patch.dict("os.environ", airbyte.environment):
        (folder / "lakekit.toml").touch()
        connections = [
            airbyte.add_connection(f"Shop {n}", ["orders"], airbyte.add_destination(f"shop{n}"))
            for n in range(CONNECTIONS)
        ]
        models = {f"streams.stg_shop{n}__orders": [f"shop{n}.orders"] for n in range(CONNECTIONS)}
        watch = Watch(folder, models)
        watch.tick()
        for _ in range(runs):
            quiet.append(tick(watch, airbyte))
            for connection in connections:
                airbyte.sync(connection)
            busy.append(tick(watch, airbyte))
            watch.tick()
    return table(
        (f"a tick over {CONNECTIONS} connections", "seconds", "calls"),
        [
            (name, spread((seconds for seconds, _ in found), 3), spread((calls for _, calls in found), 0))
            for name, found in (("nothing has synced", quiet), ("all have synced", busy))
        ],
    )


def tick(watch: Watch, airbyte: AirbyteServer) -> tuple[float, int]:
    airbyte.calls.clear()
    started = time.perf_counter()
    watch.evaluate()
    return time.perf_counter() - started, len(airbyte.calls)


def published(folder: Path, runs: int) -> str:
    """The first sync, with everything to build, and some more of a week each."""
    project = new(folder / "shop")
    found: list[dict[str, float]] = []
    with airbyte_server() as airbyte, patch.dict("os.environ", airbyte.environment):
        connections = [
            airbyte.add_connection(source.title(), list(streams(source)), airbyte.add_destination(source))
            for source in ("shopify", "klaviyo")
        ]
        home = project / ".dagster"  # with the settings that a project brings
        with dagster_dev(project, home) as server, DagsterInstance.from_config(str(home)) as instance:
            until_it_watches(server)
            for week in range(1, runs + 2):
                with Lake.connect(project) as lake:
                    land(lake, week)
                synced = time.time()
                for connection in connections:
                    airbyte.sync(connection)
                found.append(stages(instance, synced, week, server))
    return table(
        ('since Airbyte\'s "succeeded", seconds', "first sync, 5,000 orders", "a week more"),
        [(name, spread([found[0][name]]), spread(one[name] for one in found[1:])) for name in found[0]],
    )


def stages(instance: DagsterInstance, synced: float, number: int, server: DagsterServer) -> dict[str, float]:
    """How long each part took of what leads from a sync to main."""
    ends = time.monotonic() + 240
    while len(over := instance.get_run_records(RunsFilter(statuses=_OVER))) < number:
        if time.monotonic() > ends:
            raise RuntimeError(server.log.read_text()[-4000:])
        time.sleep(0.05)
    [newest] = [one for one in over if one.create_timestamp.timestamp() > synced]
    if "lake/published" not in newest.dagster_run.tags:
        raise RuntimeError(server.log.read_text()[-4000:])
    events = [log for log in instance.all_logs(newest.dagster_run.run_id) if log.dagster_event]
    times = {one.dagster_event_type: one.timestamp for one in reversed(events)}
    steps = max(one.timestamp for one in events if one.dagster_event_type is DagsterEventType.STEP_SUCCESS)
    at = {
        "until the sensor's tick asks for a run": newest.create_timestamp.timestamp(),
        "until Dagster's daemon launches it": times[DagsterEventType.PIPELINE_STARTING],
        "until its process has begun": times[DagsterEventType.PIPELINE_START],
        "until its first step": times[DagsterEventType.STEP_START],
        "building and checking": steps,
        "publishing": times[DagsterEventType.PIPELINE_SUCCESS],
    }
    told = {
        name: after - before
        for name, (before, after) in zip(at, pairwise([synced, *at.values()]), strict=True)
    }
    return {**told, "in all": sum(told.values())}


def scaffolding(folder: Path, runs: int) -> str:
    found = [run(lakekit("new", f"shop-{number}", "--no-input"), folder) for number in range(runs)]
    return table(("", "seconds"), [("lakekit new", spread((one.seconds for one in found), 2))])


def streams(source: str) -> Mapping[str, object]:
    return ConfiguredCatalog.parse(Shop.configured_catalog(source)).streams


def land(lake: Lake, week: int) -> None:
    for source in ("shopify", "klaviyo"):
        configured = ConfiguredCatalog.parse(Shop.configured_catalog(source))
        lake.land(source, configured, Shop().messages(source, sync=week))


def until_it_watches(server: DagsterServer) -> None:
    ends = time.monotonic() + 60
    while "is watched from now on" not in server.log.read_text():
        if time.monotonic() > ends:
            raise RuntimeError(server.log.read_text()[-4000:])
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        keep("airbyte: the sensor", ticks(Path(folder), runs))
        keep("airbyte: a sync, published", published(Path(folder), runs))
        keep("template", scaffolding(Path(folder), runs))


if __name__ == "__main__":
    main()
