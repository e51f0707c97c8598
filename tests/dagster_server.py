"""A `dagster dev` of a project, asked as its web page asks it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB: Final = "__ASSET_JOB"
_REPOSITORY: Final = {
    "repositoryLocationName": "orchestration.definitions",
    "repositoryName": "__repository__",
}
_LAUNCH: Final = """
mutation ($selector: JobOrPipelineSelector!, $tags: [ExecutionTag!]) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}, executionMetadata: {tags: $tags}}) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
  }
}
"""
_RUN: Final = """
query ($id: ID!) { runOrError(runId: $id) { ... on Run { status startTime endTime tags { key value } } } }
"""
_OVER: Final = {"SUCCESS", "FAILURE", "CANCELED"}


class DagsterServer:
    """Answers on 127.0.0.1, with its daemon beside it."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query; fails on any error."""
        answer = httpx.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60)
        told = answer.json()
        assert "errors" not in told, told
        return dict(told["data"])

    def launch(self, assets: list[list[str]] | None = None, **tags: str) -> str:
        """Launch a run of assets, all or some, and return its id."""
        selector: dict[str, Any] = {**_REPOSITORY, "jobName": JOB}
        if assets is not None:
            selector["assetSelection"] = [{"path": path} for path in assets]
        given = [{"key": key, "value": value} for key, value in tags.items()]
        launched = self.ask(_LAUNCH, selector=selector, tags=given)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def over(self, run: str, seconds: float = 240) -> dict[str, Any]:
        """The run when it is over: its status, times and tags."""
        return self.until(run, _OVER, seconds)

    def until(self, run: str, statuses: set[str], seconds: float) -> dict[str, Any]:
        """The run when it has one of some statuses."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            found = dict(self.ask(_RUN, id=run)["runOrError"])
            if found["status"] in statuses:
                return {**found, "tags": {tag["key"]: tag["value"] for tag in found["tags"]}}
            time.sleep(0.2)
        said = self.log.read_text()[-4000:] if self.log.exists() else ""
        raise AssertionError(f"{run} is {found['status']} after {seconds} s:\n{said}")


@contextmanager
def dagster_dev(project: Path, home: Path, **environment: str) -> Iterator[DagsterServer]:
    """Run `dagster dev` in a project for as long as the block lasts; all that it started ends with it."""
    home.mkdir(exist_ok=True)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (home / ".nux").mkdir(exist_ok=True)  # or a greeting covers the page
    (home / ".nux/nux.yaml").write_text("seen: 1\n")
    log = home / "dagster.log"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as written:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "dagster", "dev", "-h", "127.0.0.1", "-p", str(port)],
            cwd=project,
            env={
                **os.environ,
                **environment,
                "DAGSTER_HOME": str(home),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}", log)
        yield DagsterServer(f"http://127.0.0.1:{port}", log)
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + 300
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(f"{url}/server_info", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"dagster dev does not answer:\n{log.read_text()[-4000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a `dagster dev` as Ctrl-C does, and all that it started."""
    tree = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(tree, timeout=10)
    for one in alive:
        one.kill()
