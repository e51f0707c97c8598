"""What each kind of statement does: rows from DuckDB, changes to tables by it, names in the catalog."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from ...catalog.embedded.refusals import NoSuchSchema, SchemaExists
from ...errors import QueryFailed
from ...naming import quote
from .plan import Script
from .session import described, failing
from .show import show
from .types import answer, stored_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .plan import Reading
    from .session import Session

_NOTHING: Final = pa.table({})


def run(session: Session, sql: str) -> pa.Table:
    """Run one statement of Trino SQL and return its rows. Raises ``QueryFailed`` and ``UnsupportedSql``."""
    if (shown := show(session, sql)) is not None:
        return shown
    reading = session.reading(sql)
    match reading.kind:
        case "query":
            with session.cursor() as cursor, failing():
                rows = answer(cursor.execute(session.translate(sql)))
            return rows.rename_columns(_trino_names(reading, rows.column_names))
        case "change":
            session.writable()
            with session.cursor() as cursor, failing():
                cursor.execute(session.translate(sql))
        case "create schema" | "drop schema":
            _change_schema(session, reading)
        case "create view":
            if not reading.replace and reading.made in session.catalog.entries(session.ref):
                raise QueryFailed(f"{reading.made} exists already.", todo="create or replace view")
            session.create_view(reading.made, reading.body)
        case "create scratch":
            session.create_scratch(reading.name, session.stored(reading.body))
        case "create table" | "define table":
            _create_table(session, reading)
        case "drop table" | "drop view":
            _drop(session, reading)
    return _NOTHING


def run_script(session: Session, sql: str) -> pa.Table:
    """Run one or more statements, and return the last one's rows; changes of rows take effect all at once."""
    statements = session.plans.get(Script, (sql,), lambda: _read_script(sql)).statements
    if len(statements) < 2 or not all(session.reading(one).kind == "change" for one in statements):
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


def _read_script(sql: str) -> Script:
    from .reading import read_script

    return read_script(sql)


def _trino_names(reading: Reading, names: list[str]) -> list[str]:
    """Columns by Trino's names: what has none of its own is called after its place, ``_col0``."""
    for place in (place % len(names) for place in reading.unnamed):
        names[place] = f"_col{place}"
    return names


def _change_schema(session: Session, reading: Reading) -> None:
    catalog = session.writable()
    # Whether it is there is not asked first: another process may be at the same.
    with failing(), suppress(*(SchemaExists, NoSuchSchema) if reading.lenient else ()):
        if reading.kind == "create schema":
            catalog.create_schema(reading.name)
        else:
            catalog.drop_schema(reading.name)


def _create_table(session: Session, reading: Reading) -> None:
    session.writable()
    table = reading.made
    if reading.lenient and table in session.catalog.entries(session.ref):
        return
    replace, partitioning = reading.replace, reading.partitioning
    if reading.kind == "create table":
        query = session.stored(reading.body)
        session.create_table(table, query, replace=replace, partitioning=partitioning)
    else:
        columns = list(_columns(session, reading))
        session.define_table(table, columns, replace=replace, partitioning=partitioning)


def _columns(session: Session, reading: Reading) -> Iterator[str]:
    """Column definitions for DuckDB, with the types that Iceberg stores."""
    typed = (f"cast(null as {column.type}) as {quote(column.name)}" for column in reading.columns)
    with session.cursor() as cursor, failing():
        kinds = described(cursor, session.translate(f"select {', '.join(typed)}"))
    for column, (name, kind) in zip(reading.columns, kinds, strict=True):
        yield f"{quote(name)} {stored_type(kind)} {'not null' if column.required else ''}"


def _drop(session: Session, reading: Reading) -> None:
    catalog = session.writable()
    target, kind = reading.made, reading.kind.removeprefix("drop ")
    entry = session.catalog.entries(session.ref).get(target)
    if entry is None and reading.lenient:
        return
    if entry is None or entry.kind != kind:
        raise QueryFailed(f"There is no {kind} {target}.", why=f"it is a {entry.kind}" if entry else "")
    with failing():
        catalog.drop(target, "TABLE" if kind == "table" else "VIEW")
