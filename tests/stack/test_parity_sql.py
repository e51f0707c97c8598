"""Trino and the embedded engine give the same answers, value by value and type by type, or the same refusal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from lakekit import Lake
from lakekit.errors import LakekitError
from lakekit.settings import FILE

from ..parity import DATA, EXPRESSIONS, FAILURES, QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.stack import Endpoints


@pytest.fixture(scope="module")
def engines(stack: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lake, Lake]]:
    folder: Path = tmp_path_factory.mktemp("parity")
    (folder / FILE).write_text(f'stack = "{os.environ["LAKEKIT_TEST_STACK"]}"')
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


@pytest.mark.parametrize("query", QUERIES)
def test_queries_have_the_same_rows(engines: tuple[Lake, Lake], query: str) -> None:
    assert_same(engines, query.replace("DATA", DATA))


@pytest.mark.parametrize("expression", FAILURES)
def test_what_fails_on_trino_fails_here(engines: tuple[Lake, Lake], expression: str) -> None:
    for lake in engines:
        with pytest.raises(LakekitError):
            lake.sql(f"select {expression} as c from {DATA} order by id")
