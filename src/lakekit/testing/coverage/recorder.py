"""What tests exercised, gathered over a run: by whom a model was built, what was expected of it, where its rows went."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import msgspec

from ...errors import LakekitError
from .condition import Condition  # noqa: TC001 - msgspec reads JSON by it

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pyarrow as pa

    from .probes import Probe


@dataclass(slots=True)
class Statement:
    """A compiled SELECT of a model; an incremental model has one for its first build and one for later ones."""

    sql: str
    conditions: list[Condition] = field(default_factory=list)
    reason: str = ""
    """Why nothing could be asked about it; empty where it could."""


@dataclass(slots=True)
class Model:
    """One model, as the tests saw it. Tests are known by their names."""

    columns: list[str] = field(default_factory=list)
    """Those of its table or view; empty if it is not known which they are."""
    builds: dict[str, int] = field(default_factory=dict)
    """How often each test built it."""
    expected: dict[str, list[str]] = field(default_factory=dict)
    """The tests that expected something of each column."""
    statements: dict[str, Statement] = field(default_factory=dict)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    """For every outcome that was counted, by its id: how many rows had it in which tests; never 0."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why an engine refused to count a condition, by the condition's id."""


class Coverage:
    """Collects, model by model; several can be merged into one, and it survives as JSON."""

    def __init__(self, models: dict[str, Model] | None = None) -> None:
        self.models: dict[str, Model] = models or {}

    def measure(self, model: str, sql: str, run: Callable[[str], pa.Table], test: str) -> None:
        """Count the outcomes of a model's compiled SELECT, which ``test`` is about to build.

        ``run`` answers a query of Trino SQL at the test's ref. Whatever it raises is recorded, not raised: a test
        neither passes nor fails by being measured. Call this before the build: an incremental model asks about its
        own table as it was. Where a test stops the clock, ``sql`` has the clock's own words and ``run`` puts the
        time for them, or every instant would make a statement of its own.
        """
        seen = self._model(model)
        seen.builds[test] = seen.builds.get(test, 0) + 1
        statement, probes = _analyse(sql)
        seen.statements.setdefault(_digest(statement.sql), statement)
        for probe in probes:
            if probe.query:
                _count(seen, probe, run, test)

    def expected(self, model: str, columns: Iterable[str], test: str) -> None:
        """``test`` compared these columns of a model with what it wants them to be."""
        seen = self._model(model)
        for column in columns:
            tests = seen.expected.setdefault(column.lower(), [])
            if test not in tests:
                tests.append(test)

    def known(self, models: Mapping[str, Iterable[str]]) -> None:
        """Tell of models that there are, so that those which no test touches are seen to be missing.

        With each come its columns, as far as they are known: those of its table or view, once it is built.
        """
        for name, columns in models.items():
            model = self._model(name)
            model.columns = list(dict.fromkeys([*model.columns, *(column.lower() for column in columns)]))

    def statements(self, model: str) -> list[Statement]:
        """What was built of a model."""
        return list(self.models[model].statements.values())

    def merge(self, other: Coverage) -> None:
        """Add what another run, or another worker of this one, has seen."""
        for name, theirs in other.models.items():
            self.known({name: theirs.columns})
            ours = self._model(name)
            ours.statements = theirs.statements | ours.statements
            ours.reasons = theirs.reasons | ours.reasons
            for test, builds in theirs.builds.items():
                ours.builds[test] = ours.builds.get(test, 0) + builds
            for column, tests in theirs.expected.items():
                for test in tests:
                    self.expected(name, [column], test)
            for outcome, counted in theirs.rows.items():
                for test, rows in counted.items():
                    _add(ours, outcome, test, rows)
                ours.rows.setdefault(outcome, {})

    def to_json(self) -> bytes:
        return msgspec.json.encode(self.models)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        return cls(msgspec.json.decode(data, type=dict[str, Model]))

    def _model(self, name: str) -> Model:
        return self.models.setdefault(name, Model())


@lru_cache(maxsize=1024)
def _analyse(sql: str) -> tuple[Statement, tuple[Probe, ...]]:
    # It imports sqlglot, which a run that measures nothing does without.
    from .probes import canonical, probes

    try:
        sql = canonical(sql)
        found = tuple(probes(sql))
    except Exception as error:  # noqa: BLE001 - what cannot be measured must not fail a test
        return Statement(sql, reason=_reason(error)), ()
    conditions = [condition for probe in found for condition in probe.conditions]
    return Statement(sql, sorted(conditions, key=lambda condition: (condition.start, condition.stop))), found


def _count(model: Model, probe: Probe, run: Callable[[str], pa.Table], test: str) -> None:
    try:
        counts = [int(column[0].as_py()) for column in run(probe.query).columns]
    except Exception as error:  # noqa: BLE001 - a test neither passes nor fails by being measured
        if len(probe.conditions) > 1:
            for alone in probe.apart():
                _count(model, alone, run, test)
            return
        depends = "it may depend on the rows around it: " if probe.is_expression else ""
        model.reasons[probe.conditions[0].id] = depends + _reason(error)
        return
    for outcome, rows in zip(probe.outcomes, counts, strict=True):
        model.rows.setdefault(outcome.id, {})
        _add(model, outcome.id, test, rows)


def _add(model: Model, outcome: str, test: str, rows: int) -> None:
    if rows:
        counted = model.rows.setdefault(outcome, {})
        counted[test] = counted.get(test, 0) + rows


def _reason(error: Exception) -> str:
    """What went wrong, on one line; what to try instead is advice for whoever wrote the statement."""
    said = f"{error.what} {error.why}" if isinstance(error, LakekitError) else str(error)
    return " ".join(said.split())[:300] or type(error).__name__


def _digest(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()[:16]
