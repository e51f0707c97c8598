"""The stack's life: up, found again, healed, down, with nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from jgo.maven import MavenContext

from lakekit.catalog.nessie import NessieCatalog
from lakekit.engine.trino import TrinoEngine
from lakekit.errors import StackFailed
from lakekit.settings import Ports
from lakekit.stack import Stack
from lakekit.stack.artifacts import S3PROXY, Artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from lakekit.stack import Endpoints


def test_a_stack_comes_up_is_found_again_heals_and_goes_down(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack")
    try:
        endpoints = stack.up()
        first = stack.status()
        assert [service.running for service in first] == [True, True, True]
        assert sum(service.memory for service in first) < 1.2 * 2**30
        assert stat.S_IMODE((stack.folder / "credentials.json").stat().st_mode) == 0o600
        assert endpoints.s3_secret_key not in repr(endpoints)
        for service in first:
            listening = [
                c for c in psutil.Process(service.pid).net_connections("tcp") if c.status == "LISTEN"
            ]
            assert listening
            assert all(c.laddr.ip.removeprefix("::ffff:") in {"127.0.0.1", "::1"} for c in listening), service

        _publish_something_into_the_empty_lake(endpoints)

        assert Stack(stack.folder).up() == endpoints
        assert [service.pid for service in stack.status()] == [service.pid for service in first]

        os.kill(first[1].pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(first[1].pid)], timeout=10)
        with pytest.raises(StackFailed, match="not running"):
            stack.endpoints()
        stack.up()
        healed = stack.status()
        assert [service.running for service in healed] == [True, True, True]
        assert _names(stack.endpoints()) == ["a"]  # data outlives the service that held it
    finally:
        stopped = stack.down()
    assert len(stopped) == 3
    assert not [service for service in (*first, *healed) if psutil.pid_exists(service.pid)]
    assert stack.status() == []
    assert stack.down() == []


def _publish_something_into_the_empty_lake(endpoints: Endpoints) -> None:
    catalog = NessieCatalog(endpoints)
    engine = TrinoEngine(endpoints, catalog)
    catalog.create_branch("first")
    engine.execute("first", "create table core.t as select 'a' as name")
    catalog.merge("first")
    engine.forget("first")
    catalog.delete_branch("first")
    assert _names(endpoints) == ["a"]


def _names(endpoints: Endpoints) -> list[str]:
    engine = TrinoEngine(endpoints, NessieCatalog(endpoints))
    return [row["name"] for row in engine.execute("main", "select name from core.t").to_pylist()]


def test_two_ups_at_once_end_in_one_stack(tmp_path: Path) -> None:
    up = "import sys; from pathlib import Path; from lakekit.stack import Stack; print(Stack(Path(sys.argv[1])).up().trino_uri)"
    folder = tmp_path / "stack"
    both = [
        subprocess.Popen([sys.executable, "-c", up, str(folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        said = [process.communicate(timeout=300)[0] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert said[0] == said[1]
        pids = [service.pid for service in Stack(folder).status()]
        assert len(pids) == 3
        mine = [
            p.pid
            for p in psutil.process_iter(["cmdline"])
            if str(folder) in " ".join(p.info["cmdline"] or [])
        ]
        assert set(mine) <= set(pids)
    finally:
        Stack(folder).down()


def test_a_taken_port_is_named_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StackFailed, match=f"Port {port}, fixed for nessie") as caught:
            Stack(tmp_path, Ports(nessie=port)).up()
    assert "lakekit.toml" in caught.value.todo
    assert Stack(tmp_path).status() == []


def test_a_damaged_download_is_fetched_again(tmp_path: Path) -> None:
    reports: list[str] = []
    maven = MavenContext(repo_cache=tmp_path / "m2", timeout=60)
    artifacts = Artifacts(reports.append, cache=tmp_path / "cache", maven=maven)
    component = maven.project(S3PROXY.group, S3PROXY.name).at_version(S3PROXY.version)
    damaged = component.artifact(classifier=S3PROXY.classifier, packaging=S3PROXY.packaging).cached_path
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"half a j")
    assert artifacts.file(S3PROXY).stat().st_size > 10_000_000
    assert any("damaged" in report for report in reports)


def test_without_a_network_the_missing_file_is_named(tmp_path: Path) -> None:
    offline = MavenContext(
        repo_cache=tmp_path / "m2", remote_repos={"none": "http://127.0.0.1:9/"}, timeout=2
    )
    with pytest.raises(StackFailed, match=S3PROXY.filename) as caught:
        Artifacts(lambda _: None, cache=tmp_path / "cache", maven=offline).file(S3PROXY)
    assert "network" in caught.value.todo
    assert not list((tmp_path / "cache").rglob("*.jar"))
