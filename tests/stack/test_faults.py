"""What can go wrong, with real processes: nothing is lost, nothing is left, and the error says what to do."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from lakekit.errors import LakekitError, StackFailed
from lakekit.settings import Ports
from lakekit.stack import Stack
from lakekit.stack.launch import hold_port

from .conftest import eventually, insert, kill, make_table, marked, needs_minio, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lakekit.stack import Endpoints


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path / "stack", store="s3proxy")
    yield made
    made.down()


def test_a_service_killed_in_mid_write_is_named_and_healed(
    tmp_path: Path, make_stack: Callable[[Path], Stack]
) -> None:
    stack = make_stack(tmp_path / "stack")
    try:
        make_table(stack.up())
        for name in [service.name for service in stack.status()]:
            endpoints = stack.up()
            before, written = numbers(endpoints), []
            writing = Thread(target=_write_until_it_fails, args=(endpoints, len(before), written))
            writing.start()
            assert eventually(lambda written=written: len(written) >= 2)
            time.sleep(random.random() / 2)
            kill(stack, name)
            with pytest.raises(StackFailed, match=f"{name} ended"):
                stack.endpoints()

            healed = stack.up()
            writing.join(timeout=120)  # Trino may have waited for the dead one: it ended with the healing
            assert not writing.is_alive()
            held = numbers(healed)
            # What was in the air when it died may have got through.
            assert held in ([*before, *written], list(range(len(before) + len(written) + 1)))
    finally:
        stack.down()
    assert not marked(stack.folder)


def _writes(endpoints: Endpoints, number: int) -> bool:
    try:
        insert(endpoints, number)
    except LakekitError:
        return False
    return True


def _write_until_it_fails(endpoints: Endpoints, first: int, written: list[int]) -> None:
    for number in count(first):
        try:
            insert(endpoints, number)
        except LakekitError:
            return
        written.append(number)


def test_a_service_killed_while_idle_is_named_and_healed(stack: Stack) -> None:
    endpoints = stack.up()
    make_table(endpoints)
    insert(endpoints, 1)
    for name in ("s3proxy", "nessie", "trino"):
        kill(stack, name)
        assert [service.name for service in stack.status() if service.health == "ended"] == [name]
        assert numbers(stack.up()) == [1]


OWNER = """
import os, sys
from pathlib import Path
from lakekit.stack import Stack
from lakekit.stack.launch import hold_port
stack = Stack(Path(sys.argv[1]), store="s3proxy")
print("starting", flush=True)
stack.up(ephemeral=True, owner=os.getpid())
print("up", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("after", [0.3, 1.0, 2.5, None], ids=lambda after: f"{after}s" if after else "up")
def test_a_killed_owner_takes_its_stack_with_it(tmp_path: Path, after: float | None) -> None:
    folder = tmp_path / "stack"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == "starting\n"
    if after is None:
        assert owner.stdout.readline() == "up\n"
        assert len(marked(folder)) == 4  # and the keeper
    else:
        time.sleep(after)
    owner.kill()
    owner.wait()
    assert eventually(lambda: not marked(folder)), marked(folder)
    assert eventually(lambda: not folder.exists())


def test_a_taken_port_is_named_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(StackFailed, match=f"Port {port}, fixed for nessie") as caught:
            Stack(tmp_path, Ports(nessie=port)).up()
    assert "lakekit.toml" in caught.value.todo
    assert Stack(tmp_path).status() == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port cannot be held for someone else")
def test_ports_that_are_held_go_to_no_one_else_but_their_service() -> None:
    with ExitStack() as opened:
        held = {opened.enter_context(hold_port("s3", None)) for _ in range(100)}
        for _ in range(2000):  # by chance alone, some seven of them would be held ones
            other = opened.enter_context(socket.socket())
            other.bind(("127.0.0.1", 0))
            assert other.getsockname()[1] not in held
        server = opened.enter_context(ThreadingHTTPServer(("127.0.0.1", held.pop()), BaseHTTPRequestHandler))
        opened.enter_context(socket.create_connection(server.server_address))


def test_a_state_file_of_long_ago_is_no_stack(stack: Stack) -> None:
    stack.up(ephemeral=True)
    state = json.loads((stack.folder / "state.json").read_bytes())
    stack.down()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        for service in state["services"]:
            service["handle"] = str(stranger.pid)
        (stack.folder / "state.json").write_text(json.dumps(state))
        assert {service.health for service in stack.status()} == {"ended"}
        with pytest.raises(StackFailed, match="ended"):
            stack.endpoints()
        stack.up(ephemeral=True)
        assert {service.health for service in stack.status()} == {"ready"}
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_damaged_state_file_is_named(stack: Stack) -> None:
    stack.folder.mkdir()
    (stack.folder / "state.json").write_text('{"id": ')
    with pytest.raises(StackFailed, match=r"state\.json is damaged"):
        stack.up()
    (stack.folder / "state.json").unlink()


def test_damaged_credentials_are_named(stack: Stack) -> None:
    stack.folder.mkdir()
    (stack.folder / "credentials.json").write_text("{}")
    with pytest.raises(StackFailed, match=r"credentials\.json does not hold"):
        stack.up()


def test_a_folder_that_was_moved_works_where_it_is_now(
    tmp_path: Path, make_stack: Callable[[Path], Stack]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    try:
        endpoints = make_stack(here).up()
        make_table(endpoints)
        insert(endpoints, 1)
        here.rename(there)  # while it runs
        assert numbers(Stack(there).up()) == [1]
        Stack(there).down()
        there.rename(here)  # while it is down
        assert numbers(Stack(here).up()) == [1]
    finally:
        for folder in (here, there):
            Stack(folder).down()
    assert not marked(here)
    assert not marked(there)


def test_a_copy_leaves_the_original_running(stack: Stack, tmp_path: Path) -> None:
    stack.up(ephemeral=True)
    pids = [service.pid for service in stack.status()]
    shutil.copytree(stack.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("tmp"))
    copy = Stack(tmp_path / "copy")
    assert copy.status() == []
    with pytest.raises(StackFailed, match="not running"):
        copy.endpoints()
    assert copy.down() == []
    try:
        copy.up(ephemeral=True)
        assert not {service.pid for service in copy.status()} & set(pids)
        assert [service.pid for service in stack.status()] == pids
    finally:
        copy.down()
    assert {service.health for service in stack.status()} == {"ready"}


def test_a_full_disk_costs_no_row_that_was_committed(
    disk: Callable[[str], Path], make_stack: Callable[[Path], Stack]
) -> None:
    small = disk("size=400m")
    stack = make_stack(small / "stack")
    try:
        endpoints = stack.up()
        make_table(endpoints)
        insert(endpoints, 1)
        filler = small / "filler"
        with pytest.raises(OSError, match="No space left"):
            _fill(filler)
        written: list[int] = []
        _write_until_it_fails(endpoints, 2, written)  # what room is left behind the filler may take some
        filler.unlink()
        endpoints = stack.up()
        held = numbers(endpoints)
        assert held in ([1, *written], [1, *range(2, len(written) + 3)])
        # A store may believe for some seconds more that there is no room.
        assert eventually(lambda: _writes(endpoints, 1000))
        assert numbers(endpoints) == [*held, 1000]
    finally:
        stack.down()


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"\0" * 2**16)


def test_a_disk_without_room_or_write_permission_is_named(disk: Callable[[str], Path]) -> None:
    full, locked = disk("size=16k"), disk("ro")
    with pytest.raises(StackFailed) as caught:
        Stack(full / "stack").up()
    assert "No space left" in caught.value.why
    assert "has room" in caught.value.todo
    with pytest.raises(StackFailed) as caught:
        Stack(locked / "stack").up()
    assert "Read-only file system" in caught.value.why


HOME = """
from lakekit.stack.artifacts import NESSIE, Artifacts
print(Artifacts(lambda _: None).file(NESSIE))
"""


def test_a_home_that_cannot_be_written_is_named_with_its_remedy(disk: Callable[[str], Path]) -> None:
    home = disk("ro")
    env = {
        name: value for name, value in os.environ.items() if name not in {"LAKEKIT_CACHE", "XDG_CACHE_HOME"}
    }
    asked = subprocess.run(
        [sys.executable, "-c", HOME],
        env=env | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot be made" in asked.stderr
    assert "LAKEKIT_CACHE" in asked.stderr
    assert "Read-only file system" in asked.stderr


def test_minio_data_is_not_given_to_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_minio()
    folder = tmp_path / "stack"
    (folder / "s3" / "data" / ".minio.sys").mkdir(parents=True)
    with pytest.raises(StackFailed, match="minio's, and s3proxy cannot read it"):
        Stack(folder, store="s3proxy").up()
    monkeypatch.setenv("LAKEKIT_MINIO", str(tmp_path / "nowhere"))
    with pytest.raises(StackFailed, match="which is no program"):
        Stack(folder).up()
    monkeypatch.delenv("LAKEKIT_MINIO")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LAKEKIT_CACHE", str(tmp_path / "empty"))
    with pytest.raises(StackFailed, match="keeps its data in MinIO") as caught:
        Stack(folder).up()
    assert "lakekit stack fetch" in caught.value.todo
