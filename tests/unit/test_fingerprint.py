"""What a kept build depends on: which changes of a project are seen, and which are looked at elsewhere."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakekit.dbt import fingerprint as of_fingerprint
from lakekit.dbt.fingerprint import fingerprint
from lakekit.dbt.runner import link_package
from lakekit.errors import ProjectError
from lakekit.scaffold import new

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def dbt(tmp_path: Path) -> Path:
    """The template, with a linked package that leads back to it, and macros beside it."""
    dbt = new(tmp_path / "shop", engine="embedded") / "orchestration"
    for folder in ("linked/macros", "linked/models", "outside"):
        append("x.sql", "select 1")(dbt.parent / folder)
    (dbt.parent / "linked" / "back").symlink_to(Path("../orchestration"))
    (dbt / "dbt_packages").mkdir(exist_ok=True)
    (dbt / "dbt_packages" / "linked").symlink_to(Path("../../linked"))
    file = dbt / "dbt_project.yml"
    text = file.read_text()
    assert "macro-paths: [macros]" in text
    file.write_text(text.replace("macro-paths: [macros]", "macro-paths: [macros, ../outside]"))
    return dbt


def taken(dbt: Path, target: str = "embedded", **variables: object) -> str:
    return fingerprint(dbt, [dbt / "assets"], target, variables)


def append(name: str, text: str) -> Callable[[Path], None]:
    def change(dbt: Path) -> None:
        file = dbt / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((file.read_text() if file.exists() else "") + text)

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda dbt: (dbt / name).unlink()


SEEN = {
    "a macro says something else": append("macros/shop.sql", "\n{% macro more() %}{% endmacro %}"),
    "a macro is new": append("macros/sub/logs/target.sql", "{% macro more() %}{% endmacro %}"),
    "a description is written in a block of its own": append(
        "assets/docs.md", "{% docs day %}The day.{% enddocs %}"
    ),
    "a macro is gone": remove("macros/shop.sql"),
    "a macro moved": lambda dbt: (dbt / "macros/shop.sql").rename(dbt / "macros/store.sql"),
    "properties of a model": append("assets/marts/_marts.yml", "\n# more\n"),
    "a schema of a yaml file": append("assets/marts/more.yaml", "version: 2\n"),
    "the project's file": append("dbt_project.yml", "\n# more\n"),
    "the profile": append("profiles.yml", "\n# more\n"),
    "a data test": append("tests/orders_add_up.sql", " "),
    "a seed": append("seeds/countries.csv", "code\nDE\n"),
    "a package": append("dbt_packages/dbt_utils/macros/star.sql", "{% macro star() %}*{% endmacro %}"),
    "a model is new": append("assets/marts/fct_new.sql", "select 1 as n"),
    "a model is gone": remove("assets/marts/dim_products.sql"),
    "a linked package": lambda dbt: append("macros/x.sql", " ")(dbt.parent / "linked"),
    "a model of a linked package": lambda dbt: append("models/x.sql", " ")(dbt.parent / "linked"),
    "macros outside the project": lambda dbt: append("x.sql", " ")(dbt.parent / "outside"),
    "a variable that a model names": append("assets/marts/dim_products.sql", "{{ env_var('HOME') }}"),
    "what dbt ignores": append(".dbtignore", "assets/marts"),
}
NOT_SEEN = {
    "a model's SQL": append("assets/marts/dim_products.sql", "\n-- more"),
    "what dbt writes": append("target/compiled/x.sql", "select 1"),
    "a log": append("logs/dbt.yml", "x"),
    "Python": append("definitions.py", "x = 1"),
    "notes": append("README.md", "more"),
    "what git keeps": append(".git/x.sql", "x"),
    "the link to lakekit's macros": link_package,
}


@pytest.mark.parametrize("what", SEEN)
def test_it_changes_with(dbt: Path, what: str) -> None:
    before = taken(dbt)
    SEEN[what](dbt)
    assert taken(dbt) != before


@pytest.mark.parametrize("what", NOT_SEEN)
def test_it_does_not_change_with(dbt: Path, what: str) -> None:
    before = taken(dbt)
    NOT_SEEN[what](dbt)
    assert taken(dbt) == before


def test_it_changes_with_target_and_variables_but_not_with_the_project_s_place(
    dbt: Path, tmp_path: Path
) -> None:
    others = [
        taken(dbt),
        taken(dbt, "trino"),
        taken(dbt, shop_timezone="UTC"),
        taken(dbt, shop_timezone="Asia/Tokyo"),
    ]
    assert len(set(others)) == len(others)
    (tmp_path / "shop").rename(tmp_path / "store")
    assert taken(tmp_path / "store" / "orchestration") == others[0]


@pytest.mark.parametrize(
    ("file", "variable", "counts"),
    [
        ("macros/shop.sql", "SHOP_REGION", True),
        ("assets/marts/_marts.yml", "SHOP_REGION", True),
        ("assets/marts/dim_products.sql", "SHOP_REGION", True),
        ("profiles.yml", "SHOP_SCHEMA", True),
        ("profiles.yml", "LAKEKIT_LAKE", False),
        ("profiles.yml", "DBT_ENV_SECRET_TRINO_TOKEN", False),
        ("README.md", "SHOP_REGION", False),
    ],
)
def test_variables_of_the_environment_count_where_they_are_named(
    dbt: Path, monkeypatch: pytest.MonkeyPatch, file: str, variable: str, counts: bool
) -> None:
    append(file, f"\n# {{{{ env_var( '{variable}', 'x') }}}}")(dbt)
    monkeypatch.delenv(variable, raising=False)
    unset = taken(dbt)
    monkeypatch.setenv(variable, "")
    empty = taken(dbt)
    monkeypatch.setenv(variable, "north")
    north = taken(dbt)
    assert len({unset, empty, north}) == (3 if counts else 1)
    monkeypatch.setenv("UNRELATED", "x")
    assert taken(dbt) == north


@pytest.mark.parametrize("package", ["lakekit", "dbt-core", "dbt-adapters", "dbt-common"])
def test_it_changes_with_what_is_installed(dbt: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    before = taken(dbt)
    monkeypatch.setattr(
        of_fingerprint, "version", lambda name: "0.0.0" if name == package else metadata.version(name)
    )
    assert taken(dbt) != before


def test_it_changes_with_the_adapter_s_macros(
    dbt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt.include.lakekit import PACKAGE_PATH

    assert Path(PACKAGE_PATH).samefile(of_fingerprint._ADAPTER)
    copy = tmp_path / "adapter"
    shutil.copytree(PACKAGE_PATH, copy)
    monkeypatch.setattr(of_fingerprint, "_ADAPTER", copy)
    before = taken(dbt)
    append("macros/materializations.sql", " ")(copy)
    assert taken(dbt) != before


def test_of_a_large_seed_only_size_and_time_are_looked_at(dbt: Path) -> None:
    append("seeds/large.csv", "n\n" + "1\n" * (1 << 20))(dbt)
    file = dbt / "seeds/large.csv"
    before = taken(dbt)
    os.utime(file, ns=(1, 1))
    assert taken(dbt) != before
    before = taken(dbt)
    file.write_text(file.read_text().replace("1", "2"))
    os.utime(file, ns=(1, 1))
    assert taken(dbt) == before


def test_a_file_that_cannot_be_read_is_named(dbt: Path) -> None:
    (dbt / "macros/lost.sql").symlink_to(dbt / "nowhere.sql")
    with pytest.raises(ProjectError, match=r"lost\.sql cannot be read"):
        taken(dbt)
