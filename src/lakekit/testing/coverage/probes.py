"""From a compiled statement to the queries that count which outcomes its rows had."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ...catalog.views import rebind
from ...naming import CATALOG
from .condition import Condition, Outcome
from .joins import joins
from .queries import selects
from .walk import Level, Walk

if TYPE_CHECKING:
    from .queries import Select
    from .walk import Found

_OURS: Final = re.compile(rf"{CATALOG}(_[a-z0-9_]+)?")
_EXCERPT: Final = 100


@dataclass(frozen=True, slots=True)
class Counted:
    """A condition with what its outcomes are known by in the query's rows."""

    condition: Condition
    branch: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """Conditions of one SELECT that one query counts.

    Those that no query can count have a reason, and no query.
    """

    counted: tuple[Counted, ...]
    rest: str = ""
    """FROM and what follows it."""
    items: str = ""
    """What is selected besides, where GROUP BY may name it by its place."""
    withs: tuple[str, ...] = ()
    is_expression: bool = False
    """Whether the SELECT stands in an expression: if it depends on the rows around it, no engine can run it alone."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(counted.condition for counted in self.counted)

    @property
    def outcomes(self) -> list[Outcome]:
        """All outcomes, in the order of the query's columns."""
        return [outcome for condition in self.conditions for outcome in condition.outcomes]

    @property
    def query(self) -> str:
        """One row: for every outcome the number of rows that had it. Empty where nothing can be counted."""
        if not self.rest:
            return ""
        branches = [f"{counted.branch} as lakekit_{n}" for n, counted in enumerate(self.counted)]
        counts = [
            f"count(case when lakekit_{n} = {number} then 1 end) as n{n}_{number}"
            for n, counted in enumerate(self.counted)
            for number in counted.numbers
        ]
        selected = ",\n".join([*([self.items] if self.items else []), *branches])
        sql = f"select {', '.join(counts)}\nfrom (\nselect {selected}\n{self.rest}\n) as lakekit_rows"
        for depth, with_ in enumerate(reversed(self.withs)):
            sql = f"{with_}\n{sql}" if depth == 0 else f"{with_}\nselect * from (\n{sql}\n) as lakekit_scope"
        return sql

    def apart(self) -> list[Probe]:
        """A probe for each condition by itself, for when an engine refuses them together."""
        return [replace(self, counted=(counted,)) for counted in self.counted]


def canonical(sql: str) -> str:
    """A compiled statement as it reads at main: on Trino every branch is a catalog of its own name."""
    return rebind(sql, lambda catalog: _OURS.fullmatch(catalog) is not None, CATALOG)


def probes(sql: str) -> list[Probe]:
    """What can be asked about a model's compiled SELECT (Trino's). Raises ``QueryFailed`` if it cannot be read.

    ``case`` and ``if``, WHERE, HAVING and FILTER, and outer joins, at any depth. Run each probe's query at the
    model's ref before the model itself: an incremental model's conditions ask about the table as it was.
    """
    found = []
    seen: defaultdict[str, int] = defaultdict(int)
    for select in selects(sql):
        groups: defaultdict[tuple[str, str], list[Counted]] = defaultdict(list)
        for one in sorted([*Walk(sql, select).found, *joins(sql, select)], key=lambda one: one.start):
            counted = Counted(
                _condition(sql, select, one, seen), one.branch, tuple(end.number for end in one.ends)
            )
            if counted.condition.reason:
                found.append(Probe((counted,)))
            else:
                groups[_rest(sql, select, one)].append(counted)
        found += [
            Probe(tuple(counted), rest, items, select.withs, select.is_expression)
            for (rest, items), counted in groups.items()
        ]
    return found


def _rest(sql: str, select: Select, found: Found) -> tuple[str, str]:
    """FROM and what follows, and what to select besides, to have the rows that a condition is asked of."""

    def clauses(*names: str) -> str:
        there = [select.clauses[name] for name in names if name in select.clauses]
        return "\n".join(sql[clause.start : clause.stop] for clause in there)

    pieces = select.clauses["select"].pieces
    items = sql[pieces[0].start : pieces[-1].stop]
    match found.level:
        case Level.SOURCE:
            return found.source or clauses("from") or "where true", ""
        case Level.ROWS:
            window = () if "group by" in select.clauses else ("window",)
            return clauses("from", "where", *window) or "where true", ""
        case Level.GROUPS:
            return clauses("from", "where", "group by", "window") or "where true", items
        case Level.RESULT:
            return clauses("from", "where", "group by", "having", "window") or "where true", items


def _condition(sql: str, select: Select, found: Found, seen: defaultdict[str, int]) -> Condition:
    said = hashlib.sha256("\0".join(found.words).encode()).hexdigest()[:10]
    name = f"{select.name}:{found.kind}:{said}"
    seen[name] += 1
    if seen[name] > 1:
        name += f":{seen[name]}"
    outcomes = tuple(
        Outcome(
            id=f"{name}/{end.name}",
            name=end.name,
            start=end.start,
            stop=end.stop,
            line=sql.count("\n", 0, end.start) + 1,
            column=end.start - sql.rfind("\n", 0, end.start),
            excerpt=_excerpt(sql, end.start, end.stop),
        )
        for end in found.ends
    )
    return Condition(name, found.kind, select.name, found.start, found.stop, outcomes, found.reason)


def _excerpt(sql: str, start: int, stop: int) -> str:
    text = " ".join(sql[start:stop].split())
    if text in {"end", ")"}:
        return "no else: null"
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
