"""Tests of models on Trino: the same stories as on the embedded engine, run by the plugin on the project's own stack."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import cookiecutter.main  # noqa: F401 - before pytester's runs, which forget what is imported in them
import pytest

from lakekit.scaffold import new
from lakekit.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakekit.stack import Endpoints

pytest_plugins = ["pytester"]

STORIES = """
    import pytest
    from lakekit.errors import UsageError

    MODEL = "int_shopify__customers"

    def story(lake):
        lake.given("shopify.customers", [{"id": 1, "email": " Ann@Example.com", "first_name": "Ann"}, {"id": 2}])
        lake.build(MODEL)
        lake.given("shopify.customers", [{"id": 1, "email": "bea@example.com"}])

    def test_a_later_sync_is_merged(lake):
        assert lake.settings.engine == "trino"
        story(lake)
        lake.build(MODEL)
        lake.expect(MODEL, [{"customer_id": 1, "email": "bea@example.com", "first_name": "Ann"}, {"customer_id": 2}])

    def test_nothing_of_another_test_is_there(lake):
        for name in ("shopify.customers", "stg_shopify__customers", MODEL):
            with pytest.raises(UsageError, match="is not there"):
                lake.expect(name, [])
        # A view over this test's table, not over another's.
        lake.given("shopify.customers", [{"id": 7}])
        lake.build("stg_shopify__customers")
        lake.expect("stg_shopify__customers", [{"customer_id": 7}])

    def test_a_build_tells_what_it_cost(lake):
        story(lake)
        cost = lake.build(MODEL).costs[MODEL]
        assert cost.rows_written == 1
        assert cost.statements > 1
        assert cost.bytes_read > 0
        assert lake.build(MODEL).costs[MODEL].rows_written == 0

    def test_time_stands_still(lake):
        lake.now = "2026-05-05T23:30:00+02:00"
        [row] = lake.sql("select current_date as d, current_timestamp(6) as t")
        assert (row["d"].isoformat(), row["t"].isoformat()) == ("2026-05-05", "2026-05-05T21:30:00+00:00")
        lake.given("shopify.customers", [{"id": 1}])
        lake.expect("shopify.customers", [{"updated_at": "2026-05-05T21:30:00Z"}])

    def test_a_branch_is_published_and_one_is_left(lake):
        lake.given("int_shopify__customers", [{"customer_id": 1, "accepts_marketing": True}])
        with lake.branch() as work:
            work.build("dim_customers")
            work.expect("dim_customers", [{"customer_id": 1, "accepts_marketing": True, "orders": 0}])
            work.publish(unchecked=True)
        lake.expect("dim_customers", [{"customer_id": 1, "segment": "prospect"}])
        lake.branch("left-behind")
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoints]:
    """One that no other test makes branches on."""
    folder = tmp_path / "stack"
    monkeypatch.setenv("LAKEKIT_STACK", str(folder))
    own = Stack(folder)
    yield own.up(ephemeral=True)
    own.down()


@pytest.fixture
def project(stack: Endpoints, pytester: pytest.Pytester) -> Path:
    project = new(pytester.path / "shop", engine="trino")
    pytester.makeini("[pytest]")
    (project / "tests/test_stories.py").write_text(re.sub(r"^    ", "", STORIES, flags=re.MULTILINE))
    return project


def branches(stack: Endpoints) -> set[str]:
    from lakekit.catalog.nessie import NessieCatalog

    catalog = NessieCatalog(stack)
    found = {ref.name for ref in catalog.refs()}
    catalog.close()
    return found


def test_stories_are_told_on_trino_and_nothing_stays(
    stack: Endpoints, project: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    before = branches(stack)
    result = pytester.runpytest_subprocess("--lake-engine", "trino", "--lake-costs", "tests/test_stories.py")
    result.assert_outcomes(passed=5, warnings=1)
    result.stdout.fnmatch_lines_random(
        ["*left the branches left-behind behind*", "int_shopify__customers * ms*"]
    )
    # dbt's unit tests run where what their model reads is built of nothing.
    result = pytester.runpytest_subprocess(
        "orchestration/dbt_project.yml", "--lake-engine", "trino", "-m", "dbt_unit_test"
    )
    outcomes = result.parseoutcomes()
    assert (outcomes["passed"], outcomes.keys() - {"deselected"}) == (3, {"passed"})
    assert branches(stack) == before
    assert all(status.health == "ready" for status in Stack(Path(os.environ["LAKEKIT_STACK"])).status())
