"""What the linter takes a model to be configured as, its folders and its files are what dbt parses them to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakekit.lint import opening

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("dbt.cli.main")

_PROFILE = "shop:\n  target: a\n  outputs:\n    a: {type: lakekit, path: lake, schema: marts}\n"
_KEYS = ("materialized", "incremental_strategy", "unique_key", "enabled", "schema", "on_schema_change")
_PROJECT = """
name: shop
profile: shop
model-paths: [models, ../elsewhere]
seed-paths: [data]
models:
  +materialized: table
  on_schema_change: fail
  shop:
    materialized: view
    +meta: {owner: all}
    core:
      +materialized: incremental
      +unique_key: [id, day]
      incremental_strategy: merge
      a:
        +unique_key: id
        c:
          +enabled: false
        one: {+materialized: ephemeral}
    core2: {+schema: two}
    inner:
      +materialized: incremental
    nothing:
      +unique_key: id
      below:
        +unique_key:
    three:
      +schema: three
    outside: {+schema: outside}
"""
_FILES = {
    "models/core/one.sql": "select 1 as id",
    "models/core/a/one_a.sql": "{{ config(materialized='table', unique_key=none) }} select 1 as id",
    "models/core/a/none.sql": "{{ config(unique_key=none, meta={'more': 1}) }} select 1 as id",
    "models/core/a/none_too.sql": "select 1 as id",
    "models/core/a/c/off.sql": "select 1 as id",
    "models/core/a/c/on.sql": "{{ config(enabled=true, unique_key=['a', 'b']) }} select 1 as id",
    "models/core/a/by_entry.sql": "select 1 as id",
    "models/core/a/_a.yml": (
        "models:\n  - name: by_entry\n    config: {materialized: table, +unique_key: x}\n"
        "  - name: by_both\n    config: {materialized: table, incremental_strategy: append}\n"
        "  - name: none_too\n    config: {unique_key: null, tags: [a]}\n"
    ),
    "models/core/a/by_both.sql": "{{ config({'materialized': 'view'}) }} select 1 as id",
    "models/core2/two.sql": "select 1 as id",
    "models/core2/core/a/deep.sql": "select 1 as id",
    "models/three.sql": "{{ config(tags=['a']) }}{{ config(schema='last') }} select 1 as id",
    "models/nothing/below/six.sql": "select 1 as id",
    "models/inner/four.sql": "select 1 as id",
    "models/.hidden.sql": "this is {{ no",
    "models/old/gone.sql": "this is {{ no",
    "models/UPPER.SQL": "select 1 as id",
    ".dbtignore": "old/\n.*\n",
    "../elsewhere/outside/five.sql": "select 1 as id",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("configured") / "shop"
    for name, text in {**_FILES, "dbt_project.yml": _PROJECT, "profiles.yml": _PROFILE}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_models_are_configured_as_dbt_has_them(project: Path) -> None:
    from dbt.cli.main import dbtRunner

    done = dbtRunner().invoke(
        [
            "parse",
            "--project-dir",
            str(project),
            "--profiles-dir",
            str(project),
            "--quiet",
            "--no-partial-parse",
        ]
    )
    assert done.success, done.exception
    manifest = done.result
    nodes = [*manifest.nodes.values(), *(node for off in manifest.disabled.values() for node in off)]
    theirs = {
        node.name: (
            tuple(node.fqn[1:-1]),
            {key: node.config.get(key) for key in _KEYS if _is_told(key, node.config.get(key))},
        )
        for node in nodes
        if node.resource_type == "model"
    }
    facts = opening.load(*opening.at(str(project)))
    ours = {
        model.name: (
            model.folders,
            {key: model.config(key) for key in _KEYS if _is_told(key, model.config(key))},
        )
        for model in facts.models
    }
    assert ours == theirs


def _is_told(key: str, value: object) -> bool:
    """Whether it is more than dbt's default, which the linter leaves to who asks."""
    return value not in ({"enabled": True, "on_schema_change": "ignore"}.get(key), None, [], {})
