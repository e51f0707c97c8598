"""What each kind of statement does: rows from DuckDB, changes to tables by it, names in the catalog."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from sqlglot import exp

from ...errors import QueryFailed, UnsupportedSql
from ...naming import quote
from .names import body, parse, references, split
from .session import LOCAL, described, failing
from .show import show
from .types import answer, stored_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...catalog.protocol import TableId
    from .session import Session

_NOTHING: Final = pa.table({})

_CHANGES: Final = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Alter)


def run(session: Session, sql: str) -> pa.Table:
    """Run one statement of Trino SQL and return its rows. Raises ``QueryFailed`` and ``UnsupportedSql``."""
    if (shown := show(session, sql)) is not None:
        return shown
    tree = parse(sql)
    match tree:
        case exp.Query():
            with session.cursor() as cursor, failing():
                rows = answer(cursor.execute(session.translate(sql)))
            return rows.rename_columns(_trino_names(tree, rows.column_names))
        case exp.Create(kind="SCHEMA"):
            _create_schema(session, tree)
        case exp.Create(kind="VIEW"):
            _create_view(session, tree, sql)
        case exp.Create(kind="TABLE"):
            _create_table(session, tree, sql)
        case exp.Drop(kind="SCHEMA" | "TABLE" | "VIEW"):
            _drop(session, tree)
        case _ if isinstance(tree, _CHANGES):
            session.writable()
            with session.cursor() as cursor, failing():
                cursor.execute(session.translate(sql))
        case _:
            raise UnsupportedSql(
                f"The embedded engine has no {' '.join(sql.split()[:2]).upper()}.",
                todo="queries, show, describe, insert, update, delete, merge, truncate, alter table, and create and drop of "
                "schemas, tables and views work; for the rest use the trino engine",
            )
    return _NOTHING


def run_script(session: Session, sql: str) -> pa.Table:
    """Run one or more statements, and return the last one's rows; changes of rows take effect all at once."""
    statements = split(sql)
    if len(statements) < 2 or not all(isinstance(parse(one), _CHANGES) for one in statements):
        result = _NOTHING
        for one in statements:
            result = run(session, one)
        return result
    session.writable()
    translated = [session.translate(one) for one in statements]
    with session.cursor() as cursor, failing():
        cursor.begin()
        try:
            for one in translated:
                cursor.execute(one)
            cursor.commit()
        except BaseException:
            cursor.rollback()
            raise
    return _NOTHING


def _trino_names(query: exp.Query, names: list[str]) -> list[str]:
    """Columns by Trino's names: what has none of its own is called after its place, ``_col0``."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    columns: list[exp.Expr] = query.expressions
    stars = [n for n, column in enumerate(columns) if column.is_star]
    for n, column in enumerate(columns):
        # Where a star stands before it, its place is known from the end.
        place = n if not stars or n < stars[0] else len(names) - len(columns) + n
        plain = isinstance(column.unnest(), exp.Alias | exp.Column | exp.Dot)
        if not plain and n not in stars and (not stars or n < stars[0] or n > stars[-1]):
            names[place] = f"_col{place}"
    return names


def _create_schema(session: Session, tree: exp.Create) -> None:
    catalog = session.writable()
    schema = tree.this.db.lower()
    with failing():
        if not (tree.args.get("exists") and catalog.has_schema(schema)):
            catalog.create_schema(schema)


def _create_view(session: Session, tree: exp.Create, sql: str) -> None:
    if isinstance(tree.this, exp.Schema):
        raise UnsupportedSql(
            "A view takes its column names from its query here.", todo="name them there, with AS"
        )
    view = _target(tree)
    if not tree.args.get("replace") and view in session.catalog.entries(session.ref):
        raise QueryFailed(f"{view} exists already.", todo="create or replace view")
    session.create_view(view, body(sql))


def _create_table(session: Session, tree: exp.Create, sql: str) -> None:
    if isinstance(tree.this, exp.Table) and tree.this.catalog == LOCAL:
        session.create_scratch(tree.this.name, session.translate(body(sql)))
        return
    session.writable()
    table = _target(tree)
    if tree.args.get("exists") and table in session.catalog.entries(session.ref):
        return
    replace, partitioning = bool(tree.args.get("replace")), list(_partitioning(tree))
    if tree.expression:
        if re.search(r"\bwith\s+no\s+data\s*$", sql, re.IGNORECASE):
            raise UnsupportedSql("CREATE TABLE … WITH NO DATA is not supported.", todo="add `where false`")
        query = session.translate(body(sql))
        session.create_table(table, query, replace=replace, partitioning=partitioning)
    else:
        session.define_table(table, list(_columns(session, tree)), replace=replace, partitioning=partitioning)


def _columns(session: Session, tree: exp.Create) -> Iterator[str]:
    """Column definitions for DuckDB, with the types that Iceberg stores."""
    columns = [column for column in tree.this.expressions if isinstance(column, exp.ColumnDef)]
    if len(columns) != len(tree.this.expressions):
        raise UnsupportedSql("A table is made of columns only here; LIKE and constraints are not supported.")
    typed = (
        f"cast(null as {column.args['kind'].sql('trino')}) as {quote(column.name.lower())}"
        for column in columns
    )
    with session.cursor() as cursor, failing():
        kinds = described(cursor, session.translate(f"select {', '.join(typed)}"))
    for column, (name, kind) in zip(columns, kinds, strict=True):
        required = any(isinstance(c.kind, exp.NotNullColumnConstraint) for c in column.constraints)
        yield f"{quote(name)} {stored_type(kind)} {'not null' if required else ''}"


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


def _drop(session: Session, tree: exp.Drop) -> None:
    catalog = session.writable()
    if tree.args["kind"] == "SCHEMA":
        named = tree.find(exp.Table)
        assert named is not None
        schema = named.db.lower()
        if catalog.has_schema(schema) or not tree.args.get("exists"):
            with failing():
                catalog.drop_schema(schema)
        return
    target = _target(tree)
    entry = session.catalog.entries(session.ref).get(target)
    kind = tree.args["kind"].lower()
    if entry is None and tree.args.get("exists"):
        return
    if entry is None or entry.kind != kind:
        raise QueryFailed(f"There is no {kind} {target}.", why=f"it is a {entry.kind}" if entry else "")
    with failing():
        catalog.drop(target, "TABLE" if kind == "table" else "VIEW")


def _target(tree: exp.Create | exp.Drop) -> TableId:
    found = references(tree)
    if not found:
        raise QueryFailed("The name of a table has a schema here.", todo="name it like marts.fct_daily_sales")
    return found[0].id
