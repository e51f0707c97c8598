"""What tests of the stack itself share: stacks of their own, and disks that can be full or locked."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from lakekit.catalog.nessie import NessieCatalog
from lakekit.engine.trino import TrinoEngine
from lakekit.stack import Stack, minio
from lakekit.stack.artifacts import default_cache

from .. import docker_daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lakekit.stack import Endpoints


@pytest.fixture(params=["minio", "s3proxy", "docker"])
def make_stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Stack]:
    """Makes a stack in a folder: child processes with either S3 store, and containers, in turn."""
    if request.param == "docker":
        monkeypatch.setenv("DOCKER_HOST", docker_daemon.host())
        return lambda folder: Stack(folder, backend="docker")
    if request.param == "minio":
        needs_minio()
    return lambda folder: Stack(folder, store=request.param)


def needs_minio() -> None:
    if minio.find(default_cache()) is None:
        pytest.skip("no MinIO: `lakekit stack fetch` builds one where Go is installed")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Makes a disk of its own with mount's options, e.g. ``size=1m``."""
    mounted: list[Path] = []

    def make(options: str) -> Path:
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "lakekit-test", str(place)]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("a disk of its own needs the command mount")
        if done.returncode:
            pytest.skip(f"a disk of its own needs the right to mount one: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def engine(endpoints: Endpoints) -> Iterator[TrinoEngine]:
    catalog = NessieCatalog(endpoints)
    on_trino = TrinoEngine(endpoints, catalog)
    yield on_trino
    on_trino.close()
    catalog.close()


def make_table(endpoints: Endpoints) -> None:
    """An empty table ``core.t`` of numbers, on main."""
    catalog = NessieCatalog(endpoints)
    catalog.create_branch("first")  # gives the empty lake its schemas
    catalog.delete_branch("first")
    catalog.close()
    with engine(endpoints) as on_trino:
        on_trino.execute("main", "create table core.t (n bigint)")


def insert(endpoints: Endpoints, number: int) -> None:
    with engine(endpoints) as on_trino:
        on_trino.execute("main", f"insert into core.t values ({number})")


def numbers(endpoints: Endpoints) -> list[int]:
    with engine(endpoints) as on_trino:
        return [row["n"] for row in on_trino.execute("main", "select n from core.t order by n").to_pylist()]


def kill(stack: Stack, name: str) -> None:
    """Kill a service, and return once its backend knows: Docker hears of it a moment later."""
    (pid,) = (service.pid for service in stack.status() if service.name == name)
    process = psutil.Process(pid)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    assert eventually(lambda: name in (one.name for one in stack.status() if one.health == "ended"))


def say(stack: Stack, name: str, text: str) -> None:
    """Write to where a service's output goes, as if it had said it."""
    (pid,) = (service.pid for service in stack.status() if service.name == name)
    with Path(f"/proc/{pid}/fd/1").open("a") as output:
        output.write(text)


def marked(folder: Path) -> list[psutil.Process]:
    """Every process that works in a stack's folder, or has it mounted in its container, whoever started it."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
