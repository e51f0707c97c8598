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


def unnested(unnest: exp.Unnest, kinds: Sequence[str]) -> exp.Expr:
    """A lateral subquery with the same rows and columns as the UNNEST of expressions of these types."""
    alias = unnest.args.get("alias")
    names = [column.name for column in alias.args.get("columns") or ()] if alias else []
    # sqlglot keeps the ordinality's name apart from the other columns' names.
    offset = unnest.args.get("offset")
    ordinality = offset.name if isinstance(offset, exp.Expr) else None
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
        names = [*names, ordinality or "ordinality"] if len(names) < len(columns) else names
    if names and len(names) != len(columns):
        raise refusal(unnest, f"it has {len(columns)} columns, and {len(names)} names")
    named = [
        f"{column} as {quote(name)}"
        for column, name in zip(columns, names or [f"_col{n}" for n in range(len(columns))], strict=True)
    ]
    table = quote(alias.name) if alias and alias.name else "unnested"
    lateral = sqlglot.parse_one(
        f"select * from (select 1) as one cross join lateral (select {', '.join(named)}) as {table}",
        dialect="duckdb",
    )
    rewritten = lateral.args["joins"][0].this
    assert isinstance(rewritten, exp.Expr)
    return rewritten.pop()


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
