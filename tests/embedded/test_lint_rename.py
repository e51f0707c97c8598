"""A rename by the linter is one to dbt: it parses, and its lineage is what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest

from lakekit.lint import fixing, opening, writing
from lakekit.lint.command import main
from lakekit.lint.findings import Rename
from lakekit.scaffold import new

if TYPE_CHECKING:
    from pathlib import Path

# What each is called before; the linter can tell from it what it should be called.
MISNAMED = {
    "int_shopify__orders": "shopify_orders",
    "int_shopify__order_lines": "core_shopify_order_lines",
    "int_klaviyo__events": "klaviyo_events",
    "stg_shopify__orders": "orders_as_sent",
    "stg_klaviyo__profiles": "staging_profiles",
    "fct_daily_sales": "fact_daily_sales",
    "dim_customers": "dimension_customers",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new(tmp_path_factory.mktemp("template") / "shop")


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copytree(template, tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def rename(shop: Path, old: str, name: str) -> None:
    facts = opening.load(*opening.at(str(shop)))
    plan = fixing.plan([Rename(old, name)], facts)
    assert plan.applied == 1
    writing.apply(plan.changes, facts.root)


def contents(shop: Path) -> dict[str, bytes]:
    files = (path for path in shop.rglob("*") if path.is_file() and "target" not in path.parts)
    return {str(path.relative_to(shop)): path.read_bytes() for path in files if path.suffix != ".log"}


def manifest(shop: Path) -> dict[str, Any]:
    folder = shop / "orchestration"
    subprocess.run(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "parse", "--no-partial-parse"),
            *("--project-dir", str(folder), "--profiles-dir", str(folder), "--target", "embedded"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        env=os.environ | {"DO_NOT_TRACK": "1"},
    )
    parsed: dict[str, Any] = json.loads((folder / "target" / "manifest.json").read_text())
    return parsed


def lineage(parsed: dict[str, Any], names: dict[str, str]) -> set[tuple[str, str]]:
    """What selects from what, with names as they are called in ``names``; a data test's id has a hash at its end."""

    def called(node: str) -> str:
        kind, _, *rest = node.split(".")
        told = ".".join(rest[:1] if kind == "test" else rest)
        for old, name in names.items():
            told = told.replace(old, name)
        return f"{kind}.{told}"

    return {
        (called(child), called(parent)) for child, all_ in parsed["parent_map"].items() for parent in all_
    }


def test_all_are_renamed_at_once_and_every_byte_is_as_it_was(shop: Path) -> None:
    before, parsed = contents(shop), manifest(shop)
    for right, wrong in MISNAMED.items():
        rename(shop, right, wrong)
    misnamed = contents(shop)
    assert not any(right in path for path in misnamed for right in MISNAMED)
    wrong_names = {wrong: right for right, wrong in MISNAMED.items()}
    assert lineage(manifest(shop), wrong_names) == lineage(parsed, {})
    assert main(["--fix"]) == 0
    assert contents(shop) == before
    assert lineage(manifest(shop), {}) == lineage(parsed, {})


def test_a_patch_is_what_git_applies(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = contents(shop)
    rename(shop, "int_shopify__orders", "shopify_orders")
    wrong = contents(shop)
    capsys.readouterr()
    assert main(["--diff"]) == 1
    assert contents(shop) == wrong
    patch = capsys.readouterr().out
    subprocess.run(["git", "apply", "-"], input=patch, text=True, cwd=shop, check=True)
    assert contents(shop) == right
    assert main(["--diff"]) == 0
