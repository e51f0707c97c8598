"""Finding the lake's tables in a statement.

A statement is parsed to find its references, but it will be changed as text, and only where they stand: all else
reaches the engine as it was written.
"""

from __future__ import annotations

import logging

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

from ...catalog.protocol import TableId
from ...errors import QueryFailed, UnsupportedSql, plain
from ...naming import CATALOG
from .plan import Reference

# It warns of what it does not know, and passes it on: that is refused here by name.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def parse(sql: str) -> exp.Expr:
    """The one statement that ``sql`` (Trino's) holds; raises ``QueryFailed``."""
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect="trino") if statement]
    except SqlglotError as error:
        raise QueryFailed("The statement cannot be parsed.", why=plain(error)) from error
    if not statements:
        raise QueryFailed("The statement is empty.", todo='lakekit sql "select …"')
    if len(statements) != 1:
        raise QueryFailed(f"One statement at a time can be run, not {len(statements)}.")
    return statements[0]


def references(tree: exp.Expr) -> list[Reference]:
    """What of the lake a statement names, as ``schema.name`` or ``lake.schema.name``, in order of appearance.

    Single names are those of CTEs, and left alone; any other raises ``QueryFailed``, lest DuckDB take it for a file.
    """
    found = []
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not table.db and isinstance(table.this, exp.Identifier) and table.name.lower() not in ctes:
            raise QueryFailed(
                f"'{table.name}' is no table of the lake.", todo="name its schema, too: schema.table"
            )
        if (
            not table.db
            or table.catalog.lower() not in ("", CATALOG)
            or not isinstance(table.this, exp.Identifier)
        ):
            continue
        if table.db.lower() == "information_schema":
            raise UnsupportedSql(
                "The embedded engine has no information_schema.",
                todo="show schemas, show tables from SCHEMA, describe SCHEMA.TABLE",
            )
        places = [part.meta for part in table.parts]
        found.append(
            Reference(
                TableId(table.db.lower(), table.name.lower()),
                min(place["start"] for place in places),
                max(place["end"] for place in places) + 1,
            )
        )
    return sorted(found, key=lambda reference: reference.start)


def split(sql: str) -> list[str]:
    """The statements of a script, as they were written."""
    pieces, start, blank = [], 0, True
    for token in sqlglot.tokenize(sql, dialect="trino"):
        if token.token_type != TokenType.SEMICOLON:
            blank = False
            continue
        if not blank:
            pieces.append(sql[start : token.start])
        start, blank = token.end + 1, True
    return pieces if blank else [*pieces, sql[start:]]


def body(sql: str) -> str:
    """The query of a ``create view … as query`` or ``create table … as query``, as it was written."""
    depth = 0
    for token in sqlglot.tokenize(sql, dialect="trino"):
        if token.token_type == TokenType.L_PAREN:
            depth += 1
        elif token.token_type == TokenType.R_PAREN:
            depth -= 1
        elif token.token_type == TokenType.ALIAS and depth == 0:
            return sql[token.end + 1 :].strip().rstrip(";").strip()
    raise QueryFailed("The statement has no query.", why="after AS a query must follow")
