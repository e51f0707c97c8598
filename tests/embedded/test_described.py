"""What a model's tests prove of it: a key, and what its columns refer to."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lakekit.catalog.protocol import TableId
from lakekit.dbt.described import Described, Reference, describe
from lakekit.engine.protocol import DbtTarget
from lakekit.settings import Settings

from ..checkout import EXAMPLE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").write_text('dbt = "dbt"\n')
    models = tmp_path / "dbt" / "models"
    models.mkdir(parents=True)
    (tmp_path / "dbt" / "dbt_project.yml").write_text(
        "{name: shop, profile: lakekit, models: {+materialized: table}}"
    )
    shutil.copy(EXAMPLE / "orchestration" / "profiles.yml", tmp_path / "dbt")
    (models / "dim_days.sql").write_text("select 1 as day_id")
    (models / "inlined.sql").write_text("{{ config(materialized='ephemeral') }} select 1 as id")
    (models / "elsewhere.sql").write_text("{{ config(schema='else') }} select 1 as id")
    (models / "fct_sales.sql").write_text('select 1 as id, 1 as "Day", 2 as code from {{ ref("inlined") }}')
    return tmp_path


def described(project: Path, columns: str, tests: str = "[]") -> Described:
    (project / "dbt/models/_models.yml").write_text(
        f"models: [{{name: fct_sales, columns: {columns}, data_tests: {tests}}}]"
    )
    days, sales = describe(Settings.load(project), "marts", DbtTarget("embedded", {}))
    assert days.table.name == "dim_days"
    return sales


def test_a_model_is_what_is_built_with_its_sql(project: Path) -> None:
    sales = described(project, "[{name: id, description: The sale., meta: {cube: {measures: []}}}]")
    assert sales.table == TableId("marts", "fct_sales")
    assert sales.columns == {"id": "The sale."}
    assert sales.column_meta == {"id": {"cube": {"measures": []}}}
    assert "select 1 as id" in sales.sql
    assert "__dbt__cte__inlined" in sales.sql
    assert sales.key == ()


@pytest.mark.parametrize(
    ("unique", "key"),
    [
        ("unique", ("id",)),
        ("{unique: {config: {severity: warn}}}", ()),
        ("{unique: {config: {where: code > 1}}}", ()),
        ("{unique: {config: {error_if: '> 10'}}}", ()),
    ],
)
def test_what_holds_of_all_rows_and_stops_a_publish_proves_a_key(
    project: Path, unique: str, key: tuple[str, ...]
) -> None:
    assert described(project, f"[{{name: id, data_tests: [not_null, {unique}]}}]").key == key


def test_a_column_that_may_be_null_is_no_key(project: Path) -> None:
    assert described(project, "[{name: id, data_tests: [unique]}]").key == ()


def test_columns_are_a_key_together(project: Path) -> None:
    columns = "[{name: id, data_tests: [not_null]}, {name: Day, quote: true, data_tests: [not_null]}]"
    together = (
        "[{lakekit.unique_combination_of_columns: {arguments: {combination_of_columns: [id, '\"Day\"']}}}]"
    )
    assert described(project, columns, together).key == ("id", "day")


def test_a_column_refers_to_a_model(project: Path) -> None:
    refers = "{relationships: {arguments: {to: ref('dim_days'), field: day_id}}}"
    sales = described(project, f"[{{name: Day, quote: true, data_tests: [{refers}]}}]")
    assert sales.references == (Reference("day", TableId("marts", "dim_days"), "day_id"),)
