"""What a run tells at its end if it is asked to: what builds cost, and what of the models the tests exercised.

Workers of pytest-xdist send the controller what they have gathered; it alone reports.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .costs import Cost
    from .coverage import Coverage
    from .harness import Harness

_SENT = "lakekit_gathered"


class BuildCost(msgspec.Struct, frozen=True):
    """What one build of a model cost."""

    model: str
    seconds: float
    statements: int
    rows_written: int
    bytes_read: int


class Gathered(msgspec.Struct):
    """What one process has gathered; ``coverage`` is as ``Coverage.to_json`` writes it."""

    costs: list[BuildCost] = []
    coverage: str = ""


class Reports:
    """Gathers in each process what its tests do, and reports it where all of it comes together."""

    def __init__(self, *, costs: bool, coverage: str | None) -> None:
        self._wants_costs = costs
        self._wants_coverage = coverage
        self._costs: list[BuildCost] = []
        self._coverage: Coverage | None = None

    def watch(self, harness: Harness) -> None:
        """Let a harness tell what its tests do."""
        if self._wants_costs:
            harness.on_cost = self._built
        if self._wants_coverage:
            harness.coverage = self._all_coverage()

    def _built(self, cost: Cost) -> None:
        # What it cost is found out now, while its lake is there.
        self._costs.append(
            BuildCost(cost.model, cost.seconds, cost.statements, cost.rows_written, cost.bytes_read)
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker sends what it has."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            coverage = self._coverage.to_json().decode() if self._coverage else ""
            output[_SENT] = msgspec.json.encode(Gathered(self._costs, coverage)).decode()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """The controller takes what a worker sent."""
        sent = getattr(node, "workeroutput", {}).get(_SENT)
        if sent:
            from .coverage import Coverage

            gathered = msgspec.json.decode(sent, type=Gathered)
            self._costs += gathered.costs
            if gathered.coverage:
                self._all_coverage().merge(Coverage.from_json(gathered.coverage.encode()))

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        """Report, below the failures."""
        if self._wants_costs:
            terminalreporter.section("what builds cost", sep="=")
            for line in _table(self._costs):
                terminalreporter.write_line(line)
        if self._wants_coverage:
            from .coverage import html, text
            from .plugin import run_of

            run, coverage = run_of(config), self._all_coverage()
            coverage.known(_kept(run.harness(run.engine)))
            terminalreporter.section("what the tests exercised of the models", sep="=")
            terminalreporter.write_line(text(coverage))
            if self._wants_coverage != "text":
                page = Path(self._wants_coverage)
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(html(coverage, config.rootpath.name), encoding="utf-8")
                terminalreporter.write_line(f"written to {page}")

    def _all_coverage(self) -> Coverage:
        from .coverage import Coverage

        if self._coverage is None:
            self._coverage = Coverage()
        return self._coverage


def _kept(harness: Harness) -> dict[str, list[str]]:
    """The project's models, and those of their columns that are known, as far as dbt need not be asked."""
    from pyarrow import py_buffer
    from pyarrow.ipc import read_schema

    graph = harness.kept.graph()
    found: dict[str, list[str]] = {}
    if graph is None:
        return found
    for name, model in graph.models.items():
        schema = harness.kept.get(f"columns of {name}", harness.columns_key(model, graph))
        found[name] = read_schema(py_buffer(schema)).names if schema else []
    return found


def _table(costs: Sequence[BuildCost]) -> list[str]:
    """The costs by model, the dearest first."""
    if not costs:
        return ["No test built a model."]
    by_model: defaultdict[str, list[BuildCost]] = defaultdict(list)
    for cost in costs:
        by_model[cost.model].append(cost)
    rows = [("model", "builds", "median", "slowest", "statements", "rows written", "bytes read")]
    for model, of in sorted(by_model.items(), key=lambda item: -sum(cost.seconds for cost in item[1])):
        rows.append(
            (
                model,
                str(len(of)),
                f"{median(cost.seconds for cost in of) * 1000:.0f} ms",
                f"{max(cost.seconds for cost in of) * 1000:.0f} ms",
                f"{median(cost.statements for cost in of):g}",
                f"{sum(cost.rows_written for cost in of):,}",
                f"{sum(cost.bytes_read for cost in of):,}",
            )
        )
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    ]
