"""The pytest plugin as its users meet it: each test here is a pytest run, in a process and a project of its own."""

from __future__ import annotations

import shutil
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import cookiecutter.main  # noqa: F401 - before pytester's runs, which forget what is imported in them
import pytest

from lakekit import Lake
from lakekit.scaffold import new

from ..sessions import SHOP, project_of, worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ["pytester"]

CHECKED = {
    "orchestration/models/checks.yml": """
models:
  - name: fct_sales
    columns:
      - name: status
        data_tests: [unique, {accepted_values: {arguments: {values: [paid, open]}}}]
unit_tests:
  - name: sales_are_summed
    model: fct_sales
    given: [{input: ref('int_orders'), rows: [{order_id: 1, status: paid, amount: 1.50}, {order_id: 2, status: paid, amount: 2}]}]
    expect: {rows: [{status: paid, orders: 2, amount: 3.50}]}
  - name: sales_are_miscounted
    model: fct_sales
    given: [{input: ref('int_orders'), rows: [{order_id: 1, status: paid, amount: 1}]}]
    expect: {rows: [{status: paid, orders: 7, amount: 1}]}
""",
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was tested before: what is kept of that is there."""
    project = project_of(tmp_path_factory.mktemp("plugin") / "shop", SHOP | CHECKED)
    with worker(project) as one:
        for _ in range(2):
            one.session.main.build("fct_sales")
        # Before pytester's runs, which forget what is imported in them: half of a library would be there twice.
        one.lake().load("shopify.orders", [{"id": 1}])
    return project


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the run makes its temporary folders; nothing of ours may be left there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    assert [file.name for file in folder.iterdir() if "lakekit" in file.name] == []


def write_tests(shop: pytest.Pytester, text: str) -> None:
    project_of(shop.path, {"tests/test_shop.py": dedent(text)})


@pytest.fixture
def shop(pytester: pytest.Pytester, rendered: Path, temporary: Path) -> pytest.Pytester:
    shutil.copytree(rendered, pytester.path, dirs_exist_ok=True, symlinks=True)
    pytester.makeini("[pytest]\ntestpaths = tests")
    return pytester


STORIES = """
    import pytest

    PAID, OPEN = {"id": 1, "status": "paid", "amount": 1}, {"id": 2, "status": "open", "amount": 2}

    @pytest.fixture(scope="session")
    def shop(lake_session):
        if "fct_sales" not in lake_session.story.built:
            lake_session.given("shopify.orders", [PAID])
            lake_session.build("fct_sales")

    def test_one_changes_what_was_prepared(shop, lake):
        lake.given("shopify.orders", [OPEN])
        lake.build("fct_sales")
        lake.expect("fct_sales", [{"status": "paid"}, {"status": "open"}])

    def test_another_starts_from_what_was_prepared(shop, lake):
        lake.expect("fct_sales", [{"status": "paid", "orders": 1, "amount": 1}])
        lake.sql("drop view shop.stg_orders")

    def test_and_so_does_a_third(shop, lake):
        lake.expect("stg_orders", [{"order_id": 1}])

    def test_a_branch_is_left(lake):
        lake.branch("left-behind").branch("of-it")

    @pytest.mark.lake(engine="duckdb")
    def test_there_is_no_such_engine(lake): ...

    @pytest.mark.lake("embedded")
    def test_an_engine_is_named(lake, lake_engine):
        assert lake.settings.engine == lake_engine == "embedded"

    @pytest.mark.lake(engine=["embedded"])
    def test_each_engine(lake, lake_engine):
        assert lake_engine == "embedded"

    def test_nothing_is_called_so(lake):
        lake.build("fct_sale")

    def test_rows_differ(lake):
        lake.given("int_orders", [])
        lake.build("fct_sales")
        lake.expect("fct_sales", [{"status": "paid"}])
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_suite(shop: pytest.Pytester, workers: str) -> None:
    write_tests(shop, STORIES)
    result = shop.runpytest_subprocess("-n", workers, "--lake-costs", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=6, failed=2, errors=1, warnings=1)
    result.stdout.fnmatch_lines_random(
        [
            "*PytestWarning: the test left the branches left-behind, of-it behind; they were deleted*",
            "*@pytest.mark.lake(engine='duckdb'): there is no such engine; they are: embedded, trino",
            "E * There is no model 'fct_sale'.",
            "E * why: the nearest are fct_sales",
            "E * fct_sales is not what was expected*",
            "*== what builds cost ==*",
            "model *builds*median*rows written*",
            "fct_sales *ms*",
        ]
    )
    result.stdout.no_fnmatch_line("*/lakekit/testing/lake.py*")  # of a traceback, what is the reader's


def test_a_run_may_stop_and_go_on_with_what_failed(shop: pytest.Pytester) -> None:
    write_tests(
        shop,
        """
        def test_first(lake): lake.expect("shopify.orders", [])
        def test_second(lake):
            lake.given("shopify.orders", [])
            lake.expect("shopify.orders", [])
        def test_third(lake): raise AssertionError
        """,
    )
    result = shop.runpytest_subprocess("-x")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*shopify.orders is not there.*"])
    shop.runpytest_subprocess("--lf").assert_outcomes(failed=1)
    shop.runpytest_subprocess("-k", "second").assert_outcomes(passed=1, deselected=2)
    debugged = shop.run(
        sys.executable, "-m", "pytest", "--pdb", "-k", "not second", stdin=b"p lake.ref\nc\nc\n"
    )
    debugged.assert_outcomes(failed=2, deselected=1)
    debugged.stdout.fnmatch_lines(["*(Pdb) 'test-*"])


def test_an_interrupt_ends_the_run_and_leaves_nothing(shop: pytest.Pytester, temporary: Path) -> None:
    write_tests(
        shop,
        """
        import os, signal, time

        def test_interrupted(lake, tmp_path_factory):
            lake.given("shopify.orders", [{"id": 1}])
            lake.branch()
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

        def test_never_run(lake): ...
        """,
    )
    result = shop.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*KeyboardInterrupt*"])


def test_without_a_project_it_is_said_what_to_do(pytester: pytest.Pytester, temporary: Path) -> None:
    pytester.makepyfile("def test_it(lake): ...\ndef test_again(lake): ...")
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["There is no lakekit.toml in *", "  try: lakekit new DIR*"])
    assert len(result.outlines) < 40
    pytester.makeini("[pytest]\nlake_project = nowhere")
    pytester.runpytest_subprocess("-q").stdout.fnmatch_lines(["There is no * in *nowhere*"])


def test_a_broken_project_names_the_file(shop: pytest.Pytester) -> None:
    write_tests(shop, "def test_it(lake): lake.build('fct_sales')")
    file = shop.path / "orchestration/models/sources.yml"
    file.write_text(file.read_text() + "\n  : - broken: [")
    result = shop.runpytest_subprocess("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["dbt cannot parse the project.", "*sources.yml*"])
    assert shop.runpytest_subprocess("-q", "orchestration/dbt_project.yml").ret != 0


def test_options_are_checked(shop: pytest.Pytester) -> None:
    write_tests(
        shop,
        """
        import pytest

        @pytest.mark.lake(enigne="trino")
        def test_misspelt(lake): ...
        """,
    )
    shop.runpytest_subprocess().stdout.fnmatch_lines(["*test_misspelt: a lake marker names an engine:*"])
    result = shop.runpytest_subprocess("--lake-engine", "duckdb")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    write_tests(shop, "def test_it(lake): ...")
    shop.makeini("[pytest]\ntestpaths = tests\nlake_engine = spark")
    shop.runpytest_subprocess().stdout.fnmatch_lines(["lake_engine = spark: there is no such engine."])


def test_a_suite_without_lakes_pays_nothing(pytester: pytest.Pytester, temporary: Path) -> None:
    """Nor is a dbt project of its own, that is none of lakekit's, taken for one."""
    project_of(pytester.path, {"dbt_project.yml": "name: other", "models/x.yml": "scenarios: 1"})
    pytester.makepyfile(
        """
        import sys

        def test_what_is_imported():
            ours = {name for name in sys.modules if name.partition(".")[0] == "lakekit"}
            assert ours == {"lakekit", "lakekit.testing", "lakekit.testing.plugin"}
            assert not {"dbt", "duckdb", "pyarrow", "sqlglot"} & sys.modules.keys()
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert not (pytester.path / ".lakekit").exists()


def test_dbt_s_own_tests_are_items(shop: pytest.Pytester) -> None:
    """First nothing was built, then all is well, then a row is wrong."""
    command = ("-p", "no:cacheprovider", "orchestration/dbt_project.yml", "-rA", "--rootdir=.")
    result = shop.runpytest_subprocess(*command)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "PASSED orchestration/dbt_project.yml::sales_are_summed",
            "FAILED orchestration/dbt_project.yml::sales_are_miscounted*",
            "*actual differs from expected*",
            "fct_sales is not in the lake.",
            "*try: build it first: lakekit build",
        ]
    )
    orders = [
        {"id": n, "status": status, "amount": 1.5, "updated_at": "2026-01-01"}
        for n, status in enumerate(["paid", "open"])
    ]
    with Lake.connect(shop.path) as lake:
        lake.load("shopify.orders", orders)
        lake.build("+fct_sales", exclude="sales_are_miscounted")
        refs = [ref.name for ref in lake.catalog.refs()]
    shop.runpytest_subprocess(*command, "-m", "dbt_data_test").assert_outcomes(passed=2, deselected=2)
    with Lake.connect(shop.path) as lake:
        assert [ref.name for ref in lake.catalog.refs()] == refs
        lake.sql("update shop.fct_sales set status = 'lost' where status = 'open'")
    result = shop.runpytest_subprocess(*command, "-m", "dbt_data_test")
    result.assert_outcomes(passed=1, failed=1, deselected=2)
    result.stdout.fnmatch_lines(["Got 1 result, configured to fail if != 0", "*'lost'*"])
    # A whole run takes them once, though packages have such files too.
    write_tests(shop, "def test_it(): ...")
    collected = shop.runpytest_subprocess("--collect-only", "-q", ".")
    assert collected.outlines.count("orchestration/dbt_project.yml::sales_are_summed") == 1
    assert not any("dbt_packages" in line for line in collected.outlines)


def test_the_template_s_unit_tests_pass_on_an_empty_lake(pytester: pytest.Pytester, temporary: Path) -> None:
    project = new(pytester.path / "shop", engine="embedded")
    result = pytester.runpytest_subprocess(
        "--rootdir", str(project), str(project / "orchestration/dbt_project.yml"), "-m", "dbt_unit_test", "-q"
    )
    outcomes = result.parseoutcomes()
    assert outcomes.pop("passed") == 3
    assert outcomes.keys() <= {"deselected"}
