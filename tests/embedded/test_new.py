"""``lakekit new``: a project that builds, from a checkout and from a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from lakekit import scaffold
from lakekit.cli import main

if TYPE_CHECKING:
    import pytest

CHECKOUT = Path(__file__).parents[2]


def test_a_new_project_has_its_settings_and_models(tmp_path: Path) -> None:
    made = CliRunner().invoke(main, ["new", str(tmp_path / "my-shop"), "--no-input", "--engine", "trino"])
    assert made.exit_code == 0, made.output
    project = tmp_path / "my-shop"
    assert tomllib.loads((project / "lakekit.toml").read_text())["engine"] == "trino"
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"] == "my-shop"
    assert "cookiecutter" not in "".join(file.read_text() for file in project.rglob("*.*") if file.is_file())
    names = {file.stem for file in (project / "orchestration/assets").rglob("*.sql")}
    assert {"stg_shopify__orders", "int_shopify__order_lines", "fct_daily_sales"} <= names
    assert f"cd {tmp_path / 'my-shop'}" in made.output


def test_a_new_project_has_no_bytecode_of_the_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = shutil.copytree(scaffold.TEMPLATE, tmp_path / "template")
    compiled = next(template.glob("*cookiecutter*")) / "tests" / "__pycache__"
    compiled.mkdir(exist_ok=True)  # as pip leaves it
    (compiled / "shop.cpython-311.pyc").write_bytes(b"\0\xff")
    monkeypatch.setattr(scaffold, "TEMPLATE", template)
    assert not list(scaffold.new(tmp_path / "shop").rglob("*.pyc"))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = CliRunner().invoke(main, ["new", str(tmp_path), "--no-input"])
    assert refused.exit_code == 2
    assert "is not empty" in refused.output
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_the_wheel_brings_the_template_the_macros_and_the_adapter(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            str(tmp_path),
            str(CHECKOUT),
        ],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    template = "lakekit/_template/{{ cookiecutter.name }}"
    tracked = subprocess.run(
        ["git", "ls-files", "template"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert {f"lakekit/_{file}" for file in tracked} <= names
    assert f"{template}/orchestration/.dbtignore" in names
    for file in (
        "lakekit/py.typed",
        "lakekit/dbt/package/dbt_project.yml",
        "lakekit/testing/scenario.schema.json",
        "dbt/include/lakekit/dbt_project.yml",
    ):
        assert file in names
    assert not [name for name in names if name.startswith("dbt/") and name.count("/") == 1]
