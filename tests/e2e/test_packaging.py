"""What is published: the wheel and the sdist, in bare environments, with each of the extras and with all of them."""

from __future__ import annotations

import json
import os
import re
import secrets
import tarfile
import tomllib
import zipfile
from typing import TYPE_CHECKING, Final

import click
import pytest
from packaging.metadata import Metadata

from lakekit.cli import main
from lakekit.scaffold import new
from lakekit.stack.artifacts import default_cache

from ..bare import Bare, build
from ..checkout import CHECKOUT, copy, files

if TYPE_CHECKING:
    from pathlib import Path

    from lakekit.stack import Endpoints

DEMO = ["--", "python", "-m", "lakekit.demo.shop"]
SMALL = '{"orders": 60}'
PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
EXTRAS = PYPROJECT["project"]["optional-dependencies"].keys() - {"dev"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of this checkout, and the wheel that was built out of it."""
    folder = tmp_path_factory.mktemp("dist")
    build(CHECKOUT, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [wheel] = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    [sdist] = built.glob("*.tar.gz")
    return sdist


def bare(folder: Path, wheel: Path, extras: str = "", *others: str) -> Bare:
    """An environment that someone has installed lakekit into."""
    return Bare(folder, f"lakekit[{extras}] @ {wheel.as_uri()}", *others)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def metadata(wheel: Path) -> Metadata:
    [found] = [text for name, text in contents(wheel).items() if name.endswith(".dist-info/METADATA")]
    return Metadata.from_email(found, validate=True)


# What is in them.


def test_the_wheel_has_the_package_and_the_template_and_nothing_else(wheel: Path) -> None:
    own = {name for name in contents(wheel) if ".dist-info/" not in name}
    assert own == {
        f"lakekit/_{file}" if file.startswith("template/") else file.removeprefix("src/")
        for file in files()
        if file.startswith(("src/", "template/"))
    }
    assert "lakekit/py.typed" in own
    # dbt's packages are others': what is directly in them would be written over theirs.
    assert not [name for name in own if re.fullmatch(r"dbt/(adapters/|include/)?[^/]+", name)]


def test_the_sdist_has_the_checkout(sdist: Path) -> None:
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert names - {"PKG-INFO"} == files()


def test_what_lies_around_is_not_shipped(wheel: Path, tmp_path: Path) -> None:
    checkout = copy(tmp_path / "checkout")
    ours = [
        "secrets.json",
        "template/{{ cookiecutter.name }}/.env",
        "template/{{ cookiecutter.name }}/secrets.json",
        "template/{{ cookiecutter.name }}/.lakekit/stack/state.json",
        "template/{{ cookiecutter.name }}/orchestration/target/manifest.json",
        "lakekit-demo/lakekit.toml",
        "src/lakekit/.env",
        "src/lakekit/__pycache__/lake.cpython-311.pyc",
        "notes.txt",
    ]
    for name in ours:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("password")
    build(checkout, tmp_path / "sdist", "--sdist")
    with tarfile.open(next((tmp_path / "sdist").iterdir())) as packed:
        assert not {name.partition("/")[2] for name in packed.getnames()} & set(ours)
    # Straight out of a checkout comes what comes out of the sdist.
    build(checkout, tmp_path / "wheel", "--wheel")
    assert contents(next((tmp_path / "wheel").glob("*.whl"))) == contents(wheel)


def test_the_metadata_is_right(wheel: Path) -> None:
    told = metadata(wheel)
    assert told.name == "lakekit"
    assert told.version is not None
    assert wheel.name == f"lakekit-{told.version}-py3-none-any.whl"
    assert str(told.license_expression) == "Apache-2.0"
    assert told.license_files == ["LICENSE"]
    assert told.description_content_type == "text/markdown"
    assert told.description == (CHECKOUT / "README.md").read_text()
    assert set(told.provides_extra or ()) == EXTRAS | {"dev"}
    required = told.requires_dist or []
    assert not [one for one in required if one.url]
    # Not one of another's packages, and every extra of its own is spelled out: what it is need not be asked of lakekit.
    assert "lakekit" not in {one.name for one in required}
    of_all = {str(one.specifier) + one.name for one in required if one.marker and "'all'" in _marker(one)}
    for extra in EXTRAS:
        of_it = {str(one.specifier) + one.name for one in required if f"'{extra}'" in _marker(one)}
        assert of_it, extra
        assert of_it <= of_all, extra


def _marker(requirement: object) -> str:
    return str(getattr(requirement, "marker", "")).replace('"', "'")


# The core.

LACKING: Final = {
    "demo": "duckdb",
    "new shop --no-input": "duckdb",
    "add source recharge --from-lake": "duckdb",
    "add model int_shopify__x --from stg_shopify__orders": "duckdb",
    "up": "trino",
    "status": "trino",
    "logs": "trino",
    "down": "trino",
    "doctor": "trino",
    "stack fetch": "trino",
    "stack train": "trino",
    "land --source shopify": "duckdb",
    "build": "duckdb",
    "build --engine trino": "trino",
    "sql select": "duckdb",
    "branch list": "duckdb",
    "cube": "duckdb",
    "lsp": "lsp",
}
"""What each command that the core has no parts for wants."""


def test_the_core_alone_lints_and_names_what_the_rest_wants(wheel: Path, tmp_path: Path) -> None:
    project = new(tmp_path / "shop")
    core = bare(tmp_path / "core", wheel)
    assert core.run(project, "lakekit", "--version").split()[-1] == str(metadata(wheel).version)
    assert "All fine" in core.run(project, "lakekit", "lint")
    (project / "orchestration/assets/marts/sales.sql").write_text("select 1 as one\n")
    found = core.try_(project, "lakekit", "lint")
    assert found.returncode == 1
    assert "LK103" in found.stdout
    assert {command.split()[0] for command in LACKING} == {*main.list_commands(click.Context(main))} - {
        "lint"
    }
    for command, extra in LACKING.items():
        core.run(project, "lakekit", *command.split()[:1], "--help")
        refused = core.try_(project, "lakekit", *command.split())
        assert refused.returncode == 2, command
        assert f"try: pip install 'lakekit[{extra}]'" in refused.stderr, command
        assert "Traceback" not in refused.stderr, command
    for module, extra in (("dagster", "dagster"), ("stack", "trino")):
        refused = core.try_(project, "python", "-c", f"import lakekit.{module}")
        assert f"pip install 'lakekit[{extra}]'" in refused.stderr


def test_the_core_is_in_no_one_elses_way(sdist: Path, tmp_path: Path) -> None:
    """Installed from its sources beside pytest and sqlfluff, into which it plugs."""
    other = Bare(tmp_path / "other", str(sdist), "pytest>=9", "sqlfluff==4.5.*")
    (tmp_path / "test_other.py").write_text(
        "def test_one(): ...\ndef test_lake(lake): ...\n", encoding="utf-8"
    )
    assert "1 passed" in other.run(tmp_path, "pytest", "-q", "-W", "error", "test_other.py::test_one")
    (tmp_path / "lakekit.toml").touch()
    (tmp_path / "orchestration").mkdir()
    (tmp_path / "orchestration/dbt_project.yml").write_text("name: shop\n")
    wanting = other.try_(tmp_path, "pytest", "-q", "test_other.py::test_lake")
    assert "try: pip install 'lakekit[testing]'" in wanting.stdout
    (tmp_path / "one.sql").write_text("select 1 as n\n")
    assert "All Finished" in other.run(tmp_path, "sqlfluff", "lint", "--dialect", "trino", "one.sql")


# Each extra alone.


def test_duckdb_takes_a_new_project_to_published_marts(wheel: Path, tmp_path: Path) -> None:
    duckdb = bare(tmp_path / "duckdb", wheel, "duckdb")
    duckdb.run(tmp_path, "lakekit", "new", "shop", "--no-input")
    project = tmp_path / "shop"
    assert paths(project) == paths(new(tmp_path / "ours/shop"))
    land(duckdb, project)
    assert "published to main" in duckdb.run(project, "lakekit", "build")
    [sales] = json.loads(
        duckdb.run(project, "lakekit", "sql", "--json", "select count(*) as days from marts.fct_daily_sales")
    )
    assert sales["days"] > 10
    assert "All fine" in duckdb.run(project, "lakekit", "lint")


def test_trino_lands_and_builds_without_duckdb(wheel: Path, tmp_path: Path, stack: Endpoints) -> None:
    at = {"LAKEKIT_STACK": os.environ["LAKEKIT_TEST_STACK"], "LAKEKIT_CACHE": str(default_cache())}
    trino = bare(tmp_path / "trino", wheel, "trino")
    assert trino.try_(tmp_path, "python", "-c", "import duckdb").returncode == 1
    trino.run(tmp_path, "lakekit", "new", "shop", "--no-input", "--engine", "trino")
    project = tmp_path / "shop"
    assert "trino answer" in trino.run(project, "lakekit", "doctor", **at)
    branch = f"test-{secrets.token_hex(4)}"
    trino.run(project, "lakekit", "branch", "create", branch, **at)
    try:
        land(trino, project, "shopify", "--ref", branch, **at)
        build = ["lakekit", "build", "+int_shopify__customers", "--branch", branch, "--no-publish"]
        assert "2 models" in trino.run(project, *build, **at)
        asked = "select count(*) as customers from core.int_shopify__customers"
        [built] = json.loads(trino.run(project, "lakekit", "sql", "--json", "--ref", branch, asked, **at))
        assert built["customers"] > 10
    finally:
        trino.run(project, "lakekit", "branch", "delete", branch, **at)


def test_docker_is_asked_for_where_the_stack_is_containers(wheel: Path, tmp_path: Path) -> None:
    project = new(tmp_path / "shop", engine="trino")
    containers = bare(tmp_path / "docker", wheel, "docker")
    nobody = {"DOCKER_HOST": f"unix://{tmp_path}/nobody"}
    refused = containers.try_(project, "lakekit", "up", "--backend", "docker", **nobody)
    assert refused.returncode == 1
    assert "Docker" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("extra", ["testing", "checks"])
def test_a_model_is_tested(wheel: Path, tmp_path: Path, extra: str) -> None:
    project = new(tmp_path / "shop")
    tester = bare(tmp_path / extra, wheel, extra)
    (project / "tests/test_customers.py").write_text(MODEL_TEST[extra])
    assert "1 passed" in tester.run(project, "pytest", "-q", "tests/test_customers.py")


MODEL_TEST: Final = {
    "testing": """
def test_a_customer(lake):
    lake.given("shopify.customers", [{"id": 1, "email": "a@example.org"}])
    lake.build("+int_shopify__customers")
    lake.expect("int_shopify__customers", [{"customer_id": 1, "email": "a@example.org"}])
""",
    "checks": """
from lakekit.testing import checks

def test_customers_whatever_comes(lake):
    checks.full_refresh_equals_incremental(lake, "int_shopify__customers", examples=2)
""",
}


def test_dagster_loads_a_project_with_an_engine_beside_it(wheel: Path, tmp_path: Path) -> None:
    project = new(tmp_path / "shop")
    dagster = bare(tmp_path / "dagster", wheel, "dagster")
    at_home = {"DAGSTER_HOME": str(project / ".dagster")}
    validate = ["dagster", "definitions", "validate"]
    refused = dagster.try_(project, *validate, **at_home)
    assert refused.returncode == 1
    assert "pip install 'lakekit[duckdb]'" in refused.stdout + refused.stderr
    dagster.install(f"lakekit[duckdb] @ {wheel.as_uri()}")
    assert "All code locations passed validation" in dagster.run(project, *validate, **at_home)
    # Without it `dagster dev` stops before it starts.
    dagster.run(project, "dagster-webserver", "--version")


def test_sqlfluff_knows_the_rules(wheel: Path, tmp_path: Path) -> None:
    project = new(tmp_path / "shop")
    sqlfluff = bare(tmp_path / "sqlfluff", wheel, "sqlfluff")
    orders = "orchestration/assets/core/shopify/int_shopify__orders.sql"
    sqlfluff.run(project, "sqlfluff", "lint", orders)
    (project / orders).rename(project / orders.replace("int_shopify__orders", "orders"))
    found = sqlfluff.try_(project, "sqlfluff", "lint", orders.replace("int_shopify__orders", "orders"))
    assert "Lakekit_L102" in found.stdout + found.stderr


def test_lsp_serves_an_editor(wheel: Path, tmp_path: Path) -> None:
    lsp = bare(tmp_path / "lsp", wheel, "lsp")
    told = lsp.run(
        tmp_path,
        "lakekit",
        "lsp",
        given="".join(
            f"Content-Length: {len(body)}\r\n\r\n{body}"
            for body in (
                json.dumps({"jsonrpc": "2.0", **message})
                for message in (
                    {
                        "id": 1,
                        "method": "initialize",
                        "params": {"processId": None, "rootUri": None, "capabilities": {}},
                    },
                    {"method": "initialized", "params": {}},
                    {"id": 2, "method": "shutdown"},
                    {"method": "exit"},
                )
            )
        ),
    )
    assert '"renameProvider"' in told


def test_lake_makes_a_project_and_names_the_engines(wheel: Path, tmp_path: Path) -> None:
    """What both engines share, which is an extra only so that others can name it."""
    lake = bare(tmp_path / "lake", wheel, "lake")
    for engine, extra in (("embedded", "duckdb"), ("trino", "trino")):
        lake.run(tmp_path, "lakekit", "new", engine, "--no-input", "--engine", engine)
        refused = lake.try_(tmp_path / engine, "lakekit", "build")
        assert refused.returncode == 2
        assert f"pip install 'lakekit[{extra}]'" in refused.stderr


# All of them.

EVERYTHING: Final = """
import importlib, pkgutil, sys, warnings
import lakekit, dbt.adapters.lakekit, dbt.include.lakekit

def raising(name):
    raise

for module in pkgutil.walk_packages(lakekit.__path__, "lakekit.", onerror=raising):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_all_together(wheel: Path, tmp_path: Path) -> None:
    project = new(tmp_path / "shop")
    everything = bare(tmp_path / "all", wheel, "all")
    # No module wants what only the tests have.
    modules = everything.run(tmp_path, "python", "-W", "ignore", "-c", EVERYTHING).splitlines()
    assert len(modules) > 250
    (project / "tests/test_customers.py").write_text(MODEL_TEST["testing"])
    assert "1 passed" in everything.run(project, "pytest", "-q", "tests/test_customers.py")
    assert "All fine" in everything.run(project, "lakekit", "lint")


def test_every_extra_is_tried() -> None:
    tried = re.findall(r'bare\([^,]+, wheel, "(\w+)"', (CHECKOUT / "tests/e2e/test_packaging.py").read_text())
    assert {*tried, *MODEL_TEST} == EXTRAS


def paths(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*")}


def land(bare: Bare, project: Path, *options: str, **environment: str) -> None:
    """Land a small shop, by the demo's connector, out of the environment itself."""
    (project / "small.json").write_text(SMALL)
    sources = options[:1] or ("shopify", "klaviyo")
    for source in sources:
        command = ["lakekit", "land", "--source", source, *options[1:], *DEMO, source]
        assert "inserted" in bare.run(project, *command, "read", "--config", "small.json", **environment)
