"""A project's docker-compose.yml, started: land, run under Dagster, ask Cube, and nothing is left of it.

No image can be pulled here; what stands in for them is in stack/images.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from lakekit.scaffold import new

from .. import compose, cube_server, docker_daemon
from ..cube_server import STAND_IN, Client
from ..dagster_server import DagsterServer
from ..stack.images.build import build_deployed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHED = {"minio": 9000, "nessie": 19120, "trino": 8080, "dagster-webserver": 3000, "cube": 4000}
DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
EVENTS = """
query ($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection {
  events { __typename ... on LogsCapturedEvent { fileKey } }
} } } }
"""
TERMINATE = """
mutation ($id: String!) { terminateRun(runId: $id) { __typename ... on PythonError { message } } }
"""
PRINTED = "query ($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"


class Deployed:
    """A project under compose, its secrets made up."""

    def __init__(self, project: Path, docker: str) -> None:
        self.project = project
        self.services: dict[str, Any] = yaml.safe_load((project / "docker-compose.yml").read_text())[
            "services"
        ]
        self.secrets = {
            name: secrets.token_hex(20)
            for name in re.findall(r"^(\w+)=$", (project / ".env.example").read_text(), re.MULTILINE)
        }
        self.label = f"label=com.docker.compose.project={project.name}"
        self._environment = {**os.environ, "DOCKER_HOST": docker, "DOCKER_BUILDKIT": "0"}

    def compose(self, *arguments: str) -> str:
        # It has the limits of memory kept, as newer releases of compose do without being told.
        return self.run(*compose.command(), "--compatibility", *arguments)

    def docker(self, *arguments: str) -> list[str]:
        return self.run("docker", *arguments).splitlines()

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.project, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def lakekit(self, *arguments: str) -> str:
        """What lakekit prints in a container of the project's."""
        return self.compose("run", "--rm", "-T", "lake", "lakekit", *arguments)

    def containers(self) -> dict[str, Any]:
        """What Docker knows of each service's container."""
        found = self.docker("ps", "--all", "--quiet", "--filter", self.label)
        told = json.loads("\n".join(self.docker("inspect", *found)))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in told}

    def address(self, service: str) -> str:
        return f"http://{self.compose('port', service, str(PUBLISHED[service])).strip()}"


@contextmanager
def deployed(project: Path, docker: str) -> Iterator[Deployed]:
    """Start it on ports that are free; all that it made is removed at the end."""
    compose_file = project / "docker-compose.yml"
    text, count = re.subn(r'"127\.0\.0\.1:\d+:', '"127.0.0.1::', compose_file.read_text())
    assert count == len(PUBLISHED)
    compose_file.write_text(text)
    one = Deployed(project, docker)
    (project / ".env").write_text("".join(f"{name}={value}\n" for name, value in one.secrets.items()))
    built = {name: {"build": {"network": "host"}} for name, told in one.services.items() if "build" in told}
    # No name server answers in these networks: Nessie would wait for what it asks one as it starts.
    nessie = {"extra_hosts": ["metadata.google.internal:127.0.0.1", "dns:127.0.0.11"]}
    modules, node = cube_server.installed() / "node_modules", cube_server.node()
    cube = {"volumes": [f"{modules}:/cube/node_modules:ro", f"{node}:/usr/local/bin/node:ro"]}
    override = {"services": {**built, "nessie": nessie, "cube": cube}}
    (project / "docker-compose.override.yml").write_text(yaml.safe_dump(override))
    try:
        one.compose("up", "--detach", "--build")
        yield one
    except Exception as error:
        error.add_note(one.compose("ps", "--all"))
        error.add_note(one.compose("logs", "--no-color", "--tail=60"))
        raise
    finally:
        one.compose("down", "--volumes", "--rmi", "local")


def images(project: Path) -> dict[str, str]:
    """What the project is deployed on."""
    services = yaml.safe_load((project / "docker-compose.yml").read_text())["services"]
    [python] = re.findall(r"^FROM (\S+)$", (project / "deploy/Dockerfile").read_text(), re.MULTILINE)
    return {**{name: told["image"] for name, told in services.items() if "image" in told}, "python": python}


@pytest.mark.timeout(1800)  # alone it takes some four minutes, beside all other tests on two cores far more
def test_a_project_runs_under_compose(tmp_path: Path) -> None:
    warnings.warn(STAND_IN, stacklevel=1)
    compose.command()
    docker = docker_daemon.host()
    project = new(tmp_path / "shop", sources="shopify")
    build_deployed(docker, images(project))
    with deployed(project, docker) as one:
        one.lakekit(
            "land", "--source", "shopify", "--", "python", "-m", "lakekit.demo.shop", "shopify", "read"
        )
        assert_nobody_else_reaches_them(one)
        assert_all_are_healthy(one)

        dagster = DagsterServer(one.address("dagster-webserver"), tmp_path / "none")
        daemons = dagster.ask(DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        assert daemons
        assert all(daemon["healthy"] for daemon in daemons if daemon["required"]), daemons
        before = main(one)
        assert_a_run_is_ended_by_whom_the_page_asks(dagster)
        assert main(one) == before
        run = dagster.launch()
        over = dagster.over(run, seconds=600)
        assert over["status"] == "SUCCESS", printed(dagster, run)
        assert over["tags"]["lake/published"] == main(one) != before
        # What a run prints is told by the webserver, whoever ran it.
        assert "fct_daily_sales" in printed(dagster, run)

        assert_cube_answers_what_the_mart_holds(one)
        assert_all_are_healthy(one)
    for kind in ("container", "volume", "network"):
        all_of_them = ["--all"] if kind == "container" else []
        assert one.docker(kind, "ls", "--quiet", *all_of_them, "--filter", one.label) == []


def main(one: Deployed) -> str:
    return str(httpx.get(f"{one.address('nessie')}/api/v2/trees/main").json()["reference"]["hash"])


def assert_a_run_is_ended_by_whom_the_page_asks(dagster: DagsterServer) -> None:
    run = dagster.launch()
    dagster.until(run, {"STARTED"}, seconds=300)
    assert dagster.ask(TERMINATE, id=run)["terminateRun"] == {"__typename": "TerminateRunSuccess"}
    assert dagster.over(run, seconds=120)["status"] == "CANCELED", printed(dagster, run)


def assert_all_are_healthy(one: Deployed) -> None:
    until = time.monotonic() + 600
    while not_yet := {
        name: found["State"]
        for name, found in one.containers().items()
        if name != "lake" and found["State"]["Health"]["Status"] != "healthy"
    }:
        assert time.monotonic() < until, not_yet
        time.sleep(1)
    found = one.containers()
    assert found.keys() == one.services.keys()
    assert found["lake"]["State"]["ExitCode"] == 0
    assert not any(
        told["RestartCount"] for name, told in found.items() if name != "lake"
    )  # that one tries again


def assert_nobody_else_reaches_them(one: Deployed) -> None:
    published = {
        name: ports
        for name, found in one.containers().items()
        if (ports := {port: at for port, at in found["NetworkSettings"]["Ports"].items() if at})
    }
    assert {name: list(ports) for name, ports in published.items()} == {
        name: [f"{port}/tcp"] for name, port in PUBLISHED.items()
    }
    for ports in published.values():
        assert {bound["HostIp"] for at in ports.values() for bound in at} == {"127.0.0.1"}


def printed(dagster: DagsterServer, run: str) -> str:
    """What the run's processes have written."""
    events = dagster.ask(EVENTS, id=run)["runOrError"]["eventConnection"]["events"]
    keys = [event["fileKey"] for event in events if event["__typename"] == "LogsCapturedEvent"]
    logs = [dagster.ask(PRINTED, key=[run, "compute_logs", key])["capturedLogs"] for key in keys]
    return "".join((log["stdout"] or "") + (log["stderr"] or "") for log in logs)


def assert_cube_answers_what_the_mart_holds(one: Deployed) -> None:
    client = Client(one.address("cube"), one.secrets["CUBE_API_SECRET"])
    rows = client.load(
        measures=["daily_sales.sum_orders"],
        timeDimensions=[{"dimension": "daily_sales.sales_date", "granularity": "day"}],
        limit=50000,
    )
    told = {row["daily_sales.sales_date.day"][:10]: int(row["daily_sales.sum_orders"]) for row in rows}
    wanted = json.loads(
        one.lakekit(
            "sql", "--json", "select sales_date, sum(orders) as n from marts.fct_daily_sales group by 1"
        )
    )
    assert wanted
    assert told == {row["sales_date"][:10]: row["n"] for row in wanted}
