"""What ``--fix`` makes of each finding that can be mended, but for renames: the very bytes, and nothing is left to mend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lakekit.lint.command import main

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """name: shop
models:
  shop:
    core: {+materialized: incremental, +incremental_strategy: merge, +unique_key: id}
"""
SOURCES = "sources:\n  - name: shop\n    tables: [{name: orders}]\n"
STREAM = {"name": "Orders", "json_schema": {"properties": {"id": {"type": "string"}}}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "dbt_project.yml": PROJECT,
        "models/streams/shop/_shop__sources.yml": SOURCES,
        "models/core/shop/int_shop__orders.sql": "select 1 as id\n",
    }.items():
        write(tmp_path / name, text)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def contents(project: Path) -> dict[str, str]:
    return {
        file.relative_to(project).as_posix(): file.read_bytes().decode()
        for file in project.rglob("*")
        if file.is_file() and file.name != ".lakekit-lint-fix.lock"
    }


@pytest.mark.parametrize(
    ("code", "name", "before", "after"),
    [
        # LK301: a layer's first materialization
        ("LK301", "marts/fct_a.sql", "select 1\n", "{{ config(materialized='table') }}\n\nselect 1\n"),
        ("LK301", "marts/fct_a.sql", "select 1\r\n", "{{ config(materialized='table') }}\r\n\r\nselect 1\r\n"),
        ("LK301", "marts/fct_a.sql", "{{ config() }}", "{{ config(materialized='table') }}"),
        ("LK301", "marts/fct_a.sql", "{{ config( materialized = 'view') }}", "{{ config( materialized = 'table') }}"),
        ("LK301", "marts/fct_a.sql", '{{ config(materialized="view", tags=["a"]) }}',
         '{{ config(materialized="table", tags=["a"]) }}'),
        ("LK301", "marts/fct_a.sql", '{{\n  config(\n    tags="a",\n  )\n}}', '{{\n  config(\n    materialized="table", tags="a",\n  )\n}}'),
        ("LK301", "marts/fct_a.sql", "{{ config(tags='a') }}{{ config(materialized='view') }}",
         "{{ config(tags='a') }}{{ config(materialized='table') }}"),
        ("LK301", "marts/fct_a.sql", "{{ config(meta={'materialized': 'x'}) }}", "{{ config(materialized='table', meta={'materialized': 'x'}) }}"),
        ("LK301", "marts/fct_a.sql", "{{ config({'materialized': 'view'}) }}", "{{ config({'materialized': 'table'}) }}"),
        ("LK301", "marts/fct_a.sql", "{{ config({'tags': 'a'}) }}", "{{ config({'materialized': 'table', 'tags': 'a'}) }}"),
        ("LK301", "marts/fct_a.sql", "{{ config({}) }}", "{{ config({'materialized': 'table'}) }}"),
        ("LK301", "marts/fct_a.sql", '{{ config( {\n  "tags": 1} ) }}', '{{ config( {\n  "materialized": "table", "tags": 1} ) }}'),
        ("LK301", "marts/fct_a.sql", "-- config(materialized='view')\nselect 1",
         "{{ config(materialized='table') }}\n\n-- config(materialized='view')\nselect 1"),
        # LK303: the first strategy that is agreed on, and known
        ("LK303", "core/shop/int_shop__a.sql", "{{ config(incremental_strategy='append') }}", "{{ config(incremental_strategy='merge') }}"),
        # LK205: through what is known of that name
        ("LK205", "marts/fct_a.sql", "select * from lake.core.int_shop__orders as o", "select * from {{ ref('int_shop__orders') }} as o"),
        ("LK205", "marts/fct_a.sql", 'select 1 from shop.a, lake.shop."orders" o', "select 1 from shop.a, {{ source('shop', 'orders') }} o"),
        ("LK205", "marts/fct_a.sql", "select * from shop.orders, INT_SHOP__ORDERS", "select * from {{ source('shop', 'orders') }}, INT_SHOP__ORDERS"),
        ("LK205", "marts/fct_a.sql", "select * from lake.other", "select * from lake.other"),
        ("LK205", "marts/fct_a.sql", "select * from lake.fct_a", "select * from lake.fct_a"),
        # LK901
        ("LK901", "marts/fct_a.sql", "select 1 -- noqa: LK205\n", "select 1\n"),
    ],
)  # fmt: skip
def test_a_file_is_mended(project: Path, code: str, name: str, before: str, after: str) -> None:
    write(project / "models" / name, before)
    main(["--fix", "--select", f"{code},LK205"] if code == "LK901" else ["--fix", "--select", code])
    assert (project / "models" / name).read_bytes().decode() == after
    assert main(["--diff", "--select", code]) == 0


def test_an_incremental_model_gets_a_strategy_that_the_project_has(project: Path) -> None:
    model = project / "models/core/shop/int_shop__a.sql"
    write(model, "{{ config(incremental_strategy='append') }}")
    write(
        project / "macros/merge.sql",
        "{% macro get_incremental_lakekit_merge_sql(arg_dict) %} merge {% endmacro %}",
    )
    main(["--fix", "--select", "LK303"])
    assert model.read_text() == "{{ config(incremental_strategy='lakekit_merge') }}"
    write(project / "lakekit.toml", 'dbt = "."\nlint.rules.LK303.strategies = ["ours"]\n')
    assert main(["--fix", "--select", "LK303"]) == 1
    assert "lakekit_merge" in model.read_text()


def test_a_schema_reference_is_taken_out_of_the_catalog(project: Path) -> None:
    write(
        project / "models/streams/shop/stg_shop__orders.sql", "select id from {{ source('shop', 'orders') }}"
    )
    write(project / "shop.json", json.dumps({"streams": [{"stream": STREAM, "primary_key": [["id"]]}]}))
    before = contents(project)
    assert main(["--fix", "--select", "LK501"]) == 0
    after = contents(project)
    assert json.loads(after.pop("models/streams/shop/Orders.json")) == STREAM
    assert after == before


@pytest.mark.parametrize(
    "catalog",
    ["{", "{}", json.dumps({"streams": [{"stream": {"name": "orders"}}]}), json.dumps({"streams": [{"stream": STREAM | {"name": "x"}}]})],
)  # fmt: skip
def test_no_schema_reference_is_made_of_what_is_none(project: Path, catalog: str) -> None:
    write(
        project / "models/streams/shop/stg_shop__orders.sql", "select id from {{ source('shop', 'orders') }}"
    )
    write(project / "shop.json", catalog)
    before = contents(project)
    assert main(["--fix", "--select", "LK501"]) == 1
    assert contents(project) == before


@pytest.mark.parametrize(
    ("more", "there", "renamed"),
    [
        ("", False, True),
        ("  - name: other\n    tables: [{name: a}]\n", False, False),
        ("models:\n  - name: int_shop__orders\n", False, False),
        ("", True, False),
    ],
)
def test_a_file_of_one_source_alone_is_renamed(project: Path, more: str, there: bool, renamed: bool) -> None:
    right = project / "models/streams/shop/_shop__sources.yml"
    wrong = right.with_name("src.yml")
    wrong.write_text(SOURCES + more)
    right.unlink()
    if there:
        right.write_text("models: []\n")
    main(["--fix", "--select", "LK105"])
    assert wrong.exists() is not renamed
    assert right.exists() is (renamed or there)
    if right.exists():
        assert right.read_text() == ("models: []\n" if there else SOURCES)
