"""The process backend: services as child processes, found again by a mark in their environment.

A pid alone would not do, for the system gives it to another process one day, and neither would the time of birth,
which moves when the clock is set. The mark also finds what a killed command had started and not yet written down.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Final

import psutil

from . import nessie, s3, trino
from .artifacts import Artifacts
from .jvm import Jvm
from .service import Said, Service, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from .launch import Launch
    from .report import Report
    from .service import Plan

STOP_SECONDS: Final = 8.0
_MARK: Final = "LAKEKIT_STACK_ID"
_KERNEL: Final = 2
"""The parent of Linux's own threads, which have no environment at all."""


class Processes:
    """The child processes of the stack in ``folder``, marked with its id.

    With ``record``, the JVMs write what they load and compile into that folder when they end: see ``jvm``.
    """

    inside: Final[Mapping[str, str]] = {}

    def __init__(self, folder: Path, stack_id: str, *, record: Path | None = None) -> None:
        self._folder = folder
        self._id = stack_id
        self._record = record

    def start(self, plan: Plan, report: Report) -> Iterator[Service]:
        artifacts = Artifacts(report)
        jvm = Jvm(artifacts.cache, quick=plan.ephemeral, record=self._record)
        for launch in (
            s3.launch(plan, jvm, artifacts),
            nessie.launch(plan, jvm, artifacts),
            trino.launch(plan, jvm, artifacts),
        ):
            yield Service(launch.name, launch.version, launch.port, str(self.spawn(launch)))

    def spawn(self, launch: Launch) -> int:
        """Start a process in a session of its own, so that it outlives the command that starts it; its pid."""
        launch.folder.mkdir(parents=True, exist_ok=True)
        log = self._log(launch.name)
        log.parent.mkdir(exist_ok=True)
        if log.exists():
            log.replace(log.with_suffix(".1.log"))  # why the last one ended stands there
        with log.open("ab") as output:
            process = subprocess.Popen(
                launch.command,
                cwd=launch.folder,
                env={**launch.environment, _MARK: self._id},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return process.pid

    def runs(self, service: Service) -> bool:
        return self._find(service) is not None

    def usage(self, service: Service) -> Usage | None:
        try:
            if process := self._find(service):
                return Usage(process.pid, process.memory_info().rss, time.time() - process.create_time())
        except psutil.NoSuchProcess:
            pass  # it ended between the two looks
        return None

    def said(self, service: str, after: str = "") -> Said:
        try:
            with self._log(service).open("rb") as log:
                file = f"{os.fstat(log.fileno()).st_ino}"
                before, _, length = after.partition(":")
                if before == file:  # else a new start has begun a new log
                    log.seek(int(length))
                text = log.read().decode("utf-8", "replace")
                return Said(text, f"{file}:{log.tell()}")
        except FileNotFoundError:
            return Said("", "")

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """Ask everything that bears the mark to end, and after ``patience`` seconds make it."""
        processes = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in processes:
            _signal(process.terminate)
        stubborn = _wait(processes, patience)
        for process in stubborn:
            _signal(process.kill)
        _wait(stubborn, STOP_SECONDS)

    def _log(self, service: str) -> Path:
        return self._folder / "logs" / f"{service}.log"

    def _find(self, service: Service) -> psutil.Process | None:
        try:
            process = psutil.Process(int(service.handle))
        except psutil.NoSuchProcess:
            return None
        return process if self._is_ours(process) else None

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            mine = _environment(process).get(_MARK) == self._id and process.pid != os.getpid()
            return mine and _lives(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def _environment(process: psutil.Process) -> dict[str, str]:
    """A process's environment, which for a moment after its program was started is not there yet."""
    for _ in range(5):
        if (environment := process.environ()) or process.ppid() == _KERNEL:
            break
        time.sleep(0.01)
    return dict(environment)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until processes have ended, reaped by their parent or not; those that have not after so long."""
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(send: Callable[[], None]) -> None:
    try:
        send()
    except psutil.NoSuchProcess:
        return  # it ended by itself in between, which is what was asked for
