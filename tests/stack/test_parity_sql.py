"""Trino and the embedded engine give the same answers, value by value and type by type, or the same refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lakekit import Lake
from lakekit.errors import LakekitError
from lakekit.settings import FILE

from ..parity import DATA, EXPRESSIONS, FAILURES, QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.stack import Stack


# Containers run the very Trino that processes run: what a statement means is asked of one, whatever a machine could change
# (zones, languages, numbers) of both.
ONE_STACK = pytest.mark.parametrize("either_stack", ["process"], indirect=True)


@pytest.fixture(scope="module")
def engines(either_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Lake]]:
    folder: Path = tmp_path_factory.mktemp("parity")
    (folder / FILE).write_text(f'stack = "{either_stack.folder}"')
    with Lake.connect(folder, engine="trino") as trino, Lake.connect(folder, engine="embedded") as embedded:
        yield trino, embedded


def assert_same(engines: tuple[Lake, Lake], statement: str) -> None:
    trino, embedded = (lake.sql(statement).arrow() for lake in engines)
    assert embedded.schema.types == trino.schema.types
    assert readable(embedded) == readable(trino)


def readable(table: Any) -> list[list[str]]:
    # As text: nan equals itself, and 1.50 is not 1.5.
    return [[repr(value.as_py()) for value in column] for column in table.columns]


@pytest.mark.parametrize("topic", EXPRESSIONS)
def test_expressions_have_the_same_values_and_types(engines: tuple[Lake, Lake], topic: str) -> None:
    expressions = EXPRESSIONS[topic]
    columns = ", ".join(f"{expression} as c{n}" for n, expression in enumerate(expressions))
    trino, embedded = (lake.sql(f"select {columns} from {DATA} order by id").arrow() for lake in engines)
    for n, expression in enumerate(expressions):
        theirs, ours = trino.column(n), embedded.column(n)
        assert (expression, ours.type, repr(ours.to_pylist())) == (
            expression,
            theirs.type,
            repr(theirs.to_pylist()),
        )


@ONE_STACK
@pytest.mark.parametrize("query", QUERIES)
def test_queries_have_the_same_rows(engines: tuple[Lake, Lake], query: str) -> None:
    assert_same(engines, query.replace("DATA", DATA))


@ONE_STACK
@pytest.mark.parametrize("expression", FAILURES)
def test_what_fails_on_trino_fails_here(engines: tuple[Lake, Lake], expression: str) -> None:
    for lake in engines:
        with pytest.raises(LakekitError):
            lake.sql(f"select {expression} as c from {DATA} order by id")


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        "select id, count(*), max(b) as m, d + 1 from DATA group by id, d",
        "select *, id + 1, (b) from DATA",
        "select id, t.*, upper(s) from DATA",
        "select (select 1), cast(id as varchar) from DATA",
        "select count(*) from DATA union all select id as i from DATA",
    ],
)
def test_columns_without_a_name_are_called_the_same(engines: tuple[Lake, Lake], query: str) -> None:
    trino, embedded = (lake.sql(query.replace("DATA", DATA)).columns for lake in engines)
    assert embedded == trino


def test_show_and_describe_answer_the_same(engines: tuple[Lake, Lake]) -> None:
    on_trino, embedded = engines
    with on_trino.branch() as trino, embedded.branch() as ours:
        for lake in (trino, ours):
            lake.sql("create schema if not exists marts")
            lake.sql(
                "create table marts.fct_sales as select cast(1 as bigint) as id, cast(1 as decimal(18, 2)) as amount, "
                "timestamp '2026-01-31 10:00:00.123456 UTC' as at, array['a'] as tags, date '2026-01-31' as day"
            )
            lake.sql("create view marts.dim_day as select day from marts.fct_sales")
        for statement in (
            "show tables from marts",
            "SHOW TABLES IN marts LIKE 'fct%'",
            "describe marts.fct_sales",
            "show columns from marts.dim_day",
            "show schemas like 'mart_'",
        ):
            assert ours.sql(statement).rows() == trino.sql(statement).rows(), statement
