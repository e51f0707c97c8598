"""Fixtures that every kind of test shares: one stack for a whole run, and a lake on either engine."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from . import docker_daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

    from lakekit import Lake
    from lakekit.stack import Endpoints, Stack

    from .airbyte_server import AirbyteServer

_STACK = "LAKEKIT_TEST_STACK"
_OWNER = "LAKEKIT_TEST_OWNER"


def pytest_configure(config: pytest.Config) -> None:
    # The controller names the folder before it starts its workers, which inherit the environment.
    if not hasattr(config, "workerinput"):
        os.environ[_STACK] = tempfile.mkdtemp(prefix="lakekit-test-stack-")
        os.environ[_OWNER] = str(os.getpid())
        os.environ[docker_daemon.FOLDER] = tempfile.mkdtemp(prefix="lakekit-test-docker-")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Let tests of a file that share a fixture run on one worker: there it is made once. All others go one by one."""
    from xdist.scheduler import LoadScopeScheduling

    @cache
    def shares(file: str) -> bool:
        return 'scope="module"' in (config.rootpath / file).read_text(encoding="utf-8")

    class Scheduling(LoadScopeScheduling):
        @override
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if shares(file) else nodeid

    return Scheduling(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        from lakekit.stack import Stack

        folder = Path(os.environ.pop(_STACK))
        Stack(folder).down()
        shutil.rmtree(folder)
        docker_daemon.stop(Path(os.environ.pop(docker_daemon.FOLDER)))


@pytest.fixture(scope="session")
def stack() -> Endpoints:
    """Trino, Nessie and an S3 store: real ones, started by whichever worker asks first, shared by all."""
    from lakekit.stack import Stack

    return Stack(Path(os.environ[_STACK])).up(ephemeral=True, owner=int(os.environ[_OWNER]))


@pytest.fixture(scope="session", params=["process", "docker"])
def either_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The shared stack, as child processes and as containers in turn."""
    from lakekit.stack import Stack

    if request.param == "process":
        request.getfixturevalue("stack")
        yield Stack(Path(os.environ[_STACK]))
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker_daemon.host())
        containers = Stack(docker_daemon.stack_folder(), backend="docker")
        containers.up(ephemeral=True, owner=int(os.environ[_OWNER]))
        yield containers


@pytest.fixture(params=["embedded", "trino"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """An empty lake in a new project, on each engine in turn.

    On the shared stack its "main" is a branch of its own, so that tests do not see each other.
    """
    from lakekit import Lake
    from lakekit.scaffold import new

    project = tmp_path / "shop"
    new(project, engine=request.param)
    if request.param == "embedded":
        with Lake.connect(project) as embedded:
            yield embedded
        return
    request.getfixturevalue("stack")
    monkeypatch.setenv("LAKEKIT_STACK", os.environ[_STACK])
    with Lake.connect(project) as trino:
        # Main of the shared stack stays empty: no test publishes into it.
        own_main = trino.branch(f"test-{secrets.token_hex(4)}").ref
        yield trino.at(own_main)
        trino.delete_branch(own_main)


@pytest.fixture
def airbyte() -> Iterator[AirbyteServer]:
    """A stand-in of an Airbyte server that has nothing yet."""
    from .airbyte_server import airbyte_server

    with airbyte_server() as server:
        yield server
