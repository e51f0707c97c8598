"""Tests of models: lakekit's harness against dbt's and SQLMesh's unit tests and sql-testing-library.

What is timed are whole processes, as a person waits for them, all contenders in turn; and, through pytest's own
reports, what a test costs within one process. Each rival gets a virtual environment of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from itertools import count
from operator import attrgetter
from pathlib import Path
from shutil import rmtree
from statistics import median
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Final

from lakekit.scaffold import new

from .harness_projects import FLOOR, LAKEKIT, MODELS_OF_AN_ENTITY, SKY, environment, make_lakekit, write
from .harness_rivals import RIVALS
from .measure import keep, run, spread, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .harness_projects import Contender
    from .measure import Run

CONTENDERS: Final = {contender.name: contender for contender in (LAKEKIT, *RIVALS)}
MANY: Final = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--models", type=int, default=300)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--engines", nargs="+", choices=["embedded", "trino"], default=["embedded"])
    parser.add_argument("--venvs", type=Path, help="where the rivals are installed, and found the next time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        given.venvs = (given.venvs or Path(folder, "venvs")).resolve()
        for part in given.parts:
            PARTS[part](Path(folder), given)


# Whole processes: what a person waits for.


def loop(folder: Path, given: argparse.Namespace) -> None:
    """One test and thirty, with and without caches, and after an edit of the model."""
    entities = given.models // MODELS_OF_AN_ENTITY
    found: dict[str, dict[str, list[Run]]] = {name: {} for name in given.contenders}
    runners = {}
    for name in given.contenders:
        contender = CONTENDERS[name]
        runners[name] = _Runner(contender, environment(contender, given.venvs), folder / "loop", entities)
        runners[name].check()
    for _ in range(given.runs):
        for name, runner in runners.items():
            for situation, ran in runner.round():
                found[name].setdefault(situation, []).append(ran)
    tables = [
        table(
            (measure, *found),
            [
                (situation, *(spread(map(of, found[name][situation]), 2) for name in found))
                for situation in next(iter(found.values()))
            ],
        )
        for measure, of in (
            ("seconds", attrgetter("seconds")),
            ("seconds of the processor", attrgetter("cpu")),
        )
    ]
    keep(f"harness: tests of a project of {given.models} models", "\n\n".join(tables))


class _Runner:
    """A contender, its projects one after another."""

    def __init__(self, contender: Contender, python: Path, folder: Path, entities: int) -> None:
        self._contender, self._python, self._entities = contender, python, entities
        self._folder = folder / contender.name.replace(" ", "-")
        self._floors = count(FLOOR - 1, -1)

    def check(self) -> None:
        """A test that passes whatever the model does is not worth timing."""
        project = self._new()
        self._test(project, [0])
        self._contender.write(project, 0, SKY)
        try:
            run(self._contender.command(self._python, [0]), project)
        except CalledProcessError:
            return
        raise SystemExit(f"{self._contender.name}: a test of a broken model passes")

    def round(self) -> Iterator[tuple[str, Run]]:
        # A project in a new folder has no caches.
        project, many = self._new(), range(min(MANY, self._entities))
        yield "one test, no caches", self._test(project, [0])
        yield "one test again", self._test(project, [0])
        self._contender.write(project, 0, next(self._floors))
        yield "one test after an edit of its model", self._test(project, [0])
        project = self._new()
        yield f"{len(many)} tests, no caches", self._test(project, many)
        yield f"{len(many)} tests again", self._test(project, many)

    def _new(self) -> Path:
        rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        self._contender.make(self._folder, self._python, self._entities)
        return self._folder

    def _test(self, project: Path, entities: Sequence[int]) -> Run:
        ran = run(self._contender.command(self._python, entities), project)
        passed = self._contender.passed.search(ran.output)
        if passed is None or int(passed[1]) != len(entities):
            raise SystemExit(f"{self._contender.name} did not pass {len(entities)} tests:\n{ran.output}")
        return ran


# Within one process, as pytest reports it.

REPORTER: Final = """\
import json


def pytest_runtest_logreport(report):
    with open("durations.jsonl", "a") as file:
        print(json.dumps([report.nodeid, report.when, report.duration]), file=file)
"""
# The first test of a process pays for what all share; amounts differ, so that no landed batch can be used again.
WITHIN: Final = """\
import pytest

from decimal import Decimal

COUNT = 21


def rows(number, ids):
    return [
        {"id": id, "amount": f"{number + id}.50", "status": "paid", "updated_at": f"2026-01-{number + 1:02}T00:00:00Z"}
        for id in ids
    ]


@pytest.mark.parametrize("number", range(COUNT))
def test_isolation(lake, number):
    lake.given("shop.orders_0", rows(number, range(1, 6)))


@pytest.mark.parametrize("number", range(COUNT))
def test_two_batches(lake, number):
    lake.given("shop.orders_0", rows(number, range(1, 6)))
    lake.build("int_shop__orders_0")
    lake.given("shop.orders_0", rows(number + 1, range(3, 8)))
    lake.build("int_shop__orders_0")
    last = {id: f"{number + id + (id > 2)}.50" for id in range(1, 8)}
    lake.expect("int_shop__orders_0", [{"order_id": id, "amount": Decimal(amount)} for id, amount in last.items()])
"""


def within(folder: Path, given: argparse.Namespace) -> None:
    """Isolation (setting up and tearing down a test that wrote), and a whole test of two batches."""
    rows = []
    for engine in given.engines:
        project = folder / f"within-{engine}"
        make_lakekit(project, Path(sys.executable), given.models // MODELS_OF_AN_ENTITY)
        write(project / "tests" / "conftest.py", REPORTER)
        write(project / "tests" / "test_within.py", WITHIN)
        durations = project / "durations.jsonl"
        isolation, whole = [], []
        for _ in range(given.runs):
            durations.unlink(missing_ok=True)
            run(_pytest("--lake-engine", engine, "tests/test_within.py"), project)
            tests: dict[str, dict[str, float]] = {}
            for line in durations.read_text().splitlines():
                test, phase, seconds = json.loads(line)
                tests.setdefault(test, {})[phase] = seconds * 1_000
            warm = {name: phases for name, phases in tests.items() if not name.endswith("[0]")}
            isolation += [t["setup"] + t["teardown"] for name, t in warm.items() if "isolation" in name]
            whole += [sum(t.values()) for name, t in warm.items() if "two_batches" in name]
        rows.append((engine, spread(isolation), spread(whole)))
    header = ("engine", "isolation: setting up and tearing down", "a two-batch test, all of it")
    keep(f"harness: within a process, {given.models} models, ms", table(header, rows))


# What it costs those who do not use it.


def overhead(folder: Path, given: argparse.Namespace) -> None:
    """A suite of one trivial test, with and without the plugin, in pairs."""
    suite = folder / "overhead"
    write(suite / "test_trivial.py", "def test_trivial():\n    pass\n")
    pairs = [
        (run(_pytest(), suite), run(_pytest("-p", "no:lakekit"), suite)) for _ in range(1 + given.runs * 4)
    ][1:]  # by the second pair, the system knows all files
    rows = []
    for measure, of in (("by the clock", attrgetter("seconds")), ("of the processor", attrgetter("cpu"))):
        both = [(of(one) * 1_000, of(other) * 1_000) for one, other in pairs]
        rows.append(
            (
                measure,
                spread(one for one, _ in both),
                spread(other for _, other in both),
                f"{median(one - other for one, other in both):.1f}",
            )
        )
    header = (f"{len(pairs)} pairs", "with the plugin", "without (`-p no:lakekit`)", "median difference")
    keep("harness: a suite that does not use it, ms", table(header, rows))


# The template's own tests.


def example(folder: Path, given: argparse.Namespace) -> None:
    """All tests of a new project on two workers."""
    rows = []
    for engine in given.engines:
        runs, passed = [], ""
        for number in range(given.runs):
            project = new(folder / f"example-{engine}-{number}")
            ran = run(_pytest("-n", "2", "--lake-engine", engine), project)
            runs.append(ran)
            told = LAKEKIT.passed.search(ran.output)
            passed = told[1] if told else "?"
        rows.append(
            (engine, passed, spread(ran.seconds for ran in runs), spread((ran.peak for ran in runs), 0))
        )
    keep(
        "harness: the template's own tests on 2 workers",
        table(("engine", "tests", "seconds", "peak, MiB"), rows),
    )


def _pytest(*options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *options]


PARTS: Final[dict[str, Callable[[Path, argparse.Namespace], None]]] = {
    part.__name__: part for part in (loop, within, overhead, example)
}

if __name__ == "__main__":
    main()
