"""Write, audit, publish: a run works on a branch of its own, and has succeeded when main has what it made.

The executor wraps the one that runs the steps: it alone sees a run as a whole, whatever was selected of it, and what it
raises makes the run fail.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import (
    DagsterEvent,
    DagsterEventType,
    ExecutorDefinition,
    Failure,
    MetadataValue,
    in_process_executor,
)
from dagster._core.events import EngineEventData
from dagster._core.executor.base import Executor
from typing_extensions import override

from ..errors import LakekitError, MergeConflict
from ..lake import Lake
from ..naming import MAIN
from ..settings import Settings
from .refs import BRANCH, LANDS, PUBLISHED, REF, run_ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster import DagsterRun
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode
    from dagster._core.execution.step_dependency_config import StepDependencyConfig

    from ..lake import Change


def publish_executor(
    project: Path | str, steps: ExecutorDefinition = in_process_executor
) -> ExecutorDefinition:
    """An executor for ``Definitions(executor=…)``: runs the steps with another one, on a branch, and publishes it.

    ``project`` is a file or folder of the project (``__file__``). A run's success means that its branch was merged into
    main: with every check that ran on it passed, and at least one run. Otherwise the run fails and the branch stays for a
    look. Where main has changed the same tables meanwhile, everything is built again on what main is then, once.

    A run whose tag ``lake/ref`` names a ref works there and publishes nothing; one that only lands, lands on main.
    """
    create = steps.executor_creation_fn
    assert create
    return ExecutorDefinition(
        name="publish",
        config_schema=steps.config_schema,  # type: ignore[arg-type] # as Dagster itself copies a definition
        requirements=steps.get_requirements,
        executor_creation_fn=lambda context: _Publishing(Path(project), create(context)),
    )


class _Publishing(Executor):
    def __init__(self, project: Path, steps: Executor) -> None:
        self._project = project
        self._steps = steps

    @property
    @override
    def retries(self) -> RetryMode:
        return self._steps.retries

    @property
    @override
    def step_dependency_config(self) -> StepDependencyConfig:
        return self._steps.step_dependency_config

    @override
    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[DagsterEvent]:
        run = plan_context.dagster_run
        if REF in run.tags or _only_lands(execution_plan):
            yield from self._steps.execute(plan_context, execution_plan)
            return
        branch = run_ref(run)
        plan_context.instance.add_run_tags(run.run_id, {BRANCH: branch})
        try:
            yield from self._published(plan_context, execution_plan, branch)
        except LakekitError as error:
            raise Failure(f"{error}\n  main is as it was, and the branch '{branch}' is kept") from error

    def _published(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan, branch: str
    ) -> Iterator[DagsterEvent]:
        is_again = False
        while True:
            self._open(branch, anew=is_again)
            yield _told(plan_context, f"The run works on the branch '{branch}'.", branch=branch)
            failed: set[str | None] = set()
            for event in self._steps.execute(plan_context, execution_plan):
                if event.event_type is DagsterEventType.STEP_FAILURE:
                    failed.add(event.step_key)
                yield event
            if failed:
                yield _told(plan_context, f"The branch '{branch}' is kept; main is as it was.", branch=branch)
                return
            try:
                yield self._publish(plan_context, branch)
            except MergeConflict as conflict:
                # What an earlier run built is not built again here: on a new base it would be missing.
                if is_again or _goes_on(plan_context.dagster_run):
                    raise
                is_again = True
                yield _told(
                    plan_context, f"{conflict} All is built again on what main is now.", branch=branch
                )
            else:
                return

    def _open(self, branch: str, *, anew: bool) -> None:
        with self._lake() as lake:
            known = branch in {ref.name for ref in lake.catalog.refs()}
            if known and anew:
                lake.delete_branch(branch)
            if anew or not known:
                lake.catalog.create_branch(branch, at=MAIN)

    def _publish(self, plan_context: PlanOrchestrationContext, branch: str) -> DagsterEvent:
        run = plan_context.dagster_run
        with self._lake() as lake:
            work = lake.at(branch)
            changes = work.diff()
            published = work.publish(message=f"publish {branch} (Dagster run {run.run_id})")
            lake.delete_branch(branch)
        plan_context.instance.add_run_tags(run.run_id, {PUBLISHED: published.hash})
        return _told(
            plan_context,
            f"Published: main is at {published.hash[:12]}.",
            branch=branch,
            hash=published.hash,
            changes=_as_table(changes),
        )

    def _lake(self) -> Lake:
        return Lake.over(Settings.load(self._project))


def _only_lands(plan: ExecutionPlan) -> bool:
    steps = [plan.get_step_by_key(key) for key in plan.step_keys_to_execute]
    return all(LANDS in (step.tags or {}) for step in steps)


def _goes_on(run: DagsterRun) -> bool:
    """Whether a run executes anew what is left of an earlier one."""
    return bool(run.parent_run_id and run.step_keys_to_execute)


def _told(plan_context: PlanOrchestrationContext, message: str, **metadata: Any) -> DagsterEvent:
    return DagsterEvent.engine_event(
        plan_context, message, event_specific_data=EngineEventData(metadata=metadata)
    )


def _as_table(changes: Sequence[Change]) -> MetadataValue:
    lines = ["| table | change | rows | was |", "|---|---|---|---|"]
    lines += [
        f"| {one.table} | {one.change} | {_count(one.rows_after)} | {_count(one.rows_before)} |"
        for one in changes
    ]
    return MetadataValue.md("\n".join(lines))


def _count(rows: int | None) -> str:
    return "" if rows is None else f"{rows:,}"
