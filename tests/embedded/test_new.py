"""``lakekit new``: a project that has all its files, and nothing where it cannot be made."""

from __future__ import annotations

import re
import resource
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from lakekit import __version__, scaffold
from lakekit.cli import main
from lakekit.errors import UsageError


def test_a_new_project_has_its_settings_and_models(tmp_path: Path) -> None:
    made = CliRunner().invoke(main, ["new", str(tmp_path / "my-shop"), "--no-input", "--engine", "trino"])
    assert made.exit_code == 0, made.output
    project = tmp_path / "my-shop"
    assert tomllib.loads((project / "lakekit.toml").read_text())["engine"] == "trino"
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"] == "my-shop"
    assert "cookiecutter" not in "".join(file.read_text() for file in project.rglob("*.*") if file.is_file())
    names = {file.stem for file in (project / "orchestration/assets").rglob("*.sql")}
    assert {"stg_shopify__orders", "int_shopify__order_lines", "fct_daily_sales"} <= names
    told = [line.strip() for line in made.output.splitlines()]
    at = told.index(f"cd {tmp_path / 'my-shop'}")
    # What lands needs a Trino.
    assert [line.split()[1] for line in told[at + 1 :]] == ["up", "land", "land", "build"]


def test_a_project_wants_the_lakekit_that_it_was_made_with(tmp_path: Path) -> None:
    told = tomllib.loads((scaffold.new(tmp_path / "shop") / "pyproject.toml").read_text())
    groups = [told["project"]["dependencies"], *told["project"]["optional-dependencies"].values()]
    groups += told["dependency-groups"].values()
    wanted = [Requirement(one) for group in groups for one in group]
    own = [one for one in wanted if one.name == "lakekit"]
    assert len(own) == 5
    assert {str(one.specifier) for one in own} == {f"~={__version__}"}


def test_what_to_do_next_names_the_folder_whatever_it_is_called(tmp_path: Path) -> None:
    project = tmp_path / "[red] shops" / "shop"
    made = CliRunner().invoke(main, ["new", str(project), "--no-input"])
    assert f"The project is in {project}." in made.output
    assert f"cd {shlex.quote(str(project))}" in made.output


def test_a_new_project_has_no_bytecode_of_the_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = shutil.copytree(scaffold.TEMPLATE, tmp_path / "template")
    compiled = next(template.glob("*cookiecutter*")) / "tests" / "__pycache__"
    compiled.mkdir(exist_ok=True)  # as pip leaves it
    (compiled / "shop.cpython-311.pyc").write_bytes(b"\0\xff")
    monkeypatch.setattr(scaffold, "TEMPLATE", template)
    assert not list(scaffold.new(tmp_path / "shop").rglob("*.pyc"))


def test_what_a_connector_logs_in_with_comes_into_neither_git_nor_an_image(tmp_path: Path) -> None:
    project = scaffold.new(tmp_path / "shop")
    named = set(re.findall(r"--config (\S+)", (project / "README.md").read_text())) | {"secrets.json"}
    assert len(named) == 4
    for file in named:
        (project / file).write_text('{"api_key": "…"}')
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    staged = subprocess.run(
        ["git", "ls-files"], cwd=project, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    assert "README.md" in staged
    assert not named & set(staged)
    # Docker's **/ is any folder, or none.
    patterns = (project / ".dockerignore").read_text().splitlines()
    assert all(any(fnmatch(f"in/{file}", pattern) for pattern in patterns) for file in named)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refused = CliRunner().invoke(main, ["new", str(tmp_path), "--no-input"])
    assert refused.exit_code == 2
    assert "is not empty" in refused.output
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["my shop"], "'my shop' can name no project."),
        (["1st"], "'1st' can name no project."),
        (["shop", "--sources", "magento"], "'magento' is not one of 'both', 'shopify', 'klaviyo'"),
        (["shop", "--ci", "jenkins"], "'jenkins' is not one of 'none', 'github'"),
        (["notes.txt/shop"], "No project can be made in"),
        (["notes.txt"], "notes.txt is a file"),
    ],
)
def test_what_can_be_no_project_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    refused = CliRunner().invoke(main, ["new", *arguments, "--no-input"])
    assert refused.exit_code == 2
    assert said in refused.output
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_time_zone_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'Mars/Olympus' is no time zone"):
        scaffold.new(tmp_path / "shop", shop_timezone="Mars/Olympus")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("moved", [0, 5])
def test_what_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool, moved: int
) -> None:
    shop = tmp_path / "deep" / "shop"
    if is_there:
        shop.mkdir(parents=True)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    count = iter(range(moved))
    move = shutil.move

    def interrupted(source: Path, target: Path) -> None:
        if next(count, None) is None:
            raise KeyboardInterrupt
        move(source, target)

    monkeypatch.setattr(shutil, "move", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scaffold.new(shop)
    assert not list(scratch.iterdir())
    assert [one.name for one in tmp_path.iterdir() if one != scratch] == (["deep"] if is_there else [])
    assert not is_there or not list(shop.iterdir())


def test_a_project_in_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    made = CliRunner().invoke(main, ["new", ".", "--no-input"])
    assert made.exit_code == 0
    assert Path("lakekit.toml").is_file()  # it is the same folder still
    assert "cd " not in made.output  # one is there


def test_nothing_is_left_in_ones_home_and_secrets_are_not_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home := tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(home))
    made = subprocess.run(
        [sys.executable, "-m", "lakekit", "new", "--no-input", tmp_path / "shop"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert not list(home.iterdir())
    assert "--config shopify-secrets.json" in made.stdout
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path / "shop", check=True)
    ignored = ["git", "check-ignore", "--quiet", "shopify-secrets.json"]
    assert subprocess.run(ignored, cwd=tmp_path / "shop", check=False).returncode == 0


def test_it_takes_less_than_two_seconds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lakekit", "new", "--no-input", tmp_path / "shop"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the processor's time: what else the machine does meanwhile is not its own.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2
