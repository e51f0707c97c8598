"""What a coverage amounts to: the same numbers for every report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...naming import Layer, layer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .condition import Condition, Outcome
    from .recorder import Coverage, Model, Statement

State = Literal["hit", "missed", "unknown"]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    of: int
    done: int

    def __add__(self, other: Share) -> Share:
        return Share(self.of + other.of, self.done + other.done)

    def __str__(self) -> str:
        return f"{self.done}/{self.of}" if self.of else "-"

    @property
    def percent(self) -> int:
        """Rounded down: only all of it is 100."""
        return self.done * 100 // self.of if self.of else 100


@dataclass(frozen=True, slots=True)
class Branch:
    """An outcome, where it stands, and what became of it."""

    outcome: Outcome
    condition: Condition
    statement: int
    """Which of the model's statements has it, from 0."""
    state: State
    rows: dict[str, int]
    """How many rows had it in which tests."""
    reason: str = ""

    @property
    def word(self) -> str:
        """What to say of its rows; nothing where the text beside them says it."""
        return "" if self.condition.kind in {"case", "if"} else self.outcome.name


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One model's coverage."""

    name: str
    model: Model
    statements: list[Statement]
    columns: dict[str, list[str]]
    """Every column that is known, and the tests that expected something of it."""
    branches: list[Branch]

    @property
    def layer(self) -> str:
        """Empty if its name says none."""
        return str(layer_of(self.name) or "")

    @property
    def tests(self) -> list[str]:
        """Those that built it or expected something of it."""
        expecting = {test for tests in self.model.expected.values() for test in tests}
        return sorted(self.model.builds.keys() | expecting)

    @property
    def built(self) -> bool:
        return bool(self.model.builds)

    @property
    def expected(self) -> Share:
        """Of the columns, if it is known which they are, those that some test expected something of."""
        if not self.model.columns:
            return Share(0, 0)
        return Share(len(self.columns), sum(bool(tests) for tests in self.columns.values()))

    @property
    def hit(self) -> Share:
        """Of the outcomes that can be counted, those that some row had."""
        return Share(
            sum(branch.state != "unknown" for branch in self.branches),
            sum(branch.state == "hit" for branch in self.branches),
        )

    @property
    def missed(self) -> list[Branch]:
        return [branch for branch in self.branches if branch.state == "missed"]

    @property
    def not_measured(self) -> dict[str, Branch]:
        """The first outcome of each condition that could not be counted, by the condition's id."""
        first: dict[str, Branch] = {}
        for branch in self.branches:
            if branch.state == "unknown":
                first.setdefault(branch.condition.id, branch)
        return first

    @property
    def complete(self) -> bool:
        """Whether it was built, and its rows went every way there is, as far as all can be told."""
        unread = any(statement.reason for statement in self.statements)
        return self.built and not (self.missed or self.not_measured or unread)


@dataclass(frozen=True, slots=True)
class Totals:
    """Several models' coverage together."""

    models: Share
    columns: Share
    branches: Share
    not_measured: int
    columns_unknown: int
    """Of how many models nobody knows the columns: they are in no number of columns."""
    tests: int


def summaries(coverage: Coverage) -> dict[str, list[ModelSummary]]:
    """All models by their layers, in the order in which data flows; those of no layer last, under ``other``."""
    layers: dict[str, list[ModelSummary]] = defaultdict(list)
    for name in sorted(coverage.models):
        found = _summary(coverage, name)
        layers[found.layer or "other"].append(found)
    return {layer: layers[layer] for layer in (*map(str, Layer), "other") if layer in layers}


def totals(models: Iterable[ModelSummary]) -> Totals:
    seen = list(models)
    return Totals(
        Share(len(seen), sum(model.built for model in seen)),
        sum((model.expected for model in seen), Share(0, 0)),
        sum((model.hit for model in seen), Share(0, 0)),
        sum(len(model.not_measured) for model in seen),
        sum(not model.model.columns for model in seen),
        len({test for model in seen for test in model.tests}),
    )


def _summary(coverage: Coverage, name: str) -> ModelSummary:
    model, statements = coverage.models[name], coverage.statements(name)
    branches: dict[str, Branch] = {}
    for place, statement in enumerate(statements):
        for condition in statement.conditions:
            for outcome in condition.outcomes:
                branches.setdefault(outcome.id, _branch(model, outcome, condition, place))
    columns = dict.fromkeys([*model.columns, *model.expected])
    return ModelSummary(
        name,
        model,
        statements,
        {column: model.expected.get(column, []) for column in columns},
        list(branches.values()),
    )


def _branch(model: Model, outcome: Outcome, condition: Condition, statement: int) -> Branch:
    rows = model.rows.get(outcome.id)
    state: State = "missed"
    reason = condition.reason
    if rows:
        state = "hit"
    elif rows is None and (reason or model.builds):
        state = "unknown"
        reason = reason or model.reasons.get(condition.id, "nothing was counted")
    return Branch(outcome, condition, statement, state, rows or {}, reason)
