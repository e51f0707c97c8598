"""``lakekit add model``: whatever things are called, and however they change, what it makes builds and its test passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lakekit import Lake
from lakekit.naming import EXTRACTED_AT
from lakekit.scaffold import new

from .adding import added, catalog, run

if TYPE_CHECKING:
    from pathlib import Path

CORE = "orchestration/assets/core"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project that is worked in."""
    made = new(tmp_path / "shop", sources="klaviyo")
    monkeypatch.chdir(made)
    return made


def stream(name: str, cursor: str = "", **fields: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "source_defined_primary_key": [["id"]],
        "default_cursor_field": [cursor] if cursor else [],
        "json_schema": {"type": "object", "properties": {"id": {"type": "string"}, **fields}},
    }


INSTANT = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}


def test_what_sql_has_a_word_for_of_its_own_is_built_all_the_same(project: Path) -> None:
    streams = [stream(name, status=TEXT, skip=TEXT) for name in ("order", "group", "values")]
    added("source", "chargebee", "--discover", "-", given=catalog(*streams))
    for name in ("order", "group", "values"):
        added("model", f"int_chargebee__{name}", "--from", f"stg_chargebee__{name}")
    added("model", "int_chargebee__3ds", "--from", "stg_chargebee__order")
    added("model", "dim_order", "--from", "int_chargebee__order")
    added("model", "dim_secure", "--from", "int_chargebee__3ds")
    added("model", "fct_values", "--from", "int_chargebee__values", "--key", "status")
    added("model", "fct_limit", "--from", "fct_values", "--key", "row_count")
    added("model", "fct_sales", "--from", "int_chargebee__order", "--key", "status")
    assert "All fine" in run("lakekit", "lint", cwd=project)
    passed = run("pytest", "-q", "-p", "no:cacheprovider", "tests/chargebee", "tests/marts", "-k", "chargebee or order or secure or values or sales or limit", cwd=project)  # fmt: skip
    assert "16 passed" in passed


def test_parents_that_are_called_alike_are_told_apart(project: Path) -> None:
    for source in ("chargebee", "recharge", "stripe"):
        streams = [stream(name, status=TEXT) for name in ("customers", "order")]
        added("source", source, "--discover", "-", "--key", "id", given=catalog(*streams))
    for name, *selects in (
        ("people", "chargebee__order", "recharge__order", "stripe__order", "chargebee__order"),
        ("buyers", "chargebee__order", "recharge__customers", "stripe__customers"),
    ):
        asked = [part for one in selects for part in ("--from", f"stg_{one}")]
        added("model", f"int_chargebee__{name}", *asked, "--key", "status")
    assert "All fine" in run("lakekit", "lint", cwd=project)
    assert "4 passed" in run("pytest", "-q", "-p", "no:cacheprovider", "tests/chargebee", "-k", "people or buyers", cwd=project)  # fmt: skip


def test_a_version_with_an_earlier_instant_is_the_newer_one_all_the_same(project: Path) -> None:
    added("source", "chargebee", "--discover", "-", given=catalog(stream("coupons", expires_at=INSTANT)))
    added("model", "int_chargebee__coupons", "--from", "stg_chargebee__coupons")
    with Lake.connect(project) as lake, lake.branch() as work:
        for day in ("2026-12-31", "2026-06-30"):
            work.load("chargebee.coupons", [{"id": "c1", "expires_at": f"{day}T00:00:00Z"}], key=["id"])
            assert work.build("source:chargebee.coupons+").ok
        [kept] = work.sql("select * from core.int_chargebee__coupons").rows()
    assert str(kept["expires_at"]).startswith("2026-06-30")


def test_the_cursor_is_the_one_that_the_source_states(project: Path) -> None:
    charges = stream("charges", "changed", state=TEXT, changed=INSTANT, expires_at=INSTANT)
    added("source", "chargebee", "--discover", "-", given=catalog(charges))
    added("model", "int_chargebee__charges", "--from", "stg_chargebee__charges")
    added("model", "int_chargebee__open", "--from", "int_chargebee__charges")
    for name in ("charges", "open"):
        text = (project / CORE / f"chargebee/int_chargebee__{name}.sql").read_text()
        assert 'merge_cursor="changed_at"' in text
        assert f'order_by="changed_at desc, {EXTRACTED_AT} desc"' in text
    assert "All fine" in run("lakekit", "lint", cwd=project)
    assert "5 passed" in run("pytest", "-q", "-p", "no:cacheprovider", "tests/chargebee", cwd=project)
