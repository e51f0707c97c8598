"""What a run of pytest reports at its end, with one process and with several: the numbers are those of the tests."""

from __future__ import annotations

import re
import shutil
from textwrap import dedent
from typing import TYPE_CHECKING

import cookiecutter.main  # noqa: F401 - before pytester's runs, which forget what is imported in them
import pytest

from lakekit.scaffold import new

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

TESTS = """
    def test_one(lake):
        lake.given("shopify.customers", [{"id": n, "email": f"{n}@example.com"} for n in range(20)])
        lake.build("int_shopify__customers")
        lake.expect("int_shopify__customers", [{"customer_id": n} for n in range(20)])
        lake.given("shopify.customers", [{"id": 3, "email": "another@example.com"}])
        lake.build("int_shopify__customers")

    def test_another(lake):
        lake.given("shopify.customers", [{"id": 1}, {"id": 2}])
        lake.build("int_shopify__customers")
        lake.expect("stg_shopify__customers", [{"customer_id": 1}, {"customer_id": 2}], key=["customer_id"])
"""
BUILT = ["int_shopify__customers", "stg_shopify__customers"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = new(tmp_path_factory.mktemp("reports") / "shop", engine="embedded")
    shutil.rmtree(project / "tests")
    return project


@pytest.fixture
def shop(pytester: pytest.Pytester, template: Path) -> pytest.Pytester:
    """A project that was never tested."""
    shutil.copytree(template, pytester.path, dirs_exist_ok=True, symlinks=True)
    pytester.makeini("[pytest]\ntestpaths = tests")
    return pytester


def run(shop: pytest.Pytester, tests: str, *options: str) -> list[str]:
    """The lines of a run in which all tests pass."""
    (shop.path / "tests").mkdir(exist_ok=True)
    (shop.path / "tests/test_shop.py").write_text(dedent(tests))
    result = shop.runpytest_subprocess("-p", "no:cacheprovider", *options)
    assert result.ret == 0
    return result.outlines


def table(lines: list[str]) -> dict[str, list[str]]:
    """A report's rows, by the model that they are of."""
    rows = (re.split(r" {2,}", line.strip()) for line in lines)
    return {row[0]: row[1:] for row in rows if re.match(r"(stg|int|dim|fct|total)", row[0]) and len(row) > 1}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_coverage(shop: pytest.Pytester, workers: str) -> None:
    lines = run(shop, TESTS, "-n", workers, "--lake-coverage")
    rows = table(lines)
    # Each has nine columns, of which one was expected; of what no test builds no one knows them.
    assert rows["int_shopify__customers"] == ["2", "1/9", "2/4"]
    assert rows["stg_shopify__customers"] == ["2", "1/9", "-"]
    assert {name for name, row in rows.items() if row == ["none", "-", "-"]} == rows.keys() - {
        *BUILT,
        "total",
    }
    assert rows["total"] == ["2", "2/18", "2/4"]
    assert "2 of 24 models built, the columns of 22 not known" in lines


@pytest.mark.parametrize("options", [("-n", "0"), ("-n", "2"), ("-n", "0", "--lake-coverage")])
def test_costs(shop: pytest.Pytester, options: tuple[str, ...]) -> None:
    """The same with several processes, and beside coverage, whose own statements are none of a model's."""
    said = "\n".join(run(shop, TESTS, "--lake-costs", *options))
    said = said.partition("what builds cost")[2].partition("what the tests exercised")[0]
    head = "model builds median slowest statements rows written bytes read"
    assert head in re.sub(" +", " ", said)
    costs = table(said.splitlines())
    assert costs.keys() == set(BUILT)
    for model, (builds, rows) in zip(BUILT, (("3", "23"), ("2", "0")), strict=True):
        number, median, slowest, statements, written, _ = costs[model]
        assert (number, statements, written) == (builds, "1", rows)
        assert 0 < int(median.removesuffix(" ms")) <= int(slowest.removesuffix(" ms"))
    # How often DuckDB reads a file's end depends on its threads; with coverage's own statements it is 330,000. To make
    # a view, only ends of files are read.
    merged, viewed = (int(costs[model][-1].replace(",", "")) for model in BUILT)
    assert 120_000 < merged < 240_000
    assert 0 < viewed < merged / 3


def test_what_is_built_to_learn_columns_is_no_test_s(shop: pytest.Pytester) -> None:
    """They are kept: the first run would report other builds than the second."""
    tests = """
        def test_it(lake):
            lake.given("int_shopify__customers", [{"customer_id": 1}])
            lake.expect("int_shopify__customers", [{"customer_id": 1}])
    """
    for _ in range(2):
        lines = run(shop, tests, "--lake-coverage", "--lake-costs")
        assert "No test built a model." in lines
        assert any(line.startswith("0 of 24 models built") for line in lines)
        # Its columns are known by now.
        tests_of, columns, _ = table(lines)["int_shopify__customers"]
        assert (tests_of, columns) == ("1", "1/9")
