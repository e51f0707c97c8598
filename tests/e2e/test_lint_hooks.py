"""The hook in a real git repository, where pre-commit or prek runs it on what is committed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakekit.scaffold import new

from ..checkout import copy

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where hooks of language system find lakekit: this environment. Those of the repository bring their own.
WITH_LAKEKIT = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
STAGING = "shop/orchestration/assets/streams/shopify"
CORE = "shop/orchestration/assets/core/shopify"

# Of what is found, rather than of when and on which files the hook runs.
ONE_RUNNER = pytest.mark.parametrize("runner", ["prek"], indirect=True)


def git(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Git with a name of its own, whatever the machine's configuration says."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
        env=os.environ | environment,
    )


def commit(repository: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    git(repository, "add", "-A")
    return git(repository, "commit", "-m", "a change", **environment)


def repository(folder: Path) -> str:
    """Make ``folder`` one, with all that is in it in a first commit, whose hash is returned."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    made = git(folder, "commit", "-q", "--no-verify", "-m", "first")
    assert made.returncode == 0, made.stderr
    return git(folder, "rev-parse", "HEAD").stdout.strip()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This checkout as a repository of hooks, which is cloned and installed, and its revision."""
    folder = copy(tmp_path_factory.mktemp("hooks"))
    return folder, repository(folder)


@pytest.fixture(scope="module", params=["prek", "pre-commit"])
def runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A program that runs hooks, with an own cache of installed ones."""
    cache = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRE_COMMIT_HOME", cache)
        patch.setenv("PREK_HOME", cache)
        yield str(Path(sys.executable).parent / request.param)


@pytest.fixture
def shop(tmp_path: Path, runner: str, hooks: tuple[Path, str]) -> Path:
    """A repository with a project in a subfolder, where every commit is judged."""
    project_in(tmp_path, "shop")
    (tmp_path / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks[0]}\n    rev: {hooks[1]}\n    hooks:\n      - id: lakekit-lint\n"
    )
    repository(tmp_path)
    install(tmp_path, runner)
    return tmp_path


def project_in(repository: Path, name: str) -> None:
    """A project whose repository has the hooks: its own, which prek would run as well, wants lakekit installed."""
    (new(repository / name) / ".pre-commit-config.yaml").unlink()


def install(folder: Path, runner: str) -> None:
    installed = subprocess.run([runner, "install"], cwd=folder, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stdout + installed.stderr


def test_a_clean_change_is_committed(shop: Path) -> None:
    model = shop / CORE / "int_shopify__orders.sql"
    model.write_text(f"-- One row an order.\n{model.read_text()}")
    made = commit(shop)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "lakekit lint" in made.stderr + made.stdout
    assert "Passed" in made.stderr + made.stdout
    # It ran in an environment that was made for it out of the repository, and that has the core alone.
    cache = Path(os.environ["PREK_HOME"])
    [hook] = cache.rglob("bin/lakekit")
    ask = "import lakekit, importlib.util as util; print(lakekit.__file__, util.find_spec('duckdb'))"
    told = subprocess.run(
        [hook.with_name("python"), "-c", ask], cwd=cache, capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith(str(cache))
    assert told.stdout.endswith(" None\n")


def test_only_what_is_committed_is_judged(shop: Path) -> None:
    (shop / CORE / "orders.sql").write_text("select 1 as one")
    (shop / "notes.md").write_text("Nothing of a project.\n")
    git(shop, "add", "notes.md")
    assert git(shop, "commit", "-m", "notes").returncode == 0


@pytest.mark.parametrize("name", ["tool.py", "deep/in/here/query.sql", ".github/workflows/ci.yml"])
def test_files_outside_of_the_project_pass(shop: Path, name: str) -> None:
    (shop / name).parent.mkdir(parents=True, exist_ok=True)
    (shop / name).write_text("")
    made = commit(shop)
    assert made.returncode == 0, made.stdout + made.stderr


def test_files_outside_pass_where_there_are_several_projects(shop: Path) -> None:
    project_in(shop, "second")
    (shop / "tool.py").write_text("")
    assert commit(shop).returncode == 0
    (shop / "tool.py").write_text("VALUE = 1\n")
    made = commit(shop)
    assert made.returncode == 0, made.stdout + made.stderr


@ONE_RUNNER
def test_a_ref_is_looked_up_in_the_whole_project(shop: Path) -> None:
    model = shop / CORE / "int_shopify__customers.sql"
    model.write_text(model.read_text().replace("stg_shopify__customers", "stg_shopify__customer"))
    refused = commit(shop)
    assert refused.returncode == 1
    told = refused.stdout + refused.stderr
    assert "LK204" in told
    assert "there is no model 'stg_shopify__customer'; is 'stg_shopify__customers' meant?" in told
    assert f"{CORE}/int_shopify__customers.sql:" in told


@ONE_RUNNER
def test_a_model_of_another_source_is_refused(shop: Path) -> None:
    git(shop, "mv", f"{STAGING}/stg_shopify__orders.sql", f"{STAGING}/stg_klaviyo__orders.sql")
    refused = commit(shop)
    assert refused.returncode == 1
    told = refused.stdout + refused.stderr
    assert "LK104" in told
    assert "LK201" in told


@ONE_RUNNER
def test_the_projects_own_settings_hold(shop: Path) -> None:
    with (shop / "shop/lakekit.toml").open("a") as settings:
        settings.write('\n[lint]\nignore = ["LK2"]\n')
    model = shop / CORE / "int_shopify__customers.sql"
    model.write_text(model.read_text().replace("stg_shopify__customers", "stg_shopify__customer"))
    made = commit(shop)
    assert made.returncode == 0, made.stdout + made.stderr
    # And so they do for who lints from the repository's root.
    whole = subprocess.run(
        [sys.executable, "-m", "lakekit", "lint"], cwd=shop, capture_output=True, text=True, check=False
    )
    assert whole.returncode == 0, whole.stdout + whole.stderr


@ONE_RUNNER
def test_a_broken_project_is_told_in_a_line(shop: Path) -> None:
    (shop / "shop/lakekit.toml").write_text("[lint\n")
    (shop / CORE / "int_shopify__orders.sql").write_text("select 1 as order_id")
    refused = commit(shop)
    assert refused.returncode == 1
    assert "lakekit.toml is not valid TOML." in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr


def test_a_new_project_brings_the_hook_along(tmp_path: Path, runner: str) -> None:
    project = new(tmp_path / "shop")
    repository(project)
    install(project, runner)
    everything = subprocess.run(
        [runner, "run", "--all-files"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | WITH_LAKEKIT,
    )
    assert everything.returncode == 0, everything.stdout + everything.stderr
    (project / "orchestration/assets/core/shopify/orders.sql").write_text("select 1 as one")
    refused = commit(project, **WITH_LAKEKIT)
    assert refused.returncode == 1
    assert "LK102" in refused.stdout + refused.stderr
