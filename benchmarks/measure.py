"""Running a command under watch, and keeping the results."""

from __future__ import annotations

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
        error = subprocess.CalledProcessError(process.returncode, command, output, errors)
        error.add_note((output + errors)[-4000:])
        raise error
    return Run(time.monotonic() - started, peak / 2**20, output, _cpu() - before)


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
