"""dbt's selection syntax, and what Python says to Dagster; dbt's own answer is asked in the embedded tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.lint import opening
from lakekit.lint.assets import Call, read
from lakekit.lint.lineage import Lineage
from lakekit.lint.selectors import Criterion, Selection, parse

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = parse(["x+"])[0][0].children


@pytest.mark.parametrize(
    ("text", "criterion"),
    [
        ("fct_sales", Criterion(False, None, "fqn", "", "fct_sales", None)),
        ("+fct_sales", Criterion(False, ENDLESS, "fqn", "", "fct_sales", None)),
        ("2+fct_sales+1", Criterion(False, 2, "fqn", "", "fct_sales", 1)),
        ("@fct_sales", Criterion(True, None, "fqn", "", "fct_sales", None)),
        ("@tag:daily", Criterion(True, None, "tag", "", "daily", None)),
        ("config.materialized:view+", Criterion(False, None, "config", "materialized", "view", ENDLESS)),
        ("config.meta.owner:me", Criterion(False, None, "config", "meta.owner", "me", None)),
        ("assets/core", Criterion(False, None, "path", "", "assets/core", None)),
        ("fct_sales.sql", Criterion(False, None, "file", "", "fct_sales.sql", None)),
        ("source:shop.orders+", Criterion(False, None, "source", "", "shop.orders", ENDLESS)),
        ("tag:a:b", Criterion(False, None, "tag", "", "a:b", None)),
    ],
)
def test_a_criterion_is_taken_apart(text: str, criterion: Criterion) -> None:
    assert parse([text]) == ((criterion,),)


def test_spaces_and_lists_add_and_commas_narrow() -> None:
    values = [[one.value for one in criteria] for criteria in parse(["a  b,c", "d"])]
    assert values == [["a"], ["b", "c"], ["d"]]


@given(text=st.text(alphabet="ab@+1:.,*[]?/ tagfqnpath\n"))
def test_any_text_selects_something_or_nothing(text: str, one_model: tuple[Lineage, object]) -> None:
    lineage, model = one_model
    assert Selection(lineage, (text,), (text,)).may_have(model) in (True, False)


@pytest.fixture(scope="module")
def one_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lineage, object]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\n")
    (folder / "models" / "a.sql").write_text("select 1 as a")
    facts = opening.load(str(folder), str(folder))
    return Lineage(facts), next(facts.models)


@pytest.mark.parametrize(
    ("select", "exclude", "has"),
    [
        (None, (), True),
        (("a",), None, True),
        (("b",), (), False),
        (("a",), ("a",), False),
        (("state:modified",), (), True),
        (("a",), ("state:modified",), True),
        (("b,state:modified",), (), False),
        (("a,state:modified",), (), True),
        (("a",), ("a,state:modified",), True),
        (("path:/models",), (), True),
        (("path:../models",), (), True),
        (("path:models/../models",), (), True),
        (("path:.",), (), True),
        (("path:model",), (), False),
        (("nonsense:x",), (), True),
        (("source:a.b.c.d",), (), True),
        ((), (), False),
    ],
)
def test_what_cannot_be_told_selects_and_does_not_exclude(
    one_model: tuple[Lineage, object],
    select: tuple[str, ...] | None,
    exclude: tuple[str, ...] | None,
    has: bool,
) -> None:
    lineage, model = one_model
    assert Selection(lineage, select, exclude).may_have(model) is has


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ("tags='x'", True),
        ("tags=['y', 'x']", True),
        ("tags=['y']", False),
        ("tags=var('t')", True),
        ("", False),
    ],
)
def test_tags_of_variables_may_be_any(tmp_path: Path, tags: str, told: bool) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    (tmp_path / "models" / "a.sql").write_text(f"{{{{ config({tags}) }}}} select 1 as a")
    facts = opening.load(str(tmp_path), str(tmp_path))
    model = next(facts.models)
    assert Selection(Lineage(facts), ("tag:x",)).may_have(model) is told
    excluded = told and "var" not in tags
    assert Selection(Lineage(facts), ("*",), ("tag:x",)).may_have(model) is not excluded


ALL = Call(("fqn:*",), ())
UNTOLD = Call(None, ())


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("from dagster_dbt import dbt_assets", []),
        ("@dbt_assets(manifest=m)\ndef f(): ...", [ALL]),
        ("@dbt_assets(manifest=m, select='a', exclude='b c')\ndef f(): ...", [Call(("a",), ("b c",))]),
        ("@dagster_dbt.dbt_assets(select='a')\ndef f(): ...", [Call(("a",), ())]),
        ("from dagster_dbt import dbt_assets as d\n@d(select='a')\ndef f(): ...", [Call(("a",), ())]),
        ("S = 'a'\n@dbt_assets(select=S)\ndef f(): ...", [Call(("a",), ())]),
        (
            "S: str = 'a'\nT = f'tag:{S}' + ' b'\n@dbt_assets(select=T)\ndef f(): ...",
            [Call(("tag:a b",), ())],
        ),
        ("S = ['a', 'b']\ndbt_assets(select=S)(f)", [Call(("a", "b"), ())]),
        ("S = 'a'\nS = 'b'\n@dbt_assets(select=S)\ndef f(): ...", [UNTOLD]),
        ("for s in ('a', 'b'):\n  @dbt_assets(select=s)\n  def f(): ...", [UNTOLD]),
        ("S = 'a'\ndef make(S):\n  @dbt_assets(select=S)\n  def f(): ...", [UNTOLD]),
        ("def make():\n  @dbt_assets(select='a')\n  def f(): ...", [Call(("a",), ())]),
        ("@dbt_assets(select=g())\ndef f(): ...", [UNTOLD]),
        ("@dbt_assets(select=f'{x!r}')\ndef f(): ...", [UNTOLD]),
        ("@dbt_assets(select=A)\ndef f(): ...\nA = B\nB = A", [UNTOLD]),
        ("@dbt_assets(**given)\ndef f(): ...", [UNTOLD]),
        ("@dbt_assets(selector='nightly')\ndef f(): ...", [UNTOLD]),
        ("@dbt_assets(select='', exclude=None)\ndef f(): ...", [ALL]),
        ("@dbt_assets(exclude=g())\ndef f(): ...", [Call(("fqn:*",), None)]),
        ("make(dbt_assets)", [UNTOLD]),
        ("class dbt_assets(: no Python", [UNTOLD]),
        ("dbt_assets\0", [UNTOLD]),
        ("x = '\\d'\n@dbt_assets()\ndef f(): ...", [ALL]),
        ("x = " + "+".join(["'a'"] * 3000) + "\n@dbt_assets(select=x)\ndef f(): ...", [UNTOLD]),
    ],
)
def test_python_is_read_as_far_as_it_is_literal(text: str, calls: list[Call]) -> None:
    assert read(text) == calls
