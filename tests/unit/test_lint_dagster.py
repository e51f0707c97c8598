"""LK6: what Dagster must know of the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakekit.lint import opening
from lakekit.lint.run import Selection, lint

if TYPE_CHECKING:
    from pathlib import Path

    from lakekit.lint.findings import Finding

SHOPIFY = (
    "@dbt_assets(manifest=m, select='path:assets/core/shopify path:assets/streams')\ndef shopify(): ...\n"
)
MARTS = "@dbt_assets(manifest=m, select='fqn:*.marts.*')\ndef marts(): ...\n"
PROJECT = {
    "dbt_project.yml": "name: shop\nmodel-paths: [assets]\n",
    ".dbtignore": "**/*.py\n",
    "definitions.py": "from dagster import Definitions\n",
    "assets/streams/shopify/stg_shopify__orders.sql": "select 1 as id",
    "assets/core/shopify/int_shopify__customers.sql": "select 1 as id",
    "assets/core/shopify/int_shopify__orders.sql": "select * from {{ ref('stg_shopify__orders') }}",
    "assets/core/shopify/shopify.py": SHOPIFY,
    "assets/marts/fct_sales.sql": "select * from {{ ref('int_shopify__orders') }}",
    "assets/marts/marts.py": MARTS,
}


def found(folder: Path, changed: dict[str, str | None], *codes: str) -> list[tuple[str, str]]:
    return [
        (finding.code, f"{finding.path.removeprefix(f'{folder}/')}: {finding.message}")
        for finding in findings(folder, changed, *codes)
    ]


def findings(folder: Path, changed: dict[str, str | None], *codes: str) -> tuple[Finding, ...]:
    for name, text in (PROJECT | changed).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text.encode())
    facts = opening.load(str(folder), str(folder))
    return lint(facts, Selection(select=codes or ("LK6",))).findings


def test_a_project_that_fits_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, {}) == []


def test_a_project_without_dagster_is_silent(tmp_path: Path) -> None:
    without = dict.fromkeys(("definitions.py", "assets/core/shopify/shopify.py", "assets/marts/marts.py"))
    assert found(tmp_path / "a", {**without, "setup.py": ""}) == []
    real = {"assets/ml.py": "def model(dbt, session):\n    return 1\n", ".dbtignore": ""}
    assert found(tmp_path / "b", {**without, **real}) == []


def test_a_source_without_python_is_told_once_a_folder(tmp_path: Path) -> None:
    changed = {
        "assets/core/klaviyo/int_klaviyo__a.sql": "select 1 as id",
        "assets/core/klaviyo/int_klaviyo__b.sql": "select 1 as id",
        "assets/core/stripe/deep/int_stripe__a.sql": "select 1 as id",
        "assets/core/stripe/stripe.py": "# dbt_asset\n",
        "assets/core/ads/deep/int_ads__a.sql": "select 1 as id",
        "assets/core/ads/ads.py": "from dagster_dbt import dbt_assets\n",
        "assets/core/int_all.sql": "select 1 as id",
    }
    assert found(tmp_path, changed, "LK601") == [
        (
            "LK601",
            "assets/core/klaviyo/int_klaviyo__a.sql: 'klaviyo' is not in Dagster: there is no klaviyo.py with @dbt_assets",
        ),
        (
            "LK601",
            "assets/core/stripe/deep/int_stripe__a.sql: 'stripe' is not in Dagster: stripe.py has no @dbt_assets",
        ),
    ]


def test_a_model_that_nothing_selects_is_told(tmp_path: Path) -> None:
    changed = {
        "assets/core/klaviyo/int_klaviyo__events.sql": "select 1 as id",
        "assets/core/klaviyo/int_klaviyo__old.sql": "{{ config(enabled=false) }} select 1 as id",
        "assets/core/klaviyo/int_klaviyo__cte.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
    }
    path = "assets/core/klaviyo/int_klaviyo__events.sql"
    assert found(tmp_path, changed, "LK602") == [
        ("LK602", f"{path}: no @dbt_assets selects 'int_klaviyo__events'")
    ]


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("", ["fct_sales"]),
        ("@dbt_assets(select='+fct_sales')\ndef f(): ...", []),
        ("@dbt_assets(select='stg_shopify__orders+')\ndef f(): ...", []),
        ("@dbt_assets(select='stg_shopify__orders+1')\ndef f(): ...", ["fct_sales"]),
        ("@dbt_assets(select='tag:daily')\ndef f(): ...", ["fct_sales"]),
        ("@dbt_assets()\ndef f(): ...", []),
        ("@dbt_assets(exclude='marts')\ndef f(): ...", ["fct_sales"]),
        ("@dbt_assets(select='*', exclude='fct_s*')\ndef f(): ...", ["fct_sales"]),
        ("for s in x:\n  @dbt_assets(select=s)\n  def f(): ...", []),
        ("dbt_assets no Python", []),
    ],
)
def test_selections_in_the_dbt_folder_count(tmp_path: Path, python: str, told: list[str]) -> None:
    changed = {"assets/marts/marts.py": None, "definitions.py": python}
    said = [message.rpartition(" ")[2].strip("'") for _, message in found(tmp_path, changed, "LK602")]
    assert said == told


def test_a_project_whose_python_selects_nothing_is_not_told_of_every_model(tmp_path: Path) -> None:
    none = {"assets/core/shopify/shopify.py": "x = 1\n", "assets/marts/marts.py": None}
    assert found(tmp_path, none, "LK602") == []


@pytest.mark.parametrize(
    ("ignored", "more", "fixed"),
    [
        (None, {}, "**/*.py\n"),
        ("", {}, "**/*.py\n"),
        ("# mine", {}, "# mine\n**/*.py\n"),
        ("target\r\n", {}, "target\r\n**/*.py\r\n"),
        ("shopify.py\n", {}, "shopify.py\n**/*.py\n"),
        (
            "shopify.py\n",
            {"assets/ml.py": "def model(dbt, session):\n    return 1\n"},
            "shopify.py\n/assets/marts/marts.py\n",
        ),
    ],
)
def test_python_that_dbt_would_take_for_a_model_is_told_and_mended(
    tmp_path: Path, ignored: str | None, more: dict[str, str], fixed: str
) -> None:
    all_ = findings(tmp_path, {".dbtignore": ignored, **more}, "LK603")
    assert {finding.path.rpartition("/")[2] for finding in all_} == {"marts.py"} | (
        set() if ignored and "shopify" in ignored else {"shopify.py"}
    )
    marts = next(finding for finding in all_ if finding.path.endswith("marts.py"))
    assert marts.fix is not None
    (edit,) = marts.fix.edits
    text = ignored or ""
    assert edit.path == str(tmp_path / ".dbtignore")
    (tmp_path / ".dbtignore").write_bytes((text[: edit.start] + edit.text + text[edit.end :]).encode())
    assert (tmp_path / ".dbtignore").read_bytes().decode() == fixed
    facts = opening.load(str(tmp_path), str(tmp_path))
    assert str(tmp_path / "assets/marts/marts.py") in facts.files.python


def test_a_strange_name_is_ignored_by_itself(tmp_path: Path) -> None:
    strange = "assets/!a [b]*c?\\.py"
    changed = {".dbtignore": "", strange: "x = 1", "assets/ml.py": "def model(dbt, session): ...\n"}
    for finding in findings(tmp_path, changed, "LK603"):
        assert finding.fix is not None
        text = (tmp_path / ".dbtignore").read_text()
        (tmp_path / ".dbtignore").write_text(text + finding.fix.edits[0].text)
    facts = opening.load(str(tmp_path), str(tmp_path))
    assert facts.files.python_models == (str(tmp_path / "assets/ml.py"),)
