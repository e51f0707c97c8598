"""A run of Dagster writes on a branch, is audited, and is published or kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetSelection,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    asset,
)

from lakekit import Lake
from lakekit.dagster import retracting, sweep, sweeping
from lakekit.dagster.refs import BRANCH, PUBLISHED, REF
from lakekit.dagster.testing import run_assets
from lakekit.naming import new_branch_name

from . import dagster_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster._core.execution.execution_result import ExecutionResult

GONE = "run-0a1b2c3d"
"""The branch of a run that Dagster knows no more."""
LEFT_BY_A_KILLED_ENGINE = "at-20260101-120000-0a1b"
ORDERS = AssetSelection.assets(["core", "int_shopify__orders"]).upstream()


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


def branches(project: Path) -> set[str]:
    with Lake.connect(project) as lake:
        return {ref.name for ref in lake.catalog.refs()} - {"main"}


def rows(project: Path, sql: str, ref: str = "main") -> list[dict[str, Any]]:
    with Lake.connect(project) as lake:
        return lake.at(ref).sql(sql).rows()


def checks(ran: ExecutionResult) -> dict[str, AssetCheckEvaluation]:
    told = (event.event_specific_data for event in ran.all_events)
    return {one.check_name: one for one in told if isinstance(one, AssetCheckEvaluation)}


def tags(ran: ExecutionResult, instance: DagsterInstance) -> dict[str, str]:
    run = instance.get_run_by_id(ran.run_id)
    assert run
    return dict(run.tags)


def failure(ran: ExecutionResult) -> str:
    [event] = ran.filter_events(lambda event: event.is_job_failure)
    return str(event.event_specific_data)


def test_a_run_that_succeeds_is_published_and_every_test_of_dbt_is_a_check(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = dagster_project.load(project, monkeypatch)
    ran = run_assets(definitions, instance=instance)
    assert ran.success
    assert branches(project) == set()
    assert rows(project, "select count(*) as n from marts.fct_daily_sales")[0]["n"] > 10
    told = tags(ran, instance)
    assert told[BRANCH] == f"run-{ran.run_id[:8]}"
    with Lake.connect(project) as lake:
        newest = lake.log(1)[0]
        assert told[PUBLISHED] == newest.hash
        assert ran.run_id in newest.message
        built = {str(table) for table in lake.catalog.entries("main")}
    made = {
        event.asset_key: event.step_materialization_data.materialization.metadata
        for event in ran.filter_events(lambda event: event.is_step_materialization)
    }
    assert {".".join(key.path) for key in made if key} == {
        table for table in built if not table.startswith(("shopify.", "klaviyo."))
    }
    mart = made[AssetKey(["marts", "fct_daily_sales"])]
    [counted] = rows(project, "select count(*) as n from marts.fct_daily_sales")
    assert mart["dagster/row_count"].value == counted["n"]
    columns = {column.name: column for column in mart["dagster/column_schema"].value.columns}
    assert columns["net_sales"].type == "decimal(18,2)"
    assert columns["sales_date"].description == "The day."

    with Lake.connect(project) as lake, lake.branch("as-dbt-does-it") as work:
        assert set(checks(ran)) == set(work.build().checks)
    assert all(one.passed for one in checks(ran).values())
    # Those that read several models are of the one that is built last.
    assert checks(ran)["orders_add_up"].asset_key == AssetKey(["core", "int_shopify__orders"])
    assert checks(ran)["daily_sales_leave_no_sale_out"].asset_key == AssetKey(["marts", "fct_daily_sales"])


def test_a_check_that_fails_keeps_the_branch_and_shows_its_rows(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "orchestration/tests/nobody_buys.sql").write_text(
        'select order_id, order_date from {{ ref("int_shopify__orders") }}'
    )
    definitions = dagster_project.load(project, monkeypatch)
    before = rows(project, "show schemas")
    ran = run_assets(definitions, ORDERS, instance=instance)
    assert not ran.success
    failed = checks(ran)["nobody_buys"]
    assert not failed.passed
    assert len(failed.metadata["rows"].records) == 5
    assert set(failed.metadata["rows"].records[0].data) == {"order_id", "order_date"}
    assert branches(project) == {f"run-{ran.run_id[:8]}"}
    assert rows(project, "show schemas") == before
    assert PUBLISHED not in tags(ran, instance)


def test_a_model_that_fails_says_why_and_what_was_built_is_told(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = project / "orchestration/assets/streams/shopify/stg_shopify__order_refunds.sql"
    model.write_text(model.read_text().replace("from ", ", no_such_column from ", 1))
    shopify = AssetSelection.groups("shopify")
    ran = run_assets(dagster_project.load(project, monkeypatch), shopify, instance=instance)
    assert not ran.success
    [step] = ran.filter_events(lambda event: event.is_step_failure)
    assert "no_such_column" in str(step.event_specific_data)
    built = {event.asset_key for event in ran.filter_events(lambda event: event.is_step_materialization)}
    assert AssetKey(["streams", "stg_shopify__orders"]) in built
    assert AssetKey(["streams", "stg_shopify__order_refunds"]) not in built
    assert branches(project) == {f"run-{ran.run_id[:8]}"}


def test_what_no_check_vouches_for_is_not_published(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = dagster_project.load(project, monkeypatch)
    ran = run_assets(
        definitions, AssetSelection.assets(["streams", "stg_shopify__products"]), instance=instance
    )
    assert not ran.success
    assert "No check ran" in failure(ran)
    assert "the branch" in failure(ran)
    assert branches(project) == {f"run-{ran.run_id[:8]}"}


def test_a_run_with_a_ref_of_its_own_works_there_and_publishes_nothing(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lake.connect(project) as lake:
        lake.catalog.create_branch("try")
    ran = run_assets(dagster_project.load(project, monkeypatch), ORDERS, instance=instance, tags={REF: "try"})
    assert ran.success
    assert branches(project) == {"try"}
    [counted] = rows(project, "select count(*) as n from core.int_shopify__orders", "try")
    assert counted["n"] > 20


def test_branches_are_swept_when_their_runs_are_over(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = dagster_project.load(project, monkeypatch)
    ran = run_assets(
        definitions, AssetSelection.assets(["streams", "stg_shopify__products"]), instance=instance
    )
    under_way = instance.create_run_for_job(definitions.resolve_implicit_global_asset_job_def())
    its_own = f"run-{under_way.run_id[:8]}"
    with Lake.connect(project) as lake:
        begun, looking = "run-00000000", new_branch_name("at")  # by others, who are at it
        for name in (its_own, begun, looking, GONE, LEFT_BY_A_KILLED_ENGINE, "run-of-mine", "mine"):
            lake.catalog.create_branch(name)
        lake.at(GONE).load("shop.orders", [{"id": 1}])
        failed = f"run-{ran.run_id[:8]}"
        assert sweep(lake, instance, timedelta(hours=1)) == [LEFT_BY_A_KILLED_ENGINE]
        assert set(sweep(lake, instance, timedelta(0))) - {looking} == {failed, GONE}
    assert not under_way.is_finished
    assert branches(project) - {looking} == {its_own, begun, "run-of-mine", "mine"}


def test_the_jobs_that_tidy_up_do_what_they_say(project: Path, instance: DagsterInstance) -> None:
    with Lake.connect(project) as lake:
        lake.catalog.create_branch(LEFT_BY_A_KILLED_ENGINE)
        commit = lake.log(1)[0]
        before = lake.catalog.entries("main")
    swept = sweeping(project, after=timedelta(0)).job.execute_in_process(instance=instance)
    assert swept.success
    assert branches(project) == set()

    back = retracting(project).execute_in_process(
        instance=instance, run_config={"ops": {"retract_commit": {"config": {"hash": commit.hash[:10]}}}}
    )
    assert back.success
    [told] = back.filter_events(lambda event: event.is_successful_output)
    assert told.step_output_data.metadata["tables"].value == [str(table) for table in commit.tables]
    with Lake.connect(project) as lake:
        after = lake.catalog.entries("main")
    assert {table for table in before if before[table] != after.get(table)} == set(commit.tables)


def test_a_run_that_was_given_up_meanwhile_is_not_published(
    project: Path, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asset(deps=[AssetKey(["core", "int_shopify__orders"])])
    def given_up() -> None:
        [run] = instance.get_runs()
        instance.report_run_canceled(run)  # by force, as the page does it where no process answers

    definitions = Definitions.merge(dagster_project.load(project, monkeypatch), Definitions([given_up]))
    with Lake.connect(project) as lake:
        before = lake.log(1)[0].hash
    ran = run_assets(definitions, ORDERS | AssetSelection.assets(given_up), instance=instance)
    assert any("main is as it was" in (event.message or "") for event in ran.all_events)
    [run] = instance.get_runs()
    assert run.status is DagsterRunStatus.CANCELED
    assert branches(project) == {f"run-{run.run_id[:8]}"}
    with Lake.connect(project) as lake:
        assert lake.log(1)[0].hash == before
