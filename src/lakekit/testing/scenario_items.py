"""Scenarios as pytest items: each is a test on the ``lake`` fixture, whose failure shows the step instead of a traceback.

Items are functions to pytest, so that fixtures, a project's own ``lake`` among them, and markers apply to them as they do
to tests in Python.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from typing_extensions import override

from ..errors import LakekitError, UsageError
from .cells import NOT_NULL
from .compare import compare
from .rows import rows_of
from .scenario import Branch, Build, Expected, Given, Snapshot, Sql
from .scenario_yaml import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .lake import LakeUnderTest
    from .scenario import Row, Scenario, Step
    from .scenario_yaml import Document

_BEFORE: Final = 2
_SHOWN: Final = 40


class ScenarioFile(pytest.Module):
    """A YAML file of scenarios. To pytest it is a module, so that fixtures of that scope have a place; it has no code."""

    obj = None

    @override
    def collect(self) -> Iterator[ScenarioItem]:
        try:
            document = read(self.path, self.nodeid)
        except UsageError as error:
            raise self.CollectError(str(error)) from error
        for place, scenario in enumerate(document.scenarios):
            for engine in scenario.engines or ("",):
                several = len(scenario.engines) > 1
                yield ScenarioItem.from_parent(
                    self,
                    name=f"{scenario.name}[{engine}]" if several else scenario.name,
                    document=document,
                    place=place,
                    engine=engine,
                )


class ScenarioItem(pytest.Function):
    """A scenario on one engine; on the run's, if ``engine`` is empty."""

    def __init__(self, *, document: Document, place: int, engine: str, **more: Any) -> None:
        scenario = document.scenarios[place]
        self._document = document
        self._place = place
        self._play = Play(scenario, more["parent"].path.parent)
        super().__init__(callobj=self._play.run, **more)
        if engine:
            self.add_marker(pytest.mark.lake(engine=engine))
        for mark in scenario.marks:
            self.add_marker(mark)

    @override
    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self._document.line(self._place) - 1, self.name

    @override
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        error = excinfo.value
        if error is self._play.failed and isinstance(error, (AssertionError, LakekitError)):
            span = self._document.span(self._place, self._play.at)
            first = max(span.first - _BEFORE, self._document.line(self._place))
            shown = self._document.lines[first - 1 : span.last]
            lines = [
                f"{'>' if number >= span.first else ' '} {number:4} | {line}"
                for number, line in enumerate(shown, first)
            ]
            if len(lines) > _SHOWN:
                lines[_SHOWN:] = [f"       … {len(lines) - _SHOWN} lines more"]
            file = self.nodeid.partition("::")[0]
            crash = Crash(file, span.first, type(error).__name__, str(error))
            return Failure("\n".join(lines), str(error), crash)
        if isinstance(error, LakekitError):
            return str(error)  # before its first step
        return super().repr_failure(excinfo)


class Play:
    """A scenario being played. Files that it names are relative to ``folder``."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = scenario
        self._folder = folder
        self.at: tuple[int, ...] = ()
        """The step that is being done: its place, after those of the branches that it is on."""
        self.failed: BaseException | None = None

    def run(self, lake: LakeUnderTest) -> None:
        """Do all steps; raises what the API raises."""
        self.at, self.failed = (), None
        lake.now = self._scenario.now
        try:
            self._steps(lake, self._scenario.steps)
        except BaseException as error:
            self.failed = error
            raise

    def _steps(self, lake: LakeUnderTest, steps: Sequence[Step]) -> None:
        above = self.at
        for place, step in enumerate(steps):
            self.at = (*above, place)
            getattr(self, f"_{step.verb}")(lake, getattr(step, step.verb))
        self.at = above

    def _given(self, lake: LakeUnderTest, given: dict[str, list[Row] | Given]) -> None:
        for table, rows in given.items():
            one = rows if isinstance(rows, Given) else Given(rows=rows)
            lake.given(table, self._rows(one), new_columns=one.new_columns)

    def _build(self, lake: LakeUnderTest, build: str | Build) -> None:
        one = build if isinstance(build, Build) else Build(select=build)
        with _failing(one.fails):
            lake.build(one.select, exclude=one.exclude, full_refresh=one.full_refresh)

    def _expect(self, lake: LakeUnderTest, expected: dict[str, list[Row] | Expected]) -> None:
        for table, rows in expected.items():
            one = rows if isinstance(rows, Expected) else Expected(rows=rows)
            lake.expect(
                table, _meant(self._rows(one)), key=one.key, partial=one.partial, tolerance=one.tolerance
            )

    def _snapshot(self, lake: LakeUnderTest, snapshot: str | Snapshot) -> None:
        one = snapshot if isinstance(snapshot, Snapshot) else Snapshot(table=snapshot)
        lake.expect_snapshot(one.table, name=one.name, key=one.key)

    def _sql(self, lake: LakeUnderTest, sql: str | Sql) -> None:
        one = sql if isinstance(sql, Sql) else Sql(statement=sql)
        with _failing(one.fails):
            found = lake.sql(one.statement).arrow()
        if one.rows is None and one.file is None:
            return
        rows = _meant(self._rows(one))
        if difference := compare(found, rows, key=one.key, partial=one.partial, tolerance=one.tolerance):
            raise AssertionError(f"The statement does not give what was expected: {difference}")

    def _now(self, lake: LakeUnderTest, now: str | None) -> None:
        lake.now = now

    def _branch(self, lake: LakeUnderTest, branch: list[Step] | Branch) -> None:
        one = branch if isinstance(branch, Branch) else Branch(steps=branch)
        with lake.branch() as work:
            self._steps(work, one.steps)
            if one.publish:
                work.publish(unchecked=True)

    def _rows(self, given: Given | Expected | Sql) -> list[Row]:
        return rows_of(self._folder / given.file if given.file is not None else given.rows)


@dataclass(frozen=True, slots=True)
class Crash:
    """Where and why a scenario failed, for summaries."""

    path: str
    lineno: int
    error: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.error}"


@dataclass(frozen=True, slots=True)
class Failure:
    """What pytest shows of a failed scenario: what was wrong, and its step.

    Workers of pytest-xdist send it as text, whose first line the summary tells.
    """

    step: str
    message: str
    reprcrash: Crash

    def __str__(self) -> str:
        return f"{self.message}\n\n{self.step}\n\n{self.reprcrash}"

    def toterminal(self, terminal: Any) -> None:
        """Write it with pytest's terminal writer."""
        terminal.line(self.message, red=True)
        terminal.line()
        for line in self.step.splitlines():
            terminal.line(line, **{"bold" if line.startswith(">") else "light": True})
        terminal.line()
        terminal.line(str(self.reprcrash))


def _meant(rows: Sequence[Row]) -> list[Row]:
    """The rows with what YAML has no word for: ``{not: null}`` is any value but null."""
    return [
        {name: NOT_NULL if value == {"not": None} else value for name, value in row.items()} for row in rows
    ]


@contextmanager
def _failing(text: str | None) -> Iterator[None]:
    """Expect what is done to fail with an error that has ``text``; None expects nothing."""
    if text is None:
        yield
        return
    try:
        yield
    except UsageError:
        raise  # a mistake of the scenario's own
    except LakekitError as error:
        if text in str(error):
            return
        raise AssertionError(f"It was to fail with '{text}', and failed otherwise: {error}") from error
    raise AssertionError(f"It was to fail with '{text}', and did not.")
