"""Reading a statement: its kind, and what it names. This is where SQL is parsed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from ...errors import QueryFailed, UnsupportedSql
from ...naming import CATALOG, quote
from .names import body, parse, references, split
from .plan import LOCAL, SCRATCH, Defined, Reading, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...catalog.protocol import TableId
    from .plan import Kind

_CHANGES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Alter)


def read(sql: str) -> Reading:  # noqa: PLR0911 - one case a kind
    """What one statement (Trino's) says. Raises ``QueryFailed`` and ``UnsupportedSql``."""
    tree = parse(sql)
    match tree:
        case exp.Query():
            return _reading(tree, "query", unnamed=tuple(_unnamed(tree)))
        case exp.Create(kind="SCHEMA"):
            return Reading("create schema", name=tree.this.db.lower(), lenient=bool(tree.args.get("exists")))
        case exp.Create(kind="VIEW"):
            if isinstance(tree.this, exp.Schema):
                raise UnsupportedSql(
                    "A view takes its column names from its query here.", todo="name them there, with AS"
                )
            replace = bool(tree.args.get("replace"))
            return Reading("create view", target=_target(tree), body=body(sql), replace=replace)
        case exp.Create(kind="TABLE"):
            return _create_table(tree, sql)
        case exp.Drop(kind="SCHEMA"):
            named = tree.find(exp.Table)
            assert named is not None
            return Reading("drop schema", name=named.db.lower(), lenient=bool(tree.args.get("exists")))
        case exp.Drop(kind="TABLE" | "VIEW" as kind):
            lenient = bool(tree.args.get("exists"))
            what: Kind = "drop table" if kind == "TABLE" else "drop view"
            return Reading(what, target=_target(tree), lenient=lenient)
        case _ if isinstance(tree, _CHANGES):
            return _reading(tree, "change")
    raise UnsupportedSql(
        f"The embedded engine has no {' '.join(sql.split()[:2]).upper()}.",
        todo="queries, show, describe, insert, update, delete, merge, truncate, alter table, and create and drop of "
        "schemas, tables and views work; for the rest use the trino engine",
    )


def read_script(sql: str) -> Script:
    """The statements that ``sql`` holds."""
    return Script(tuple(split(sql)))


def _reading(tree: exp.Expr, kind: Kind, *, unnamed: tuple[int, ...] = ()) -> Reading:
    scratch, strangers = [], False
    for table in tree.find_all(exp.Table):
        if (table.catalog, table.db) == (LOCAL, SCRATCH):
            scratch.append(table.name)
        elif table.catalog.lower() not in ("", CATALOG):
            strangers = True
    if scratch and isinstance(tree, exp.Alter):
        raise UnsupportedSql("A table in memory cannot be altered.", todo="make it anew")
    return Reading(
        kind,
        tuple(references(tree)),
        tuple(sorted(set(scratch))),
        strangers,
        unnamed=unnamed,
    )


def _unnamed(query: exp.Query) -> Iterator[int]:
    """Columns without a name of their own; where a star stands before one, its place is known from the end."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    columns: list[exp.Expr] = query.expressions
    stars = [n for n, column in enumerate(columns) if column.is_star]
    for n, column in enumerate(columns):
        plain = isinstance(column.unnest(), exp.Alias | exp.Column | exp.Dot)
        if not plain and n not in stars and (not stars or n < stars[0] or n > stars[-1]):
            yield n if not stars or n < stars[0] else n - len(columns)


def _create_table(tree: exp.Create, sql: str) -> Reading:
    if isinstance(tree.this, exp.Table) and tree.this.catalog == LOCAL:
        return Reading("create scratch", name=tree.this.name, body=body(sql))
    target = _target(tree)
    lenient, replace = bool(tree.args.get("exists")), bool(tree.args.get("replace"))
    partitioning = tuple(_partitioning(tree))
    if not tree.expression:
        columns = tuple(_columns(tree))
        return Reading(
            "define table",
            target=target,
            columns=columns,
            partitioning=partitioning,
            lenient=lenient,
            replace=replace,
        )
    if re.search(r"\bwith\s+no\s+data\s*$", sql, re.IGNORECASE):
        raise UnsupportedSql("CREATE TABLE … WITH NO DATA is not supported.", todo="add `where false`")
    return Reading(
        "create table",
        target=target,
        body=body(sql),
        partitioning=partitioning,
        lenient=lenient,
        replace=replace,
    )


def _columns(tree: exp.Create) -> Iterator[Defined]:
    columns = [column for column in tree.this.expressions if isinstance(column, exp.ColumnDef)]
    if len(columns) != len(tree.this.expressions):
        raise UnsupportedSql("A table is made of columns only here; LIKE and constraints are not supported.")
    for column in columns:
        required = any(isinstance(c.kind, exp.NotNullColumnConstraint) for c in column.constraints)
        yield Defined(column.name.lower(), column.args["kind"].sql("trino"), required)


def _partitioning(tree: exp.Create) -> Iterator[str]:
    """Trino's table properties as DuckDB's partition transforms, whose bucket() has its count first."""
    properties = tree.args.get("properties")
    for given in properties.expressions if properties else ():
        if isinstance(given, exp.FileFormatProperty) and given.this.name.upper() == "PARQUET":
            continue
        if given.name.lower() != "partitioning" or not isinstance(given.args.get("value"), exp.Array):
            raise UnsupportedSql(f"The table property {given.sql('trino')} is not supported.")
        for transform in given.args["value"].expressions:
            called = re.fullmatch(r"(\w+)\s*\(\s*([^,]+?)\s*(?:,\s*(\d+)\s*)?\)", transform.name)
            if called is None:
                yield quote(transform.name)
            else:
                function, column, count = called.groups()
                yield f"{function}({f'{count}, ' if count else ''}{quote(column)})"


def _target(tree: exp.Create | exp.Drop) -> TableId:
    found = references(tree)
    if not found:
        raise QueryFailed("The name of a table has a schema here.", todo="name it like marts.fct_daily_sales")
    return found[0].id
