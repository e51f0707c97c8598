"""One service as a child process: started detached, known by its pid and birth, stopped for certain."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from ..errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 8.0
_TAIL_LINES: Final = 15


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a service, and how to see that it answers. ``env`` adds to this process's environment."""

    name: str
    version: str
    port: int
    command: Sequence[str]
    folder: Path
    answers: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Running:
    """A started service. The pid alone would not do: the system may have given it to another process."""

    name: str
    version: str
    port: int
    pid: int
    born: float

    @property
    def process(self) -> psutil.Process | None:
        """The process, if it is still the one that was started and has not ended."""
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.born) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


def start(launch: Launch, log: Path, env: Mapping[str, str]) -> Running:
    """Start a service in a session of its own, so that it outlives the command that starts it."""
    launch.folder.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            launch.command,
            cwd=launch.folder,
            env={**env, **launch.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(
        launch.name, launch.version, launch.port, process.pid, psutil.Process(process.pid).create_time()
    )


def wait_until_it_answers(launch: Launch, running: Running, log: Path) -> None:
    """Return once the service answers; raises ``StackFailed`` with the log's tail if it ends or never does."""
    deadline = time.monotonic() + START_SECONDS
    while not launch.answers():
        if running.process is None:
            raise StackFailed(f"{launch.name} ended while it was starting.", why=tail(log), todo=f"see {log}")
        if time.monotonic() > deadline:
            raise StackFailed(
                f"{launch.name} did not answer within {START_SECONDS:.0f} s.",
                why=tail(log),
                todo=f"see {log}",
            )
        time.sleep(0.05)


def stop(services: Sequence[Running]) -> None:
    """End services: asked first, then made to. A process that is not ours any more is left alone."""
    processes = [process for service in services if (process := service.process)]
    for process in processes:
        _signal(process.terminate)
    _, stubborn = psutil.wait_procs(processes, timeout=STOP_SECONDS)
    for process in stubborn:
        _signal(process.kill)
    psutil.wait_procs(stubborn, timeout=STOP_SECONDS)


def choose_port(service: str, fixed: int | None) -> int:
    """A port on 127.0.0.1 that is free now: ``fixed`` (``StackFailed`` if taken), or any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", fixed or 0))
        except OSError as error:
            raise StackFailed(
                f"Port {fixed}, fixed for {service}, is taken{_holder(fixed)}.",
                why=str(error),
                todo=f"free it, or change or remove ports.{service} in lakekit.toml",
            ) from error
        return int(probe.getsockname()[1])


def tail(log: Path) -> str:
    """The last lines of a log."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return "\n".join(lines[-_TAIL_LINES:]) or "its log is empty"


def _holder(port: int | None) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            name = psutil.Process(connection.pid).name() if connection.pid else "another user's process"
            return f" by {name} (pid {connection.pid})"
    return ""


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return  # it ended by itself in between, which is what was asked for
