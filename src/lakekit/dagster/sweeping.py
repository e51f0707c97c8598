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

from ..lake import Lake
from ..settings import Settings
from .refs import BRANCH, PREFIX


def sweep(lake: Lake, instance: DagsterInstance, after: timedelta) -> list[str]:
    """Delete the branches of runs that have ended, or that no one knows of, and return their names.

    A branch stays for ``after`` from its run's end; of a run that is gone, from its last commit.
    """
    before = datetime.now(UTC) - after
    swept = []
    for ref in lake.catalog.refs():
        if ref.name.startswith(PREFIX) and _ended(ref.name, lake, instance) < before:
            lake.delete_branch(ref.name)
            swept.append(ref.name)
    return swept


def sweeping(
    project: Path | str, *, after: timedelta = timedelta(days=7), cron_schedule: str = "0 4 * * *"
) -> ScheduleDefinition:
    """A schedule for ``Definitions(schedules=…)`` that sweeps the lake of the project that ``project`` lies in."""

    @op(name="sweep")
    def sweep_op(context: OpExecutionContext) -> None:
        with Lake.over(Settings.load(Path(project))) as lake:
            swept = sweep(lake, context.instance, after)
        context.add_output_metadata({"branches": swept})
        context.log.info("%s branches had been left behind and are deleted.", len(swept))

    @job(name="sweep_branches", description=sweep.__doc__, executor_def=in_process_executor)
    def sweep_branches() -> None:
        sweep_op()

    return ScheduleDefinition(job=sweep_branches, cron_schedule=cron_schedule)


def _ended(branch: str, lake: Lake, instance: DagsterInstance) -> datetime:
    """When the last run on a branch ended; for one that is under way, that is yet to come."""
    records = instance.get_run_records(RunsFilter(tags={BRANCH: branch}))
    if any(not record.dagster_run.is_finished for record in records):
        return datetime.max.replace(tzinfo=UTC)
    ends = [record.end_time for record in records if record.end_time]
    if ends:
        return datetime.fromtimestamp(max(ends), UTC)
    [newest] = lake.catalog.log(branch, 1)
    return newest.committed_at
