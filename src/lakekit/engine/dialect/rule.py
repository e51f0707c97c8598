"""What a rewrite is, and small helpers that all of them use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Callable


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


def whole_call(aggregate: exp.Expr) -> exp.Expr:
    """An aggregate with its FILTER and OVER, if it has them."""
    node = aggregate
    while isinstance(node.parent, exp.Filter | exp.Window | exp.IgnoreNulls) and node.parent.this is node:
        node = node.parent
    return node
