"""What is a table that a model names itself, and what only looks like one."""

from __future__ import annotations

import pytest

from lakekit.lint import sql
from lakekit.lint.findings import locate

from .lint_sql_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_table_is_told_from_what_only_looks_like_one(case: Case) -> None:
    found = sql.read(case.sql, is_model=True, is_staging=False).tables
    assert [(table.name, *locate(case.sql, table.start, table.end)[:2]) for table in found] == list(
        case.tables
    )
