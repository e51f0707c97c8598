"""How a mart's SQL makes its columns: which may be added up over rows, and which are one sum over another."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlglot import exp, parse_one
from sqlglot.optimizer.scope import Scope, build_scope

if TYPE_CHECKING:
    from collections.abc import Iterable


class Nature(Enum):
    """What adding a column up over rows gives."""

    SUM = "a sum of parts: adding it up is right"
    FIXED = "an average, a ratio, a count of distinct things, a group's key, a rank: adding it up is wrong"
    UNKNOWN = "a column of another model, or what is made of such: its name and type must tell"


class Ratio(NamedTuple):
    """A column that divides others of the mart: both sides in SQL, a column in braces, and all columns that they name."""

    above: str
    below: str
    columns: frozenset[str]


class Derivation:
    """Of one query in Trino's SQL; of an empty one nothing is known."""

    def __init__(self, sql: str) -> None:
        self._scope = build_scope(parse_one(sql, dialect="trino")) if sql else None

    def nature(self, column: str) -> Nature:
        """The nature of one of the columns that the query gives."""
        return _output(self._scope, column) if self._scope else Nature.UNKNOWN

    def ratio(self, column: str) -> Ratio | None:
        """What a column divides, if both sides are made of columns that the query gives too."""
        if self._scope is None or not isinstance(self._scope.expression, exp.Select):
            return None
        given = {
            inner.sql(): projection.alias_or_name.lower()
            for projection in self._scope.expression.selects
            if isinstance(inner := projection.unalias(), exp.Column)
        }
        made = _unwrapped(_projection(self._scope.expression, column))
        if not isinstance(made, exp.Div):
            return None
        above, below = made.this, made.expression
        if isinstance(below, exp.Nullif):
            below = below.this
        sides = [_in_terms_of(side, given) for side in (above, below)]
        if None in sides:
            return None
        columns = frozenset(given[one.sql()] for side in (above, below) for one in side.find_all(exp.Column))
        return Ratio(str(sides[0]), str(sides[1]), columns)


_WRAPPED: Final = (exp.Paren, exp.Cast, exp.TryCast, exp.Round, exp.Nullif, exp.Neg, exp.Filter)
_SUMS: Final = (exp.Sum, exp.Count, exp.CountIf)
_FIXED: Final = (exp.Column, exp.Div, exp.Window, exp.AggFunc, exp.Subquery, exp.DateDiff, exp.TsOrDsDiff)


def _output(scope: Scope, column: str) -> Nature:
    if sides := scope.set_operation_scopes:
        natures = {_output(one, column) for one in sides}
        return natures.pop() if len(natures) == 1 else Nature.UNKNOWN
    select = scope.expression
    if not isinstance(select, exp.Select):
        return Nature.UNKNOWN
    projection = _projection(select, column)
    if projection is None:
        return _source(scope, column, "") if any(one.is_star for one in select.selects) else Nature.UNKNOWN
    return Nature.FIXED if _is_grouped(projection, select) else _nature(projection, scope)


def _is_grouped(projection: exp.Expr, select: exp.Select) -> bool:
    """Whether rows are grouped by it, as it is written or by its number."""
    group = select.args.get("group")
    by = group.expressions if group else []
    numbers = {one.name for one in by if isinstance(one, exp.Literal)}
    numbered = [one.unalias() for at, one in enumerate(select.selects, 1) if str(at) in numbers]
    return projection in by or projection in numbered


def _projection(select: exp.Select, column: str) -> exp.Expr | None:
    return next(
        (one.unalias() for one in select.selects if one.alias_or_name.lower() == column and not one.is_star),
        None,
    )


def _source(scope: Scope, column: str, table: str) -> Nature:
    """The nature of a column that a query reads."""
    named = [table] if table else list(scope.sources)
    source = scope.sources.get(named[0]) if len(named) == 1 else None
    return _output(source, column) if isinstance(source, Scope) else Nature.UNKNOWN


def _nature(made: exp.Expr, scope: Scope) -> Nature:
    select = scope.expression
    if (inner := _scaled(made)) is not None:
        return _nature(inner, scope)
    if isinstance(made, exp.Column) and not (select.args.get("group") or select.args.get("distinct")):
        return _source(scope, made.name.lower(), made.table)
    if isinstance(made, exp.Coalesce | exp.Add | exp.Sub | exp.Case | exp.If):
        return _all(_parts(made), scope)
    if isinstance(made, _SUMS) and not isinstance(made.this, exp.Distinct):
        return Nature.SUM
    # What a function makes of sums is no sum, so far as is known; but a price by a count may be one.
    is_fixed = isinstance(made, _FIXED) or (made.find(exp.AggFunc) and not isinstance(made, exp.Mul))
    return Nature.FIXED if is_fixed else Nature.UNKNOWN


def _scaled(made: exp.Expr) -> exp.Expr | None:
    """What is inside of something that changes neither its nature nor, but by a constant, its value."""
    inner: exp.Expr | None = None
    if isinstance(made, _WRAPPED) or (
        isinstance(made, exp.Mul | exp.Div) and isinstance(made.expression, exp.Literal)
    ):
        inner = made.this
    elif isinstance(made, exp.Mul) and isinstance(made.this, exp.Literal):
        inner = made.expression
    return inner


def _parts(made: exp.Expr) -> list[exp.Expr]:
    """What is added, or what one of is taken."""
    if isinstance(made, exp.Case):
        parts = [branch.args["true"] for branch in made.args["ifs"]] + [made.args.get("default")]
    elif isinstance(made, exp.If):
        parts = [made.args["true"], made.args.get("false")]
    else:
        parts = [made.this, *(made.expressions if isinstance(made, exp.Coalesce) else [made.expression])]
    return [part for part in parts if part is not None]


def _all(parts: Iterable[exp.Expr], scope: Scope) -> Nature:
    """What they have in common; nothing and zero change nothing."""
    natures = {_nature(part, scope) for part in parts if not _is_nothing(part)}
    if Nature.FIXED in natures:
        return Nature.FIXED
    return natures.pop() if len(natures) == 1 else Nature.UNKNOWN


def _is_nothing(made: exp.Expr) -> bool:
    inner = _unwrapped(made)
    return isinstance(inner, exp.Null) or (isinstance(inner, exp.Literal) and inner.name.strip("0.") == "")


def _unwrapped(made: exp.Expr | None) -> exp.Expr | None:
    while isinstance(made, exp.Paren | exp.Cast | exp.TryCast | exp.Round):
        made = made.this
    return made


def _in_terms_of(side: exp.Expr, given: dict[str, str]) -> str | None:
    """A sum or difference with each column in braces, under the name that the query gives it."""
    match side:
        case exp.Paren():
            return _in_terms_of(side.this, given)
        case exp.Column() if side.sql() in given:
            return f"{{{given[side.sql()]}}}"
        case exp.Add() | exp.Sub():
            sides = [_in_terms_of(one, given) for one in (side.this, side.expression)]
            sign = "+" if isinstance(side, exp.Add) else "-"
            right = f"({sides[1]})" if isinstance(side.expression, exp.Paren) else sides[1]
            return None if None in sides else f"{sides[0]} {sign} {right}"
    return None
