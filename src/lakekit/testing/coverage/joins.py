"""Outer joins as conditions: whether rows found a match, and whether rows were left without one.

The side that may be missing is read through a subquery that adds a column which is never null. Only tables and
subqueries are looked at: what UNNEST and LATERAL give depends on the row at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .branching import End
from .outline import Bracket, Word, words
from .queries import is_query
from .walk import Found, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .outline import Piece
    from .queries import Select

_KINDS: Final = ("left", "right", "full", "inner", "cross", "natural", "outer")
_LEFT: Final = "lakekit_left"
_RIGHT: Final = "lakekit_right"


def joins(sql: str, select: Select) -> Iterator[Found]:
    """The outer joins of a SELECT."""
    clause = select.clauses.get("from")
    if clause is None:
        return
    pieces = clause.pieces
    # Each join from its first word (left, full, …) to the next one's.
    places = [n for n, piece in enumerate(pieces) if piece.says("join")]
    starts = []
    for place in places:
        start = place
        while start and pieces[start - 1].says(*_KINDS):
            start -= 1
        starts.append(start)
    for order, (start, place) in enumerate(zip(starts, places, strict=True)):
        end = starts[order + 1] if order + 1 < len(starts) else len(pieces)
        end = next((n for n in range(place, end) if pieces[n].says(",")), end)
        kind = next(
            (word for word in ("left", "right", "full") if any(p.says(word) for p in pieces[start:place])), ""
        )
        on = next((n for n in range(place, end) if pieces[n].says("on", "using")), end)
        right = pieces[place + 1 : on]
        if not kind or not right or right[0].says("lateral", "unnest", "table"):
            continue
        first = pieces[: starts[0]]
        found = _found(kind, pieces[start].start, pieces[end - 1].stop, words(pieces[start:end]))
        marks = [(right, _RIGHT)] if kind == "left" else [(first, _LEFT)]
        if kind == "full":
            marks.append((right, _RIGHT))
        sides = [_marked(sql, side, column) for side, column in marks]
        simple = kind == "left" or (order == 0 and not any(piece.says(",") for piece in first))
        reason = "" if all(sides) and simple else "it joins what cannot be told apart from other rows"
        if reason := select.reason or reason:
            yield found(reason, "")
            continue
        text, begin = "from ", pieces[0].start
        for (side, _), marked in zip(marks, sides, strict=True):
            text += sql[begin : side[0].start] + marked
            begin = side[-1].stop
        yield found("", text + sql[begin : pieces[end - 1].stop])


def _found(kind: str, start: int, stop: int, said: list[str]) -> Callable[[str, str], Found]:
    def found(reason: str, source: str) -> Found:
        if kind == "full":
            ends = [
                End(1, "matched", start, stop),
                End(2, "left only", start, stop),
                End(3, "right only", start, stop),
            ]
            branch = f"case when {_LEFT} is null then 3 when {_RIGHT} is null then 2 else 1 end"
        else:
            ends = [End(1, "matched", start, stop), End(2, "unmatched", start, stop)]
            branch = f"case when {_RIGHT if kind == 'left' else _LEFT} is null then 2 else 1 end"
        return Found("join", start, stop, tuple(ends), Level.SOURCE, branch, reason, source, tuple(said))

    return found


def _marked(sql: str, relation: Sequence[Piece], column: str) -> str:
    """A relation with one column more, under the name that it had; empty if that cannot be."""
    size = 1
    if isinstance(relation[0], Word):
        while size + 1 < len(relation) and relation[size].says("."):
            size += 2
    elif not is_query(relation[0]):
        return ""
    name, alias = relation[:size], relation[size:]
    # What it is called in the rest of the statement; a list of column names would have one too few.
    if any(isinstance(piece, Bracket) for piece in alias) or len(alias) > 2:
        return ""
    called = sql[alias[0].start : alias[-1].stop] if alias else sql[name[-1].start : name[-1].stop]
    rows = sql[name[0].start : name[-1].stop]
    return f"(select *, true as {column} from {rows}) {called if alias else f'as {called}'}"
