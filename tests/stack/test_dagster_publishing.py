"""Runs of Dagster that publish through Nessie: two at once, and one at whose end Nessie dies."""

# Dagster looks at annotations itself: here they are no texts.
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetExecutionContext, DagsterInstance, Definitions, asset
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.execution.execution_result import ExecutionResult

from lakekit import Lake
from lakekit.dagster import LakeResource, publish_executor
from lakekit.dagster.refs import PUBLISHED
from lakekit.stack import Stack

from ..dagster_runs import prepare, publish_at_once
from .conftest import kill

ROUNDS = 10


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of their own: what publishes needs a main that is no one else's."""
    made = Stack(tmp_path_factory.mktemp("publishing") / "stack", store="s3proxy")
    made.up()
    yield made
    made.down()


@pytest.fixture
def project(stack: Stack, tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").write_text(f'engine = "trino"\nstack = "{stack.folder}"\nstore = "s3proxy"\n')
    return tmp_path


def test_two_that_publish_at_once_on_nessie_lose_nothing(project: Path) -> None:
    prepare(project)
    assert publish_at_once(project, ROUNDS, seconds=500)


def test_nessie_dies_at_publish_and_what_was_built_is_published_later(project: Path, stack: Stack) -> None:
    @asset(key=["shop", "visits"])
    def visits(context: AssetExecutionContext, lake: LakeResource) -> None:
        with lake.at_run(context) as work:
            work.load("shop.visits", [{"id": context.run.run_id}])
            work.catalog.record_checks(work.ref, {"counted": True})
        if context.run.parent_run_id is None:
            kill(stack, "nessie")

    definitions = Definitions(
        assets=[visits],
        resources={"lake": LakeResource(project=str(project))},
        executor=publish_executor(project),
    )
    with Lake.connect(project) as lake:
        lake.load("shop.visits", [{"id": "the first"}])
        before, refs = lake.log(1), names(lake)
    with DagsterInstance.ephemeral() as instance:
        failed = run(definitions, instance)
        again = run(definitions, instance)
        assert not failed.success
        assert not again.success
        branch = f"run-{failed.run_id[:8]}"
        assert "nessie ended" in failure(failed)
        assert f"lakekit branch publish {branch}" in failure(failed)
        assert "nessie ended" in failure(again)

        stack.up()
        with Lake.connect(project) as lake:
            assert lake.log(1) == before
            assert names(lake) == {*refs, branch}
            assert ids(lake.at(branch)) == {"the first", failed.run_id}
        mended = run(definitions, instance, anew=failed)
        assert mended.success
        recorded = instance.get_run_by_id(mended.run_id)
    with Lake.connect(project) as lake:
        assert ids(lake) == {"the first", mended.run_id}
        assert names(lake) == refs
        assert recorded
        assert recorded.tags[PUBLISHED] == lake.log(1)[0].hash


def run(
    definitions: Definitions, instance: DagsterInstance, anew: ExecutionResult | None = None
) -> ExecutionResult:
    """Launch all, or execute anew a run."""
    job = definitions.resolve_implicit_global_asset_job_def()
    earlier = anew.run_id if anew else None
    made = instance.create_run_for_job(job, parent_run_id=earlier, root_run_id=earlier)
    return execute_run(InMemoryJob(job), made, instance, raise_on_error=False)


def names(lake: Lake) -> set[str]:
    return {ref.name for ref in lake.catalog.refs()}


def ids(lake: Lake) -> set[str]:
    return {row["id"] for row in lake.sql("select id from shop.visits")}


def failure(ran: ExecutionResult) -> str:
    [event] = ran.filter_events(lambda event: event.is_job_failure)
    return str(event.event_specific_data)
