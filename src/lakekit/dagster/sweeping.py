"""Deleting the branches that runs have left behind: those that failed and were looked at, those that were killed."""

# Dagster looks at annotations itself: here they are no texts.
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster import (
    DagsterInstance,
    OpExecutionContext,
    RunsFilter,
    ScheduleDefinition,
    in_process_executor,
    job,
    op,
)
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from ..catalog.protocol import Ref
from ..lake import Lake
from ..naming import AT, branch_time
from .refs import BRANCH, is_of_a_run, run_ref


def sweep(lake: Lake, instance: DagsterInstance, after: timedelta) -> list[str]:
    """Delete the branches of runs that have ended, or that no one knows of, and return their names.

    A branch stays for ``after`` from its run's end; of a run that is gone, from its last commit, and without any it is
    left alone: the run may be another Dagster's, and have just begun. What a killed engine has left goes, too.
    """
    before = datetime.now(UTC) - after
    refs = lake.catalog.refs()  # asked before the runs: a branch that is there by now has its run there, too
    under_way = {run_ref(run) for run in instance.get_runs(RunsFilter(statuses=NOT_FINISHED_STATUSES))}
    swept = []
    for ref in refs:
        if is_of_a_run(ref.name):
            left = None if ref.name in under_way else _ended(ref, lake, instance)
        else:
            left = branch_time(ref.name, AT)
        if left and left < before:
            lake.delete_branch(ref.name)
            swept.append(ref.name)
    return swept


def sweeping(
    project: Path | str, *, after: timedelta = timedelta(days=7), cron_schedule: str = "0 4 * * *"
) -> ScheduleDefinition:
    """A schedule for ``Definitions(schedules=…)`` that sweeps the lake of the project that ``project`` lies in."""

    @op(name="sweep")
    def sweep_op(context: OpExecutionContext) -> None:
        with Lake.connect(Path(project)) as lake:
            swept = sweep(lake, context.instance, after)
        context.add_output_metadata({"branches": swept})
        context.log.info("%s branches had been left behind and are deleted.", len(swept))

    @job(name="sweep_branches", description=sweep.__doc__, executor_def=in_process_executor)
    def sweep_branches() -> None:
        sweep_op()

    return ScheduleDefinition(job=sweep_branches, cron_schedule=cron_schedule)


def _ended(branch: Ref, lake: Lake, instance: DagsterInstance) -> datetime | None:
    """When the last run on a branch ended, or, where none is known, the last commit was made on it."""
    records = instance.get_run_records(RunsFilter(tags={BRANCH: branch.name}))
    if ends := [record.end_time for record in records if record.end_time]:
        return datetime.fromtimestamp(max(ends), UTC)
    own = lake.catalog.log(branch.name, 1) if lake.catalog.base(branch.name) != branch.hash else []
    return own[0].committed_at if own else None
