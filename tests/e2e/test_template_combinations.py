"""Whatever is asked of the template, what comes of it is right at once."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
import yaml

from lakekit.scaffold import Ci, Sources, new

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lakekit.settings import EngineName

INSTALLED = Path(sys.executable).parent
SOURCES = get_args(Sources)
COMBINATIONS = list(itertools.product(SOURCES, ["embedded", "trino"], get_args(Ci)))
PARSE = "dbt parse --project-dir orchestration --profiles-dir orchestration"
VALIDATE = "dagster definitions validate"
NOT_OF = {
    "shopify": re.compile(r"klaviyo|mailing|e-?mail_|fct_email"),
    "klaviyo": re.compile(r"shopify|sales|cohort"),
}


def run(project: Path, *command: str, **environment: str) -> str:
    """What a command prints in a project, where it succeeds."""
    ran = subprocess.run(
        command,
        cwd=project,
        env={**os.environ, "PATH": f"{INSTALLED}{os.pathsep}{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def lines(content: bytes) -> set[str]:
    return set(content.decode().splitlines())


@pytest.mark.parametrize(("sources", "engine", "ci"), COMBINATIONS)
def test_a_combination_is_right_at_once(tmp_path: Path, sources: Sources, engine: EngineName, ci: Ci) -> None:
    project = new(tmp_path / "shop", sources=sources, engine=engine, ci=ci)
    assert re.fullmatch(r"All fine: \d+ files judged\.", run(project, "lakekit", "lint").strip())
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        run(project, *command)
    assert "Passed" in run(
        project, "pre-commit", "run", "--all-files", PRE_COMMIT_HOME=str(tmp_path / "hooks")
    )
    run(project, *PARSE.split())
    told = run(project, *VALIDATE.split(), DAGSTER_HOME=str(project / ".dagster"))
    assert "All code locations passed validation" in told
    if (engine, ci) == ("trino", "none"):
        # Its own tests, which neither another engine's settings nor CI touch: test_template_tests.py runs all of them with
        # the defaults, and what engine and CI change is told below.
        story = "the_whole_mailing" if sources == "klaviyo" else "the_whole_shop"
        passed = run(
            project, "pytest", "-q", "-p", "no:cacheprovider", f"tests/test_{story}.py", "-k", "two_syncs"
        )
        assert "1 passed" in passed


@pytest.mark.parametrize("sources", SOURCES)
def test_what_is_not_asked_for_is_not_there(tmp_path: Path, sources: Sources) -> None:
    made = contents(new(tmp_path / "shop", sources=sources))
    both = contents(new(tmp_path / "both"))
    assert made.keys() <= both.keys()
    for name, content in made.items():
        text = content.decode()
        assert "cookiecutter" not in text
        assert "{%" not in text or name.startswith("orchestration/")
        if sources != "both":
            assert not NOT_OF[sources].search(name), name
            if (
                Path(name).suffix in {".sql", ".py", ".yml", ".json"}
                and name != "orchestration/macros/shop.sql"
            ):
                assert not re.search("klaviyo" if sources == "shopify" else "shopify", text, re.IGNORECASE), (
                    name
                )


@pytest.mark.parametrize("sources", SOURCES)
def test_engine_and_ci_change_no_more_than_they_have_to(tmp_path: Path, sources: Sources) -> None:
    """So that what is tested of one combination holds for the others."""
    one = contents(new(tmp_path / "one" / "shop", sources=sources))
    other = contents(new(tmp_path / "other" / "shop", sources=sources, engine="trino", ci="github"))
    changed = {
        name: lines(other[name]) ^ lines(one.get(name, b"")) for name in other if one.get(name) != other[name]
    }
    del changed[".github/workflows/ci.yml"]
    [started] = changed.pop("README.md")
    assert started.split("#")[0].strip() == "lakekit up"
    assert changed == {
        "lakekit.toml": {'engine = "embedded"', 'engine = "trino"'},
        "orchestration/profiles.yml": {"  target: embedded", "  target: trino"},
    }
    assert one.keys() <= other.keys()


def test_the_workflow_s_steps_are_commands_that_there_are(tmp_path: Path) -> None:
    project = new(tmp_path / "shop", ci="github")
    workflow: Mapping[str, Any] = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    assert [step.split()[0] for step in steps] == ["pip", "pip", "lakekit", "dbt", "dagster", "pytest"]
    run(project, *steps[2].split())
    assert steps[3:5] == [PARSE, VALIDATE]  # by which every combination is right
    # What `pip install .` needs of the project itself.
    run(project, sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path / "wheels"), ".")  # fmt: skip
    assert len(list((tmp_path / "wheels").iterdir())) == 1


def test_plain_cookiecutter_makes_the_same(tmp_path: Path) -> None:
    template = Path(__file__).parents[2] / "template"
    answers = ["name=shop", "sources=klaviyo", "engine=trino", "ci=github"]
    plain = [
        str(INSTALLED / "cookiecutter"),
        "--no-input",
        "--default-config",
        "-o",
        str(tmp_path / "plain"),
        str(template),
    ]
    run(tmp_path, *plain, *answers)
    made = new(tmp_path / "made" / "shop", sources="klaviyo", engine="trino", ci="github")
    assert contents(tmp_path / "plain/shop") == contents(made)
    for wrong, said in (
        ("name=my shop", "can name no project"),
        ("shop_timezone=Mars/Olympus", "is no time zone"),
    ):
        refused = subprocess.run([*plain, wrong], capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        assert said in refused.stderr + refused.stdout
    assert [one.name for one in (tmp_path / "plain").iterdir()] == ["shop"]
