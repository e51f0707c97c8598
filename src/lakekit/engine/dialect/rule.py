"""What a rewrite is, and small helpers that all of them use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable


_TYPED: Final = "typed"


@dataclass(frozen=True, slots=True)
class Rule:
    """``rewrite`` puts something in the node's place, given the types of its ``operands`` in DuckDB's words."""

    operands: Callable[[exp.Expr], list[exp.Expr]]
    rewrite: Callable[[exp.Expr, list[str]], None]


def both(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, node.expression]


def first(node: exp.Expr) -> list[exp.Expr]:
    inner = node.this
    if isinstance(inner, exp.Distinct):
        inner = inner.expressions[0]
    return [inner]


def cast_parts(node: exp.Expr) -> list[exp.Expr]:
    """What is cast; and where that is a row that is made on the spot, each of its fields."""
    return [node.this, *(node.this.expressions if isinstance(node.this, exp.Struct) else ())]


def outside_lambda(node: exp.Expr) -> list[exp.Expr]:
    """The first operand, unless it may be a lambda's parameter, whose type nobody tells."""
    return [] if node.find_ancestor(exp.Lambda) else first(node)


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A call of a DuckDB function or macro by its very name; strings and numbers are literals."""
    return exp.Anonymous(
        this=name,
        expressions=[
            exp.Literal.string(a)
            if isinstance(a, str)
            else exp.Literal.number(a)
            if isinstance(a, int)
            else a
            for a in arguments
        ],
    )


def cast_to(node: exp.Expr, kind: str) -> exp.Expr:
    """A cast to a DuckDB type."""
    return exp.Cast(this=node, to=exp.DataType.build(kind, dialect="duckdb"))


def typed(literal: exp.Expr, kind: str) -> exp.Expr:
    """A literal with another type than DuckDB gives it; a literal all the same to whoever asks ``is_literal``."""
    node = cast_to(literal.copy(), kind)
    node.meta[_TYPED] = True
    return node


def is_literal(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) or _TYPED in node.meta


def as_written(node: exp.Expr) -> exp.Expr:
    """A literal without the type that it was given; any other node as it is."""
    written = node.this if _TYPED in node.meta else node
    assert isinstance(written, exp.Expr)
    return written


def whole_call(aggregate: exp.Expr) -> exp.Expr:
    """An aggregate with its FILTER and OVER, if it has them."""
    node = aggregate
    while isinstance(node.parent, exp.Filter | exp.Window | exp.IgnoreNulls) and node.parent.this is node:
        node = node.parent
    return node
