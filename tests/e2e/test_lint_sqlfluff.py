"""sqlfluff itself, with lakekit's plugin and the template's configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakekit.lint import baseline, opening
from lakekit.lint.run import Selection, lint
from lakekit.scaffold import new

MODELS = "orchestration/assets"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return new(tmp_path / "shop")


def fluff(folder: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlfluff", "lint", *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def findings(folder: Path, *arguments: str) -> list[tuple[str, int, int, int, int, str]]:
    """File, place and code of all that sqlfluff finds, in order."""
    ran = fluff(folder, "--format", "json", *arguments)
    assert "Traceback" not in ran.stderr, ran.stderr
    files: list[dict[str, Any]] = json.loads(ran.stdout)
    return sorted(
        (
            Path(file["filepath"]).name,
            one["start_line_no"],
            one["start_line_pos"],
            one["end_line_no"],
            one["end_line_pos"],
            one["code"],
        )
        for file in files
        for one in file["violations"]
    )


def write(shop: Path, name: str, text: str) -> None:
    (shop / MODELS / name).write_bytes(text.encode())


def test_a_new_project_is_clean(shop: Path) -> None:
    ran = fluff(shop, ".")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.strip() == "All Finished!"
    assert not ran.stderr


def test_the_style_is_what_the_models_have(shop: Path) -> None:
    write(
        shop,
        "marts/fct_orders.sql",
        "SELECT Sum(units) AS units, CAST(NULL AS BIGINT) AS nothing\n"
        "from {{ ref('int_shopify__orders') }}\n"
        "where {{ lakekit.is_new() }}\n",
    )
    assert {code for *_, code in findings(shop, MODELS)} == {"CP01", "CP03", "CP04", "CP05"}
    fixed = [sys.executable, "-m", "sqlfluff", "fix", f"{MODELS}/marts/fct_orders.sql"]
    subprocess.run(fixed, cwd=shop, check=True, capture_output=True)
    assert (shop / MODELS / "marts/fct_orders.sql").read_text() == (
        "select sum(units) as units, cast(null as bigint) as nothing\n"
        "from {{ ref('int_shopify__orders') }}\n"
        "where {{ lakekit.is_new() }}\n"
    )


def test_lakekits_rules_tell_what_its_linter_tells(shop: Path) -> None:
    (shop / MODELS / "core/klaviyo/int_klaviyo__flows.sql").rename(shop / MODELS / "core/klaviyo/flows.sql")
    write(
        shop,
        "marts/fct_orders.sql",
        "{# „ü” #}\nselect id from {{ ref('stg_shopify__orders') }}\nunion all\nselect id from shopify.orders\n",
    )
    assert findings(shop, ".") == [
        ("fct_email_attribution.sql", 57, 19, 57, 37, "Lakekit_L204"),
        ("fct_email_engagement.sql", 23, 18, 23, 36, "Lakekit_L204"),
        ("fct_orders.sql", 2, 24, 2, 43, "Lakekit_L203"),
        ("fct_orders.sql", 4, 16, 4, 30, "Lakekit_L205"),
        ("flows.sql", 1, 1, 1, 1, "Lakekit_L102"),
    ]
    facts = opening.load(*opening.at(str(shop)))
    own = [
        (Path(one.path).name, *one[1:5], f"Lakekit_L{one.code[2:]}")
        for one in lint(facts, Selection(("LK1", "LK2"))).findings
        if one.path.endswith(".sql")
    ]
    assert sorted(own) == findings(shop, ".")


def test_places_are_true_in_every_branch_of_a_template(shop: Path) -> None:
    write(
        shop,
        "marts/fct_orders.sql",
        "{{ config(materialized='table') }}\r\n"
        "select order_id\r\n"
        "{% if is_incremental() %}\r\n"
        'from {{ ref("int_shopify__order") }}\r\n'
        "{% else %}\r\n"
        "from {{ ref('int_shopify__orderz') }}\r\n"
        "{% endif %}\r\n",
    )
    assert findings(shop, MODELS, "--rules", "lakekit") == [
        ("fct_orders.sql", 4, 14, 4, 32, "Lakekit_L204"),
        ("fct_orders.sql", 6, 14, 6, 33, "Lakekit_L204"),
    ]


@pytest.mark.parametrize(
    "rules", ["LK203", "LK2", "lakekit", "Lakekit_L203", "lakekit.mart_selects_from_core"]
)
@pytest.mark.parametrize("processes", ["1", "2"])
def test_rules_are_chosen_by_either_name(shop: Path, rules: str, processes: str) -> None:
    for name in ("fct_a", "fct_b"):
        write(shop, f"marts/{name}.sql", "select order_id from {{ ref('stg_shopify__orders') }}\n")
    found = findings(shop, f"{MODELS}/marts", "--rules", rules, "--processes", processes)
    assert [(name, line, column, code) for name, line, column, _, _, code in found] == [
        ("fct_a.sql", 1, 30, "Lakekit_L203"),
        ("fct_b.sql", 1, 30, "Lakekit_L203"),
    ]


def test_a_comment_silences_both_linters(shop: Path) -> None:
    write(
        shop, "marts/fct_orders.sql", "select order_id from {{ ref('stg_shopify__orders') }} -- noqa: LK203\n"
    )
    assert findings(shop, ".", "--warn-unused-ignores") == []


def test_what_the_baseline_knows_is_not_told(shop: Path) -> None:
    write(shop, "marts/fct_orders.sql", "select order_id from {{ ref('stg_shopify__orders') }}\n")
    with (shop / "lakekit.toml").open("a") as settings:
        settings.write('\n[lint]\nbaseline = "known.json"\n')
    facts = opening.load(*opening.at(str(shop)))
    baseline.write(str(shop / "known.json"), lint(facts, Selection()).findings)
    assert findings(shop, f"{MODELS}/marts") == []


def test_sql_that_cannot_be_parsed_is_judged_too(shop: Path) -> None:
    write(shop, "marts/fct_orders.sql", "select from from {{ ref('stg_shopify__orders') }} (\n")
    codes = [code for *_, code in findings(shop, ".")]
    assert "PRS" in codes
    assert "Lakekit_L203" in codes


def test_a_broken_project_is_told_once(shop: Path) -> None:
    (shop / "lakekit.toml").write_text("[lint\n")
    ran = fluff(shop, MODELS, "--rules", "lakekit")
    assert ran.returncode == 1
    assert ran.stdout.count("is not valid") == 1
    assert "Traceback" not in ran.stdout + ran.stderr


def test_files_of_no_project_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("select a from b\n")
    ran = fluff(tmp_path, "query.sql", "--dialect", "trino")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert fluff(tmp_path, "-", "--dialect", "trino", given="select a from b\n").returncode == 0
