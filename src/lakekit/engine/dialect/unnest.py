"""UNNEST: Trino zips several arrays, spreads rows over columns and takes maps apart; DuckDB does none of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp

from ...naming import quote
from .functions import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

Columns = list[tuple[str, str]]
"""DuckDB's expressions and the names of their columns, in Trino's order."""


def columns_of(unnest: exp.Unnest, kinds: Sequence[str]) -> Columns:
    """The columns of an UNNEST of expressions of these types, to stand in a SELECT's list."""
    alias = unnest.args.get("alias")
    names = [column.name for column in alias.args.get("columns") or ()] if alias else []
    # sqlglot keeps the ordinality's name apart from the other columns' names.
    offset = unnest.args.get("offset")
    columns, lists = [], []
    for expression, kind in zip(unnest.expressions, kinds, strict=True):
        given = expression.sql("duckdb")
        if kind.startswith("MAP("):
            columns += [f"unnest(map_keys({given}))", f"unnest(map_values({given}))"]
            lists.append(f"map_keys({given})")
        elif kind.startswith("STRUCT(") and kind.endswith("[]"):
            columns += [f"struct_extract(unnest({given}), '{field}')" for field in _fields(kind[:-2])]
            lists.append(given)
        elif kind.endswith("[]") or kind == '"NULL"':
            columns.append(f"unnest({given})")
            lists.append(given)
        else:
            raise refusal(unnest, f"{kind} cannot be unnested")
    if offset:
        sizes = ", ".join(f"coalesce(len({one}), 0)" for one in lists)
        columns.append(f"unnest(range(1, greatest({sizes}) + 1))")
        if isinstance(offset, exp.Expr):
            names = [*names, offset.name]
    if not names:
        raise refusal(unnest, "its columns have no names", "unnest(…) as t (name)")
    if len(names) != len(columns):
        raise refusal(unnest, f"it has {len(columns)} columns, and {len(names)} names")
    return list(zip(columns, names, strict=True))


def as_lateral(unnest: exp.Unnest, columns: Columns) -> exp.Expr:
    """A lateral subquery with the rows of the UNNEST: right anywhere, but DuckDB plans it as a join."""
    table = unnest.alias_or_name or "unnested"
    lateral = sqlglot.parse_one(
        f"select * from one cross join lateral (select {_listed(columns)}) as {quote(table)}",
        dialect="duckdb",
    )
    rewritten = lateral.args["joins"][0].this
    assert isinstance(rewritten, exp.Expr)
    return rewritten.pop()


def joins_its_only_source(select: exp.Select, unnest: exp.Unnest) -> bool:
    """Whether a SELECT is ``from a cross join unnest(…) as u …``, so that the unnesting can be done within ``a``."""
    from_, joins = select.args.get("from_"), select.args.get("joins") or []
    join = unnest.parent
    return bool(
        from_
        and joins
        and joins[0] is join
        and isinstance(from_.this, exp.Table | exp.Subquery)
        and from_.this.alias_or_name
        and unnest.alias_or_name
        and not join.args.get("side")
        and not join.args.get("on")
        and not any(
            star.table == unnest.alias_or_name for star in select.find_all(exp.Column) if star.is_star
        )
    )


def unnest_within_source(select: exp.Select, unnest: exp.Unnest, columns: Columns) -> None:
    """Make ``from a cross join unnest(…) as u`` into ``from (select a.*, … from a) as a``: no join, no copies."""
    source, join = select.args["from_"].this, unnest.parent
    assert join is not None
    name, unnested = source.alias_or_name, unnest.alias_or_name
    select.set("joins", select.args["joins"][1:])
    for column in select.find_all(exp.Column):
        if column.table == unnested:
            column.set("table", exp.to_identifier(name, quoted=True))
    within = f"(select {quote(name)}.*, {_listed(columns)} from {source.sql('duckdb')}) as {quote(name)}"
    spread = sqlglot.parse_one(f"select * from {within}", dialect="duckdb").args["from_"]
    select.set("from_", spread)


def _listed(columns: Columns) -> str:
    return ", ".join(f"{column} as {quote(name)}" for column, name in columns)


def _fields(struct: str) -> list[str]:
    """The names of a STRUCT type's fields: ``STRUCT(a INTEGER, "b c" STRUCT(d DATE))`` has ``a`` and ``b c``."""
    names, depth, start = [], 0, True
    for token in re.finditer(r'"(?:[^"]|"")*"|[(),]|[^\s(),"]+', struct.removeprefix("STRUCT(")[:-1]):
        text = token.group()
        if text == "(":
            depth += 1
        elif text == ")":
            depth -= 1
        elif text == "," and depth == 0:
            start = True
        elif start:
            names.append(text[1:-1].replace('""', '"') if text.startswith('"') else text)
            start = False
    return names
