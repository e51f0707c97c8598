"""Finding the conditions of one SELECT, and for each the SQL that numbers the outcome a row has.

A condition is asked for where the engine itself would ask: on the rows that reach it. A ``case`` inside another's
branch only counts the rows that take that branch, one inside an aggregate counts rows, one around it counts groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from .functions import AGGREGATES
from .outline import Bracket, Word, split, words
from .queries import is_query

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .condition import Kind
    from .outline import Piece
    from .queries import Select

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
class End:
    """An outcome: its number, its name, and the text that stands for it."""

    number: int
    name: str
    start: int
    stop: int


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
        nested = (
            any(piece.says(*_GROUPING) for piece in _all(clauses["group by"].pieces))
            if "group by" in clauses
            else False
        )
        result = _Place(Level.RESULT if grouped and nested else Level.ROWS, grouped=grouped)
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
                if name in {"where", "having"}:
                    self._filter(name, clause.start, clause.pieces, place)  # type: ignore[arg-type]
                self._walk(clause.pieces, place)

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
                self._case(piece, place)
            elif before.says("if"):
                self._if(before.start, piece, place)
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
        self._add(kind, start, stop, ends, f"case when {self._text(pieces)} then 1 else 0 end", pieces, place)

    def _case(self, bracket: Bracket, place: _Place) -> None:
        keys = [n for n, piece in enumerate(bracket.pieces) if piece.says("when", "then", "else")]
        runs = split(bracket.pieces, "when", "then", "else")
        operand, arms = runs[0], list(zip(runs[1::2], runs[2::2], strict=False))
        ends = []
        for n in range(len(arms)):
            value = arms[n][1]
            ends.append(
                End(
                    n + 1,
                    f"when {n + 1}",
                    bracket.pieces[keys[2 * n]].start,
                    value[-1].stop if value else bracket.stop,
                )
            )
        default = runs[-1] if len(runs) % 2 == 0 else []
        if default:
            ends.append(End(0, "else", bracket.pieces[keys[-1]].start, default[-1].stop))
        else:
            ends.append(End(0, "else", bracket.stop - len("end"), bracket.stop))
        self._branches(
            "case", bracket.start, bracket.stop, tuple(ends), operand, arms, default, bracket.pieces, place
        )

    def _if(self, start: int, bracket: Bracket, place: _Place) -> None:
        condition, *values = split(bracket.pieces, ",")
        if not condition or not values or not all(values):
            return
        ends = [End(1, "when 1", condition[0].start, values[0][-1].stop)]
        if values[1:]:
            ends.append(End(0, "else", values[1][0].start, values[1][-1].stop))
        else:
            ends.append(End(0, "else", bracket.stop - 1, bracket.stop))
        default = values[1] if values[1:] else []
        self._branches(
            "if",
            start,
            bracket.stop,
            tuple(ends),
            [],
            [(condition, values[0])],
            default,
            bracket.pieces,
            place,
        )

    def _branches(
        self,
        kind: Kind,
        start: int,
        stop: int,
        ends: tuple[End, ...],
        operand: Sequence[Piece],
        arms: Sequence[tuple[Sequence[Piece], Sequence[Piece]]],
        default: Sequence[Piece],
        pieces: Sequence[Piece],
        place: _Place,
    ) -> None:
        if place.grouped and (_aggregates(pieces) or any(piece.says("over") for piece in _all(pieces))):
            place = replace(place, level=Level.RESULT)
        conditions = [self._text(condition) for condition, _ in arms]
        case = f"case {self._text(operand)}" if operand else "case"
        numbered = " ".join(f"when {condition} then {n}" for n, condition in enumerate(conditions, start=1))
        self._add(kind, start, stop, ends, f"{case} {numbered} else 0 end", pieces, place)

        def reached(passed: int) -> _Place:
            """Where the first conditions did not hold."""
            if not passed:
                return place
            failed = " ".join(f"when {condition} then false" for condition in conditions[:passed])
            return replace(place, guards=(*place.guards, f"{case} {failed} else true end"))

        self._walk(operand, place)
        for n, (condition, value) in enumerate(arms):
            self._walk(condition, reached(n))
            taken = f"{case} when {conditions[n]} then true else false end"
            before = reached(n)
            self._walk(value, replace(before, guards=(*before.guards, taken)))
        self._walk(default, reached(len(arms)))

    def _add(
        self,
        kind: Kind,
        start: int,
        stop: int,
        ends: tuple[End, ...],
        branch: str,
        pieces: Sequence[Piece],
        place: _Place,
    ) -> None:
        reason = self.select.reason or place.reason
        self.found.append(
            Found(
                kind,
                start,
                stop,
                ends,
                place.level,
                place.guarded(branch),
                reason,
                words=tuple(words(pieces)),
            )
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
