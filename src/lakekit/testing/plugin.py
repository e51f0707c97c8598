"""The pytest plugin: options, markers and fixtures. What they need is imported when a test asks for it."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .lake import LakeUnderTest
    from .run import Run

_STACK = "LAKEKIT_TEST_STACK_OF_RUN"
_OWNER = "LAKEKIT_TEST_OWNER_OF_RUN"
ENGINES = ("embedded", "trino")
_BACKENDS = ("process", "docker", "remote")
_DBT = "dbt_project.yml"
_run = pytest.StashKey["Run"]()
_before = pytest.StashKey[dict[str, str | None]]()
REPORTS = "lakekit-reports"
"""The plugin that gathers what is to be told at the end, if anything is."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lakekit", "tests of a lakehouse's models (lakekit)")
    group.addoption(
        "--lake-engine",
        choices=ENGINES,
        help="What runs the SQL of tests on the `lake` fixture; default: ini lake_engine, else embedded.",
    )
    group.addoption(
        "--lake-backend",
        choices=_BACKENDS,
        help="How the trino engine's services run; default: ini lake_backend, else the project's lakekit.toml.",
    )
    group.addoption(
        "--lake-update", action="store_true", help="Write the snapshots that expect_snapshot compares with."
    )
    group.addoption(
        "--lake-costs",
        action="store_true",
        help="Report what each model's builds cost, at the end of the run.",
    )
    group.addoption(
        "--lake-coverage",
        nargs="?",
        const="text",
        metavar="HTML",
        help="Report which models, columns and branches of SQL the tests exercised; as a page, if a file is named.",
    )
    parser.addini("lake_engine", "What runs the SQL of tests on the `lake` fixture.", default="")
    parser.addini("lake_backend", "How the trino engine's services run.", default="")
    parser.addini(
        "lake_project", "The folder of the lakekit project; default: pytest's root folder.", default=""
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "lake(engine): what runs the SQL of this test: 'embedded', 'trino', or several names for one test each.",
    )
    for kind in ("data", "unit"):
        config.addinivalue_line("markers", f"dbt_{kind}_test: a {kind} test of the dbt project.")
    # Dagster's integration of dbt installs it, sqlglot looks whether it is there, and neither uses it.
    config.addinivalue_line("filterwarnings", "ignore:sqlglotrs is deprecated:DeprecationWarning")
    costs, coverage = config.getoption("lake_costs"), config.getoption("lake_coverage")
    if costs or coverage:
        from .reports import Reports

        config.pluginmanager.register(Reports(costs=costs, coverage=coverage), REPORTS)
    # Named before xdist starts its workers, which inherit the environment and share one stack.
    if not hasattr(config, "workerinput"):
        config.stash[_before] = {name: os.environ.get(name) for name in (_STACK, _OWNER)}
        os.environ[_STACK] = os.path.join(  # noqa: PTH118 - pathlib costs what this plugin may
            tempfile.gettempdir(), f"lakekit-test-stack-{os.getpid()}-{os.urandom(4).hex()}"
        )
        os.environ[_OWNER] = str(os.getpid())


def _close(config: pytest.Config) -> None:
    if run := config.stash.get(_run, None):
        run.close()
        del config.stash[_run]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist tidies up before it says that it is done: it is not waited for any longer."""
    if hasattr(session.config, "workerinput"):
        _close(session.config)


def pytest_unconfigure(config: pytest.Config) -> None:
    _close(config)
    if not hasattr(config, "workerinput"):
        stack = os.environ.get(_STACK, "")
        for name, value in config.stash.get(
            _before, {}
        ).items():  # a run within a run leaves the outer one its own
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if os.path.isdir(stack):  # noqa: PTH112
            from .run import remove_stack

            remove_stack(stack)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name == _DBT:
        if not _in_a_project(parent.config):
            return None
        from .dbt_tests import DbtProject, is_tested

        # dbt's packages have such files too.
        return DbtProject.from_parent(parent, path=file_path) if is_tested(file_path, parent.config) else None
    if file_path.suffix in {".yml", ".yaml"} and _has_scenarios(file_path, parent.config):
        from .scenario_items import ScenarioFile

        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def _in_a_project(config: pytest.Config) -> bool:
    folders = (config.rootpath, config.invocation_params.dir)
    return bool(config.getini("lake_project")) or any(
        (folder / "lakekit.toml").is_file() for folder in folders
    )


def _has_scenarios(file: Path, config: pytest.Config) -> bool:
    """Whether a file of a lakekit project, but not of its dbt project, has scenarios; other tools' files may have such a key."""
    if not _in_a_project(config):
        return False
    root = config.rootpath
    try:
        text = file.read_bytes()
    except OSError:
        return False
    if not re.search(rb"""^(?:\xef\xbb\xbf)?["']?scenarios["']?[ \t]*:""", text, re.MULTILINE):
        return False
    folders = [folder for folder in file.parents if root in folder.parents]
    return not any(folder.name.startswith(".") or (folder / _DBT).is_file() for folder in folders)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    engine = _engine_of(metafunc.definition)
    if "lake" in metafunc.fixturenames and isinstance(engine, (list, tuple)):
        metafunc.parametrize("lake_engine", engine, indirect=True)


@pytest.fixture
def lake_engine(request: pytest.FixtureRequest) -> str:
    """What runs the SQL of this test."""
    engine = getattr(request, "param", None) or _engine_of(request.node) or run_of(request.config).engine
    if engine not in ENGINES:
        pytest.fail(
            f"@pytest.mark.lake(engine={engine!r}): there is no such engine; they are: {', '.join(ENGINES)}",
            pytrace=False,
        )
    return str(engine)


def _engine_of(node: pytest.Item | pytest.Function) -> Any:
    """What a test's own marker says: the name of an engine or several, or None."""
    mark = node.get_closest_marker("lake")
    if mark is None:
        return None
    if len(mark.args) + len(mark.kwargs) != 1 or mark.kwargs.keys() - {"engine"}:
        pytest.fail(
            f"{node.nodeid}: a lake marker names an engine: @pytest.mark.lake(engine='trino')", pytrace=False
        )
    return mark.args[0] if mark.args else mark.kwargs["engine"]


@pytest.fixture
def lake(request: pytest.FixtureRequest, lake_engine: str) -> Iterator[LakeUnderTest]:
    """A lake that this test has for itself: what it does is forgotten when it ends."""
    from .story import Place

    session = run_of(request.config).session(lake_engine)
    node = request.node
    taken = session.take(
        Place(node.nodeid, node.path, node.nodeid.partition("::")[2], request.config.getoption("lake_update"))
    )
    yield taken
    if left := session.give_back(taken):
        warnings.warn(
            pytest.PytestWarning(f"the test left the branches {', '.join(left)} behind; they were deleted"),
            stacklevel=1,
        )


@pytest.fixture(scope="session")
def lake_session(pytestconfig: pytest.Config) -> LakeUnderTest:
    """The lake that every test's `lake` starts from, on this worker; what is done to it stays for the run."""
    run = run_of(pytestconfig)
    return run.session(run.engine).main


@pytest.fixture(scope="session")
def lakehouse(pytestconfig: pytest.Config) -> Any:
    """Where Trino, Nessie and S3 answer: one stack for the whole run, whatever the number of workers."""
    return run_of(pytestconfig).endpoints()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    run = item.config.stash.get(_run, None)
    told = False
    if run and call.excinfo and not item.config.getoption("fulltrace"):
        from .run import shorten

        told = shorten(call.excinfo.value)
    report = yield
    if told and call.excinfo and call.when != "call":
        report.longrepr = str(call.excinfo.value)
    if run and call.excinfo:
        report.sections += run.said_last(call.excinfo.value)
    return report


def run_of(config: pytest.Config) -> Run:
    """What this process's tests share, made when the first of them asks for it."""
    if _run not in config.stash:
        try:
            from .run import Run
        except ModuleNotFoundError as error:
            from ..errors import MissingExtra

            raise MissingExtra("testing", str(error.name)) from error

        config.stash[_run] = Run(config, os.environ[_STACK], int(os.environ[_OWNER]))
    return config.stash[_run]
