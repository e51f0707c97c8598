"""The stack's life: up, found again, down, up with its data, with nothing left behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from click.testing import CliRunner

from lakekit.cli import main
from lakekit.errors import StackFailed, UsageError
from lakekit.scaffold import new
from lakekit.stack import Stack
from lakekit.stack.containers import _version
from lakekit.testing import LakehouseContainers

from .. import docker_daemon
from .conftest import eventually, insert, kill, make_table, marked, numbers, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def test_a_stack_comes_up_is_found_again_and_keeps_its_data(
    tmp_path: Path, make_stack: Callable[[Path], Stack], request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "stack"
    stack = make_stack(folder)
    in_containers = request.node.callspec.params["make_stack"] == "docker"
    try:
        endpoints = stack.up()
        first = stack.status()
        assert [(service.name, service.health) for service in first[1:]] == [
            ("nessie", "ready"),
            ("trino", "ready"),
        ]
        assert first[0].name in {"minio", "s3proxy"}
        assert sum(service.memory for service in first) < 2**30
        assert all(service.version[0].isdigit() or "RELEASE" in service.version for service in first)
        assert stat.S_IMODE((folder / "credentials.json").stat().st_mode) == 0o600
        assert endpoints.s3_secret_key not in repr(endpoints)
        for service in first:
            assert endpoints.s3_secret_key not in " ".join(psutil.Process(service.pid).cmdline())
            listening = _listening(int(service.address.rpartition(":")[2]))
            assert listening
            assert listening <= {"127.0.0.1", "::1"}
            if not in_containers:  # whose other ports are in a network of their own
                everywhere = _addresses(psutil.Process(service.pid).net_connections("tcp"))
                assert everywhere <= {"127.0.0.1", "::1"}, service

        say(stack, "nessie", "one\n")
        assert eventually(lambda: stack.log("nessie").endswith("one\n"))
        so_far = stack.said("nessie")
        say(stack, "nessie", "and another\n")
        assert eventually(lambda: stack.said("nessie", so_far.mark).text == "and another\n")

        make_table(endpoints)
        insert(endpoints, 1)

        (folder / "credentials.json").chmod(0o644)
        assert Stack(folder).up() == endpoints
        assert stat.S_IMODE((folder / "credentials.json").stat().st_mode) == 0o600  # locked again
        assert [service.pid for service in stack.status()] == [service.pid for service in first]
        with pytest.raises(UsageError, match="runs with memory"):
            Stack(folder, memory=4_000_000_000).up()
        with pytest.raises(UsageError, match="runs with ephemeral False"):
            stack.up(ephemeral=True)

        assert stack.down() == [service.name for service in first]
        assert not any(psutil.pid_exists(service.pid) and _lives(service.pid) for service in first)
        assert not marked(folder)
        assert stack.status() == []
        # The store is the one that holds the data, whichever would be chosen now.
        assert numbers(make_stack(folder).up()) == [1]
    finally:
        stack.down()
    assert stack.down() == []


def _listening(port: int) -> set[str]:
    return _addresses(c for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port)


def _addresses(connections: Iterable[Any]) -> set[str]:
    """Where is listened of them."""
    return {c.laddr.ip.removeprefix("::ffff:") for c in connections if c.status == psutil.CONN_LISTEN}


def _lives(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_project_s_lake_in_containers_for_as_long_as_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_daemon.host())
    monkeypatch.chdir(new(tmp_path / "shop"))
    containers = LakehouseContainers()
    with containers as lake:
        assert lake.sql("select 1 as one").rows() == [{"one": 1}]
        with lake.branch() as work:
            work.sql("create table core.t as select 'a' as name")
            work.publish(unchecked=True)
        assert lake.sql("select name from core.t").rows() == [{"name": "a"}]
        at = containers.endpoints.trino_port
    assert not _listening(at)


def test_without_docker_containers_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(StackFailed, match="Docker does not answer") as caught:
        Stack(tmp_path / "stack", backend="docker").up()
    assert "backend" in caught.value.todo
    assert Stack(tmp_path / "stack").status() == []  # and the other backend can be had
    assert Stack(tmp_path / "stack").down() == []


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("trinodb/trino:476", "476"),
        ("localhost:5/trino", "latest"),
        ("localhost:5/trino:476", "476"),
        (f"localhost:5/trino:476@sha256:{'1a' * 32}", "476"),
        (f"localhost:5/trino@sha256:{'1a' * 32}", "sha256:1a1a1a1a1a1a"),
    ],
)
def test_an_image_s_name_says_its_version(image: str, version: str) -> None:
    assert _version(image) == version


@pytest.mark.parametrize(
    "image", ["lakekit-test/nowhere:1", "localhost:5/nowhere", f"localhost:5/nowhere@sha256:{'1a' * 32}"]
)
def test_an_image_that_cannot_be_had_is_named(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_daemon.host())
    stack = Stack(tmp_path / "stack", backend="docker", images={"trino": image})
    with pytest.raises(StackFailed, match=f"The image {image} cannot be pulled") as caught:
        stack.up()
    assert "docker load" in caught.value.todo
    assert stack.status() == []


def test_an_ephemeral_stack_leaves_only_its_logs(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", store="s3proxy")
    try:
        make_table(stack.up(ephemeral=True))
    finally:
        stack.down()
    left = {path.relative_to(stack.folder).parts[0] for path in stack.folder.rglob("*")}
    assert left == {"credentials.json", "lock", "logs"}


def test_more_memory_is_a_larger_heap_for_trino(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", store="s3proxy", memory=2_000_000_000)
    try:
        endpoints = stack.up(ephemeral=True)
        command = psutil.Process(stack.status()[2].pid).cmdline()
        assert "-Xmx924m" in command
        make_table(endpoints)
        # What heals is what died, as it was asked for.
        kill(stack, "nessie")
        Stack(stack.folder).up()
        assert "-Xmx924m" in psutil.Process(stack.status()[2].pid).cmdline()
        with pytest.raises(UsageError, match="memory 2000000000"):
            Stack(stack.folder, memory=1_500_000_000).up()
    finally:
        stack.down()
    with pytest.raises(UsageError, match=r"cannot work in 1\.0 GB"):
        Stack(tmp_path / "small", memory=1_000_000_000).up()


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
        pids = {service.pid for service in Stack(folder).status()}
        assert len(pids) == 3
        assert {process.pid for process in marked(folder)} == pids
    finally:
        Stack(folder).down()


def test_twenty_rounds_leave_no_process_no_port_and_no_file(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", store="s3proxy")
    stack.up(ephemeral=True)
    stack.down()
    open_files, files = psutil.Process().num_fds(), _files(tmp_path)
    for _ in range(20):
        endpoints = stack.up(ephemeral=True)
        ports = {endpoints.trino_port, endpoints.nessie_port, endpoints.s3_port}
        stack.down()
        assert not marked(stack.folder)
        listening = {c.laddr.port for c in psutil.net_connections("tcp") if c.status == "LISTEN"}
        assert not ports & listening
    assert psutil.Process().num_fds() <= open_files
    assert _files(tmp_path) == files


def _files(folder: Path) -> set[Path]:
    """All files but the logs of earlier starts."""
    return {path for path in folder.rglob("*") if not path.name.endswith(".1.log")}


def test_the_command_line_tells_how_it_is_and_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI", "true")  # no caches are made in the background
    (tmp_path / "lakekit.toml").write_text('store = "s3proxy"\nmemory = "1500m"\n')
    run = CliRunner().invoke
    assert run(main, ["status"]).exit_code == 1
    assert "never started" in run(main, ["logs"]).stderr
    assert "is no size" in run(main, ["up", "--memory", "lots"]).stderr
    try:
        up = run(main, ["up"])
        assert up.exit_code == 0, up.output
        assert "127.0.0.1" in up.stderr
        status = run(main, ["status"])
        assert status.exit_code == 0
        assert [line.split()[0] for line in status.stdout.splitlines()[1:]] == ["s3proxy", "nessie", "trino"]
        assert "nessie" in run(main, ["logs", "nessie"]).stdout.lower()
        _follow_the_logs(Stack(tmp_path / ".lakekit" / "stack"))
        nessie = Stack(tmp_path / ".lakekit" / "stack").status()[1]
        os.kill(nessie.pid, 9)
        psutil.wait_procs([psutil.Process(nessie.pid)], timeout=10)
        broken = run(main, ["status"])
        assert broken.exit_code == 1
        assert "ended" in broken.stdout
        assert "nessie said last" in broken.stderr
        asked = run(main, ["sql", "select 1", "--engine", "trino"])
        assert "nessie ended" in asked.stderr
        assert "lakekit up" in asked.stderr
    finally:
        down = run(main, ["down"])
    assert down.exit_code == 0
    assert "Stopped s3proxy, trino" in down.stderr


def _follow_the_logs(stack: Stack) -> None:
    following = subprocess.Popen(
        [sys.executable, "-m", "lakekit", "logs", "-f", "nessie"], stdout=subprocess.PIPE, text=True
    )
    assert following.stdout is not None
    say(stack, "nessie", "the first line\nhalf a ")
    assert any(line == "the first line\n" for line in following.stdout)
    say(stack, "nessie", "line\n")
    assert next(following.stdout) == "half a line\n"
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=10) == 0
