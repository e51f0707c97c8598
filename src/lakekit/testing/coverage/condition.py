"""What a test can exercise in a model, as data: conditions, and the outcomes that each may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["case", "if", "where", "having", "filter", "join"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way that a condition can end, and the text that says so; ``line`` and ``column`` count from 1."""

    id: str
    name: str
    """Of a case ``when 1`` … and ``else``; of a filter ``passed`` and ``rejected``; of a join who found whom."""
    start: int
    stop: int
    line: int
    column: int
    excerpt: str

    @property
    def missing(self) -> str:
        """What to say where no row ever came this way."""
        return _MISSING.get(self.name, "never taken")


@dataclass(frozen=True, slots=True)
class Condition:
    """A place where rows part. Its id stays the same wherever in the statement it stands."""

    id: str
    kind: Kind
    scope: str
    """The query that it belongs to: the names of CTEs and subqueries, from the outside in; empty for the outermost."""
    start: int
    stop: int
    outcomes: tuple[Outcome, ...]
    reason: str = ""
    """Why its outcomes cannot be counted; empty where they can."""


_MISSING = {
    "passed": "no row passed",
    "rejected": "no row was rejected",
    "matched": "no row found a match",
    "unmatched": "no row was without a match",
    "left only": "no row on the left was without a match",
    "right only": "no row on the right was without a match",
}
