"""Finding the conditions of one SELECT, and for each the SQL that numbers the outcome a row has.

A condition is asked for where the engine itself would ask: on the rows that reach it. A ``case`` inside another's
branch only counts the rows that take that branch, one inside an aggregate counts rows, one around it counts groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from .branching import End, read_case, read_if
from .functions import AGGREGATES
from .outline import Bracket, Word, words
from .queries import is_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .branching import Branching
    from .condition import Kind
    from .outline import Piece
    from .queries import Select

_FILTERS: Final[tuple[Kind, ...]] = ("where", "having")
_GROUPING: Final = ("rollup", "cube", "grouping sets")
_AFTER_A_CALL: Final = ("filter", "within", "group", "ignore", "respect", "nulls")


class Level(IntEnum):
    """Which rows a condition is asked of."""

    SOURCE = 0
    """Those of FROM."""
    ROWS = 1
    """Those that pass WHERE."""
    GROUPS = 2
    """All groups."""
    RESULT = 3
    """The groups that pass HAVING."""


@dataclass(frozen=True, slots=True)
class Found:
    """A condition in the text, and ``branch``: an expression that gives an outcome's number, or null where it is not reached."""

    kind: Kind
    start: int
    stop: int
    ends: tuple[End, ...]
    level: Level
    branch: str = ""
    reason: str = ""
    source: str = ""
    """A FROM clause of its own, where the SELECT's would not do."""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression stands."""

    level: Level
    guards: tuple[str, ...] = ()
    """What must hold for it to be evaluated at all, from the outside in."""
    grouped: bool = False
    """Whether it is evaluated on groups as soon as it asks for something that only groups have."""
    reason: str = ""

    def when(self, guard: str) -> _Place:
        return replace(self, guards=(*self.guards, guard))

    def guarded(self, expression: str) -> str:
        for guard in reversed(self.guards):
            expression = f"case when {guard} then {expression} end"
        return expression


@dataclass(slots=True)
class Walk:
    """One SELECT of a statement; ``found`` are its conditions."""

    sql: str
    select: Select
    found: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        clauses = self.select.clauses
        grouped = self._is_grouped()
        # With subtotals a key is null in groups whose rows have it: nothing is known before there are groups.
        keys = clauses["group by"].pieces if "group by" in clauses else ()
        subtotals = any(word.says(*_GROUPING) for word in _all(keys))
        result = _Place(Level.RESULT if subtotals else Level.ROWS, grouped=grouped)
        arms = "it stands in the order of several queries together" if self.select.is_arm else ""
        places = {
            "select": result,
            "from": _Place(Level.SOURCE, reason="it stands in FROM, before there are rows to count"),
            "where": _Place(Level.SOURCE),
            "group by": _Place(Level.ROWS),
            "having": _Place(Level.GROUPS),
            "window": result,
            "order by": replace(result, reason=arms),
        }
        for name, place in places.items():
            if (clause := clauses.get(name)) is not None:
                self._walk(clause.pieces, place)
        for kind in _FILTERS:
            if (clause := clauses.get(kind)) is not None:
                self._filter(kind, clause.start, clause.pieces, places[kind])

    def _is_grouped(self) -> bool:
        clauses = self.select.clauses
        return bool({"group by", "having"} & clauses.keys()) or any(
            _aggregates(clauses[name].pieces) for name in ("select", "order by") if name in clauses
        )

    def _walk(self, pieces: Sequence[Piece], place: _Place) -> None:
        if any(piece.says("->") for piece in pieces):
            place = replace(place, reason=place.reason or "it stands in a lambda")
        for n, piece in enumerate(pieces):
            if not isinstance(piece, Bracket) or is_query(piece):
                continue
            before = pieces[n - 1] if n else piece
            if piece.sign == "case":
                self._branching(read_case(piece), piece.pieces, place)
            elif before.says("if"):
                self._branching(read_if(before.start, piece), piece.pieces, place)
            elif before.says("filter") and piece.pieces and piece.pieces[0].says("where"):
                inside = self._of_call(pieces, n, place)
                self._filter("filter", piece.pieces[0].start, piece.pieces[1:], inside)
                self._walk(piece.pieces, inside)
            elif before.says("over"):
                self._walk(piece.pieces, replace(place, guards=()))
            elif before.says("group", *AGGREGATES) or _is_windowed(pieces, n):
                self._walk(piece.pieces, self._filtered(pieces, n, self._of_call(pieces, n, place)))
            else:
                self._walk(piece.pieces, place)

    @staticmethod
    def _of_call(pieces: Sequence[Piece], n: int, place: _Place) -> _Place:
        """Inside a call of an aggregate or a window function, which is made whatever stands around it."""
        if _is_windowed(pieces, n):
            return replace(place, guards=())
        level = min(place.level, Level.ROWS)
        return replace(place, level=level, guards=(), grouped=False)

    def _filtered(self, pieces: Sequence[Piece], n: int, place: _Place) -> _Place:
        """Inside a call's own brackets, where its FILTER lets rows in."""
        for keyword, bracket in zip(pieces[n + 1 :], pieces[n + 2 :], strict=False):
            if not isinstance(keyword, Bracket) and not keyword.says(*_AFTER_A_CALL):
                break
            if keyword.says("filter") and isinstance(bracket, Bracket):
                return replace(place, guards=(self._text(bracket.pieces[1:]),))
        return place

    def _filter(self, kind: Kind, start: int, pieces: Sequence[Piece], place: _Place) -> None:
        """WHERE, HAVING or FILTER, unless it lets all pass: macros say `where (true or true)` on a first build."""
        if not set(words(pieces)) - {"(", "]", "true", "or", "and"}:
            return
        stop = pieces[-1].stop
        ends = (End(1, "passed", start, stop), End(0, "rejected", start, stop))
        branch = f"case when {self._text(pieces)} then 1 else 0 end"
        self._add(kind, start, stop, ends, branch, words(pieces), place)

    def _branching(self, branching: Branching | None, pieces: Sequence[Piece], place: _Place) -> None:
        if branching is None:
            self._walk(pieces, place)
            return
        if place.grouped and (_aggregates(pieces) or any(word.says("over") for word in _all(pieces))):
            place = replace(place, level=Level.RESULT)
        conditions = [self._text(condition) for condition, _ in branching.arms]
        case = f"case {self._text(branching.operand)}"

        def branch(results: Sequence[object], default: object) -> str:
            whens = (f"when {one} then {then}" for one, then in zip(conditions, results, strict=False))
            return f"{case} {' '.join(whens)} else {default} end"

        number = branch(range(1, len(conditions) + 1), 0)
        self._add(
            branching.kind, branching.start, branching.stop, branching.ends, number, words(pieces), place
        )

        def reached(passed: int) -> _Place:
            """Where so many conditions were asked, and did not hold."""
            return place.when(branch(["false"] * passed, "true")) if passed else place

        self._walk(branching.operand, place)
        for n, (condition, value) in enumerate(branching.arms):
            self._walk(condition, reached(n))
            self._walk(value, place.when(branch(["false"] * n + ["true"], "false")))
        self._walk(branching.default, reached(len(conditions)))

    def _add(
        self,
        kind: Kind,
        start: int,
        stop: int,
        ends: tuple[End, ...],
        branch: str,
        said: list[str],
        place: _Place,
    ) -> None:
        reason = self.select.reason or place.reason
        self.found.append(
            Found(kind, start, stop, ends, place.level, place.guarded(branch), reason, words=tuple(said))
        )

    def _text(self, pieces: Sequence[Piece]) -> str:
        return self.sql[pieces[0].start : pieces[-1].stop] if pieces else ""


def _all(pieces: Sequence[Piece]) -> Iterator[Word]:
    """All words at and below some pieces that belong to the same query."""
    for piece in pieces:
        if isinstance(piece, Word):
            yield piece
        elif not is_query(piece):
            yield from _all(piece.pieces)


def _aggregates(pieces: Sequence[Piece]) -> bool:
    """Whether there is an aggregate's call, not as a window function, at or below some pieces."""
    for n, piece in enumerate(pieces):
        if isinstance(piece, Bracket) and not is_query(piece):
            if n and pieces[n - 1].says("grouping", *AGGREGATES) and not _is_windowed(pieces, n):
                return True
            if _aggregates(piece.pieces):
                return True
    return False


def _is_windowed(pieces: Sequence[Piece], n: int) -> bool:
    """Whether the call whose arguments are the n-th piece has an OVER."""
    for piece in pieces[n + 1 :]:
        if piece.says("over"):
            return True
        if not isinstance(piece, Bracket) and not piece.says(*_AFTER_A_CALL):
            return False
    return False
