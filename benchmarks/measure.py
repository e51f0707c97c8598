"""Running a command under watch, and keeping the results."""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESULTS: Final = Path(__file__).parent / "RESULTS.md"
_LOOK_EVERY: Final = 0.1
# The kernel counts what a process was before its exec into its peak: started by us, all would be as large as we are.
# What starts them is an interpreter without anything, of some 9 MiB: less is not seen.
_WATCH: Final = """\
import json, os, sys, time
report, command = int(sys.argv[1]), sys.argv[2:]
started = time.monotonic()
process = os.posix_spawn(command[0], command, os.environ)
_, status, used = os.wait4(process, 0)
seconds = time.monotonic() - started
os.write(report, json.dumps([seconds, used.ru_maxrss, used.ru_utime + used.ru_stime]).encode())
sys.exit(os.waitstatus_to_exitcode(status))
"""
_MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took: seconds by the clock, the peak of its process tree's resident memory in MiB, its output.

    ``cpu`` are the processor's seconds, of all its processes that have ended: others' work hardly shows in them.
    """

    seconds: float
    peak: float
    output: str
    cpu: float


def run(command: Sequence[str], cwd: Path) -> Run:
    """Run a command to its end; raises CalledProcessError, with the end of what it wrote as a note."""
    started, before = time.monotonic(), _cpu()
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        tree, peak = psutil.Process(process.pid), 0
        while True:
            try:
                output, errors = process.communicate(timeout=_LOOK_EVERY)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, _resident(tree))
    if process.returncode:
        raise _failed(process.returncode, command, output, errors)
    return Run(time.monotonic() - started, peak / 2**20, output, _cpu() - before)


def alone(command: Sequence[str], cwd: Path, *, ends: Sequence[int] = (0,)) -> Run:
    """Run a command that has no children, however short it is: the peak is the system's own count.

    It ends with one of ``ends``; otherwise raises CalledProcessError, as ``run`` does. The first word is a path.
    """
    reading, writing = os.pipe()
    watch = [sys.executable, "-I", "-S", "-c", _WATCH, str(writing), *command]
    try:
        ended = subprocess.run(
            watch, cwd=cwd, pass_fds=(writing,), capture_output=True, text=True, check=False
        )
    finally:
        os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as report:
        told = report.read()
    if not told or ended.returncode not in ends:
        raise _failed(ended.returncode, command, ended.stdout, ended.stderr)
    seconds, peak, cpu = json.loads(told)
    return Run(seconds, peak * _MAXRSS_UNIT / 2**20, ended.stdout + ended.stderr, cpu)


def _failed(code: int, command: Sequence[str], output: str, errors: str) -> subprocess.CalledProcessError:
    error = subprocess.CalledProcessError(code, command, output, errors)
    error.add_note((output + errors)[-4000:])
    return error


def lakekit(*arguments: str) -> list[str]:
    """The command line of this very installation."""
    return [sys.executable, "-c", "from lakekit.cli import main; main(prog_name='lakekit')", *arguments]


def spread(values: Iterable[float], digits: int = 1) -> str:
    """``4.1 (3.9-4.4)``: the median, the least and the most."""
    known = sorted(values)
    low, middle, high = (f"{value:,.{digits}f}" for value in (known[0], statistics.median(known), known[-1]))
    return middle if len(known) == 1 else f"{middle} ({low}-{high})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def keep(title: str, text: str) -> None:
    """Print a section, and put it in the place of the one of that title in RESULTS.md."""
    command = f"python -m benchmarks.{Path(sys.argv[0]).stem} {' '.join(sys.argv[1:])}".strip()
    section = f"## {title}\n\n`{command}` on {_machine()}\n\n{text}\n"
    known = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
    sections = [part for part in re.split(r"^(?=## )", known, flags=re.MULTILINE) if part.strip()]
    others = [part.rstrip() + "\n" for part in sections if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join([*others, section]), encoding="utf-8")
    sys.stdout.write(section)


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    except psutil.NoSuchProcess:  # ended between the two looks
        pass
    return total


def _machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )
