"""A statement's queries: every SELECT at whatever depth, its clauses, and the CTEs that it can see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .outline import Bracket, Word, outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .outline import Piece

_CLAUSES: Final = (
    "from",
    "where",
    "group by",
    "having",
    "window",
    "order by",
    "limit",
    "offset",
    "fetch",
)
_SET_OPERATORS: Final = ("union", "intersect", "except")


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with its keyword; ``pieces`` are what follows that."""

    keyword: Word
    pieces: Sequence[Piece]

    @property
    def start(self) -> int:
        return self.keyword.start

    @property
    def stop(self) -> int:
        return self.pieces[-1].stop if self.pieces else self.keyword.stop


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT. ``withs`` are the texts of the WITH clauses that it can see, from the outside in."""

    path: tuple[str, ...]
    withs: tuple[str, ...]
    clauses: dict[str, Clause]
    reason: str = ""
    """Why it cannot be run by itself; empty where it can."""
    is_expression: bool = False
    """Whether it stands in an expression, and may depend on the rows around it."""
    is_arm: bool = False
    """Whether it is one of several in a UNION, INTERSECT or EXCEPT."""

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class _Around:
    """What a query has around it."""

    path: tuple[str, ...] = ()
    withs: tuple[str, ...] = ()
    reason: str = ""
    is_expression: bool = False

    def within(self, name: str) -> _Around:
        return replace(self, path=(*self.path, name))


def selects(sql: str) -> list[Select]:
    """Every SELECT of a statement, CTEs first. Raises ``QueryFailed`` where its brackets do not match."""
    return list(_query(sql, outline(sql).pieces, _Around()))


def is_query(piece: Piece) -> bool:
    """Whether a bracket holds a query rather than an expression."""
    if not isinstance(piece, Bracket) or piece.sign != "(" or not piece.pieces:
        return False
    first = piece.pieces[0]
    if first.says("select", "with", "values"):
        return True
    return is_query(first) and (
        len(piece.pieces) == 1 or any(other.says(*_SET_OPERATORS) for other in piece.pieces)
    )


def _query(sql: str, pieces: Sequence[Piece], around: _Around) -> Iterator[Select]:
    if pieces and pieces[0].says("with"):
        ctes, pieces, recursive = _ctes(pieces)
        keyword = "with recursive" if recursive else "with"
        inside = replace(around, reason=around.reason or "it is part of a recursion") if recursive else around
        seen: list[str] = []
        for name, cte in ctes:
            withs = (*around.withs, f"{keyword} {', '.join(seen)}") if seen else around.withs
            body = cte[-1]
            assert isinstance(body, Bracket)
            yield from _query(sql, body.pieces, replace(inside.within(name), withs=withs))
            seen.append(sql[cte[0].start : cte[-1].stop])
        around = replace(around, withs=(*around.withs, f"{keyword} {', '.join(seen)}"))
    arms = list(_arms(pieces))
    for n, arm in enumerate(arms, start=1):
        place = around.within(f"{n}") if len(arms) > 1 else around
        if arm and is_query(arm[0]):
            body = arm[0]
            assert isinstance(body, Bracket)
            yield from _query(sql, body.pieces, place)
            yield from _subqueries(sql, arm[1:], place)
        elif arm and arm[0].says("select"):
            yield from _select(sql, arm, place, is_arm=len(arms) > 1)
        else:
            yield from _subqueries(sql, arm, place)


def _ctes(pieces: Sequence[Piece]) -> tuple[list[tuple[str, Sequence[Piece]]], Sequence[Piece], bool]:
    """Names and pieces (``name (columns) as (query)``) of a WITH clause's CTEs, what follows, whether it is recursive."""
    recursive = len(pieces) > 1 and pieces[1].says("recursive")
    begin = 2 if recursive else 1
    ctes: list[tuple[str, Sequence[Piece]]] = []
    for n, piece in enumerate(pieces):
        if n >= begin and isinstance(piece, Bracket) and pieces[n - 1].says("as"):
            name = pieces[begin]
            ctes.append((name.text.strip('"') if isinstance(name, Word) else "", pieces[begin : n + 1]))
            begin = n + 2
            if n + 1 >= len(pieces) or not pieces[n + 1].says(","):
                return ctes, pieces[n + 1 :], recursive
    return ctes, (), recursive


def _arms(pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    begin = 0
    for n, piece in enumerate(pieces):
        if piece.says(*_SET_OPERATORS):
            yield pieces[begin:n]
            begin = n + 1
            if begin < len(pieces) and pieces[begin].says("all", "distinct"):
                begin += 1
    yield pieces[begin:]


def _select(sql: str, pieces: Sequence[Piece], around: _Around, *, is_arm: bool) -> Iterator[Select]:
    starts = [0]
    for n, piece in enumerate(pieces):
        # In `a is distinct from b` no clause begins.
        if piece.says(*_CLAUSES) and not (piece.says("from") and pieces[n - 1].says("distinct")):
            starts.append(n)
    clauses: dict[str, Clause] = {}
    for begin, end in zip(starts, [*starts[1:], len(pieces)], strict=True):
        keyword = pieces[begin]
        assert isinstance(keyword, Word)
        body = pieces[begin + 1 : end]
        if keyword.text == "select" and body and body[0].says("distinct", "all"):
            body = body[1:]
        clauses[keyword.text] = Clause(keyword, body)
    for name, clause in clauses.items():
        inside = around if name == "from" else replace(around, is_expression=True)
        yield from _subqueries(sql, clause.pieces, inside)
    yield Select(
        around.path, around.withs, clauses, around.reason, is_expression=around.is_expression, is_arm=is_arm
    )


def _subqueries(sql: str, pieces: Sequence[Piece], around: _Around) -> Iterator[Select]:
    for n, piece in enumerate(pieces):
        if not isinstance(piece, Bracket):
            continue
        if is_query(piece):
            lateral = n > 0 and pieces[n - 1].says("lateral")
            inside = replace(around, is_expression=around.is_expression or lateral)
            yield from _query(sql, piece.pieces, inside.within(_alias(pieces[n + 1 : n + 3])))
        else:
            yield from _subqueries(sql, piece.pieces, around)


def _alias(following: Sequence[Piece]) -> str:
    names = [piece for piece in following if not piece.says("as")]
    if (
        names
        and isinstance(names[0], Word)
        and names[0].text.strip('"').isidentifier()
        and len(following) > len(names)
    ):
        return names[0].text.strip('"')
    return "subquery"
