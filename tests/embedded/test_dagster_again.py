"""Runs of Python assets and their checks: what counts, what a run executed anew goes on from, what meets a conflict."""

# Dagster looks at annotations itself: here they are no texts.
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    Definitions,
    OpExecutionContext,
    asset,
    asset_check,
    job,
    op,
)
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan, execute_run
from dagster._core.execution.execution_result import ExecutionResult

from lakekit import Lake
from lakekit.dagster import LakeIOManager, LakeResource, publish_executor, sweep
from lakekit.dagster.refs import BRANCH, PUBLISHED
from lakekit.errors import StackFailed


@dataclass
class Shop:
    """A project of two tables and a check, and what is to go wrong in it."""

    project: Path
    instance: DagsterInstance
    is_broken: bool = False
    is_doubtful: bool = False
    is_partial: bool = False
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    conflicts: int = 0
    check_of_total: str = "total_is_likely"
    ran: list[str] = field(default_factory=list)

    @property
    def definitions(self) -> Definitions:
        @asset(key=["core", "sales"])
        def sales(context: AssetExecutionContext, lake: LakeResource) -> None:
            self.ran.append("sales")
            with lake.at_run(context) as work:
                days = work.sql("select count(*) as n from shop.orders").rows()[0]["n"]
                work.write("core.sales", pa.table({"day": [1], "orders": [days]}))
            if self.conflicts:
                self.conflicts -= 1
                self.meanwhile("core.sales", day=1, orders=100 + self.conflicts)

        @asset(key=["marts", "total"], deps=[sales])
        def total(context: AssetExecutionContext, lake: LakeResource) -> pa.Table:
            self.ran.append("total")
            if self.is_broken:
                raise ValueError("no total today")
            with lake.at_run(context) as work:
                return work.sql("select sum(orders) as orders from core.sales").arrow()

        @asset_check(asset=sales)
        def sales_are_whole() -> AssetCheckResult:
            return AssetCheckResult(passed=not self.is_partial)

        @asset_check(asset=total, name=self.check_of_total)
        def total_is_likely() -> AssetCheckResult:
            return AssetCheckResult(passed=not self.is_doubtful, severity=self.severity)

        lake = LakeResource(project=str(self.project))
        return Definitions(
            assets=[sales, total],
            asset_checks=[sales_are_whole, total_is_likely],
            resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
            executor=publish_executor(self.project),
        )

    def run(self, *, anew: ExecutionResult | None = None, steps: list[str] | None = None) -> ExecutionResult:
        """Launch all, or execute anew a run or some of its steps."""
        self.ran.clear()
        whole = self.definitions.resolve_implicit_global_asset_job_def()
        earlier = self.recorded(anew) if anew else None
        run = self.instance.create_run_for_job(
            whole,
            execution_plan=create_execution_plan(whole, step_keys_to_execute=steps),
            asset_selection=whole.asset_selection,
            tags=earlier.tags if earlier else None,
            parent_run_id=earlier.run_id if earlier else None,
            root_run_id=(earlier.root_run_id or earlier.run_id) if earlier else None,
        )
        return execute_run(InMemoryJob(whole), run, self.instance, raise_on_error=False)

    def recorded(self, ran: ExecutionResult) -> DagsterRun:
        run = self.instance.get_run_by_id(ran.run_id)
        assert run
        return run

    def meanwhile(self, table: str, **row: int) -> None:
        """Someone else writes to main."""
        with Lake.connect(self.project) as lake:
            lake.write(table, pa.table({name: [value] for name, value in row.items()}))

    def rows(self, table: str) -> list[dict[str, Any]]:
        with Lake.connect(self.project) as lake:
            return lake.sql(f"select * from {table}").rows()

    def tables(self) -> set[str]:
        with Lake.connect(self.project) as lake:
            return {str(table) for table in lake.catalog.entries("main")}

    def branches(self) -> set[str]:
        with Lake.connect(self.project) as lake:
            return {ref.name for ref in lake.catalog.refs()} - {"main"}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "lakekit.toml").touch()
    with Lake.connect(tmp_path) as lake:
        lake.load("shop.orders", [{"id": 1}, {"id": 2}])
    with DagsterInstance.ephemeral() as instance:
        yield Shop(tmp_path, instance)


LEFT = ["marts__total", "marts__total_total_is_likely"]
"""The steps that a run executes anew where the mart failed."""


def failure(ran: ExecutionResult) -> str:
    [event] = ran.filter_events(lambda event: event.is_job_failure)
    return str(event.event_specific_data)


def told(ran: ExecutionResult) -> str:
    return "\n".join(event.message or "" for event in ran.all_events)


def test_checks_of_python_vouch_for_a_run(shop: Shop) -> None:
    ran = shop.run()
    assert ran.success
    assert shop.rows("marts.total") == [{"orders": 2}]
    assert shop.branches() == set()


def test_a_check_that_does_not_block_keeps_the_branch_all_the_same(shop: Shop) -> None:
    shop.is_doubtful = True
    ran = shop.run()
    assert not ran.success
    assert "total_is_likely" in failure(ran)
    assert shop.branches() == {f"run-{ran.run_id[:8]}"}
    shop.severity = AssetCheckSeverity.WARN
    assert shop.run().success


def test_a_run_goes_on_from_a_failure_on_the_branch_that_has_the_rest(shop: Shop) -> None:
    shop.is_broken = True
    failed = shop.run()
    assert not failed.success
    shop.is_broken = False
    mended = shop.run(anew=failed, steps=LEFT)
    assert mended.success
    assert shop.ran == ["total"]
    assert shop.rows("core.sales") == [{"day": 1, "orders": 2}]
    assert shop.rows("marts.total") == [{"orders": 2}]
    assert shop.branches() == set()


def test_a_run_that_goes_on_does_not_build_its_part_on_another_base(shop: Shop) -> None:
    shop.is_broken = True
    failed = shop.run()
    shop.is_broken = False
    shop.meanwhile("core.sales", day=1, orders=7)
    mended = shop.run(anew=failed, steps=LEFT)
    assert not mended.success
    assert "both changed core.sales" in failure(mended)
    assert shop.ran == ["total"]
    assert shop.rows("core.sales") == [{"day": 1, "orders": 7}]
    assert shop.branches() == {f"run-{failed.run_id[:8]}"}


def test_what_a_check_said_in_an_earlier_run_still_counts(shop: Shop) -> None:
    shop.is_broken = shop.is_partial = True
    failed = shop.run()
    shop.is_broken = False
    again = shop.run(anew=failed, steps=LEFT)
    assert not again.success
    assert "1 of 2 checks failed" in failure(again)
    assert "sales_are_whole" in failure(again)
    assert "marts.total" not in shop.tables()
    shop.is_partial = False
    assert shop.run(anew=again, steps=["core__sales_sales_are_whole"]).success
    assert shop.rows("marts.total") == [{"orders": 2}]


def test_a_check_that_is_called_like_one_that_failed_earlier_does_not_stand_for_it(shop: Shop) -> None:
    shop.check_of_total = "sales_are_whole"
    shop.is_broken = shop.is_partial = True
    failed = shop.run()
    shop.is_broken = False
    left = ["marts__total", "marts__total_sales_are_whole"]
    for _ in range(2):  # and not in a run that goes on from one which went on
        again = shop.run(anew=failed, steps=left)
        assert not again.success
        assert "1 of 1 checks failed" in failure(again)
    assert "marts.total" not in shop.tables()


def test_of_two_runs_executed_anew_at_once_one_goes_on(shop: Shop) -> None:
    shop.is_broken = True
    failed = shop.run()
    shop.is_broken = False
    shop.instance.create_run_for_job(
        shop.definitions.resolve_implicit_global_asset_job_def(),
        status=DagsterRunStatus.STARTING,  # it will begin later, and be refused
        tags={BRANCH: f"run-{failed.run_id[:8]}"},
    )
    assert shop.run(anew=failed, steps=LEFT).success


def test_no_two_runs_work_on_the_same_branch(shop: Shop) -> None:
    shop.is_broken = True
    failed = shop.run()
    shop.is_broken = False
    tags = {BRANCH: f"run-{failed.run_id[:8]}"}
    other = shop.instance.create_run_for_job(
        shop.definitions.resolve_implicit_global_asset_job_def(), status=DagsterRunStatus.STARTED, tags=tags
    )
    again = shop.run(anew=failed, steps=LEFT)
    assert not again.success
    assert f"The run {other.run_id[:8]} is at work on the branch" in failure(again)
    shop.instance.report_run_canceled(other)
    assert shop.run(anew=failed, steps=LEFT).success


def test_a_whole_run_executed_anew_begins_on_what_main_is_now(shop: Shop) -> None:
    shop.is_broken = True
    failed = shop.run()
    shop.is_broken = False
    with Lake.connect(shop.project) as lake:
        lake.load("shop.orders", [{"id": 3}])
    again = shop.run(anew=failed)
    assert again.success
    assert shop.rows("marts.total") == [{"orders": 3}]
    assert shop.branches() == set()


def test_what_was_swept_cannot_be_gone_on_from(shop: Shop) -> None:
    shop.is_broken = True
    failed = shop.run()
    shop.is_broken = False
    with Lake.connect(shop.project) as lake:
        assert sweep(lake, shop.instance, timedelta(0)) == [f"run-{failed.run_id[:8]}"]
    left = shop.run(anew=failed, steps=LEFT)
    assert not left.success
    assert "execute all of the run again" in failure(left)
    assert shop.run(anew=left).success


def test_some_steps_of_a_published_run_are_executed_anew(shop: Shop) -> None:
    published = shop.run()
    again = shop.run(anew=published, steps=LEFT)
    assert again.success
    assert shop.ran == ["total"]
    with Lake.connect(shop.project) as lake:
        assert shop.recorded(again).tags[PUBLISHED] == lake.log(1)[0].hash
    shop.is_broken = True
    failed = shop.run(anew=published, steps=LEFT)
    assert not failed.success
    assert not shop.recorded(failed).tags[PUBLISHED]


def test_a_conflict_is_told_and_all_is_built_again_on_what_main_is_now(shop: Shop) -> None:
    shop.conflicts = 1
    ran = shop.run()
    assert ran.success
    assert "both changed core.sales" in told(ran)
    assert shop.ran == ["sales", "total"] * 2
    assert shop.rows("core.sales") == [{"day": 1, "orders": 2}]
    assert shop.branches() == set()


def test_a_second_conflict_fails_the_run_and_names_the_tables(shop: Shop) -> None:
    shop.conflicts = 2
    ran = shop.run()
    assert not ran.success
    assert "both changed core.sales" in failure(ran)
    assert shop.ran == ["sales", "total"] * 2
    assert shop.rows("core.sales") == [{"day": 1, "orders": 100}]
    assert shop.branches() == {f"run-{ran.run_id[:8]}"}


def test_a_run_that_changes_nothing_in_the_lake_has_nothing_to_publish(shop: Shop) -> None:
    @op
    def look(context: OpExecutionContext, lake: LakeResource) -> None:
        with lake.at_run(context) as work:
            context.log.info(str(work.sql("select count(*) from shop.orders").rows()))

    @job
    def looking() -> None:
        look()

    definitions = Definitions(
        jobs=[looking],
        resources={"lake": LakeResource(project=str(shop.project))},
        executor=publish_executor(shop.project),
    )
    one = definitions.resolve_job_def("looking")
    run = shop.instance.create_run_for_job(one)
    ran = execute_run(InMemoryJob(one), run, shop.instance, raise_on_error=False)
    assert ran.success
    assert "nothing to publish" in told(ran)
    assert PUBLISHED not in shop.recorded(ran).tags
    assert shop.branches() == set()


def test_a_catalog_that_is_gone_once_it_has_published_leaves_the_branch_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(self: Lake, name: str) -> None:
        raise StackFailed("Nessie does not answer.")

    with monkeypatch.context() as down:
        down.setattr(Lake, "delete_branch", unreachable)
        ran = shop.run()
    assert ran.success
    assert "What came after failed, and is left: Nessie does not answer." in told(ran)
    assert shop.rows("marts.total") == [{"orders": 2}]
    with Lake.connect(shop.project) as lake:
        assert sweep(lake, shop.instance, timedelta(0)) == [f"run-{ran.run_id[:8]}"]
