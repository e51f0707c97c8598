"""Write, audit, publish: a run works on a branch of its own, and has succeeded when main has what it made.

The executor wraps the one that runs the steps: it alone sees a run as a whole, whatever was selected of it, and what it
raises makes the run fail.
"""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckSeverity,
    DagsterEvent,
    DagsterEventType,
    DagsterRunStatus,
    ExecutorDefinition,
    Failure,
    MetadataValue,
    RunsFilter,
    in_process_executor,
)
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import EngineEventData
from dagster._core.execution.plan.resume_retry import ReexecutionStrategy
from dagster._core.executor.base import Executor
from dagster._core.storage.tags import MAX_RETRIES_TAG, RETRY_STRATEGY_TAG
from typing_extensions import override

from ..errors import LakekitError, MergeConflict, PublishRefused, StackFailed, UsageError
from ..lake import Lake
from ..naming import MAIN
from .refs import BRANCH, LANDS, PUBLISHED, REF, run_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dagster import AssetCheckKey, DagsterInstance, DagsterRun
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
        try:
            if REF in run.tags:
                yield from self._steps.execute(plan_context, execution_plan)
                return
            branch = "" if self._lands_on_main(run, execution_plan) else run_ref(run)
            # A run executed anew has its parent's tags: neither its branch nor what it published need be this one's.
            inherited = {name: "" for name in (BRANCH, PUBLISHED) if name in run.tags}
            plan_context.instance.add_run_tags(
                run.run_id, {**inherited, **({BRANCH: branch} if branch else {})}
            )
            if branch:
                yield from self._published(plan_context, execution_plan, branch)
            else:
                yield from self._steps.execute(plan_context, execution_plan)
        except (PublishRefused, MergeConflict) as error:
            # Whatever Dagster does by itself with runs that failed: this one needs someone's look.
            plan_context.instance.add_run_tags(run.run_id, {MAX_RETRIES_TAG: "0"})
            raise Failure(f"{error}\n  main is as it was, and the branch '{branch}' is kept") from error
        except LakekitError as error:
            raise Failure(str(error)) from error

    def _published(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan, branch: str
    ) -> Iterator[DagsterEvent]:
        is_own = self._open(plan_context, execution_plan, branch)
        while True:
            yield _told(plan_context, f"The run works on the branch '{branch}'.", branch=branch)
            # What is not executed again was looked at by the runs that this one goes on from.
            checks = {} if is_own else _said_before(plan_context.dagster_run, plan_context.instance)
            has_failed = False
            for event in self._steps.execute(plan_context, execution_plan):
                has_failed |= event.event_type is DagsterEventType.STEP_FAILURE
                checks |= _said(event)
                yield event
            if has_failed:
                yield _told(plan_context, f"The branch '{branch}' is kept; main is as it was.", branch=branch)
                return
            if _is_ended(plan_context):
                yield _told(
                    plan_context,
                    f"The run was ended meanwhile: the branch '{branch}' is kept, and main is as it was.",
                    branch=branch,
                )
                raise DagsterExecutionInterruptedError
            try:
                yield self._publish(plan_context, branch, checks)
            except MergeConflict as conflict:
                # What an earlier run built is not built again here: on a new base it would be missing.
                if not is_own:
                    raise
                is_own = False
                yield _told(
                    plan_context, f"{conflict} All is built again on what main is now.", branch=branch
                )
                with self._lake() as lake:
                    lake.delete_branch(branch)
                    lake.catalog.create_branch(branch, at=MAIN)
            except StackFailed as error:
                # No step has failed, so that there is none to go on from.
                again = {RETRY_STRATEGY_TAG: ReexecutionStrategy.ALL_STEPS.name}
                plan_context.instance.add_run_tags(plan_context.run_id, again)
                raise Failure(
                    f"{error}\n  what the run has built is on the branch '{branch}': publish that when all is well again "
                    f"(lakekit branch publish {branch}), or execute all of the run again"
                ) from error
            else:
                return

    def _open(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan, branch: str
    ) -> bool:
        """Let the run's branch be there; whether all that it is to hold is made by this run."""
        run, instance = plan_context.dagster_run, plan_context.instance
        if other := _at_work(run, branch, instance):
            raise UsageError(
                f"The run {other[:8]} is at work on the branch '{branch}'.",
                why="both were executed anew from the same run, and would publish each other's half-done work",
                todo="wait for it, or terminate it",
            )
        with self._lake() as lake:
            is_known = branch in {ref.name for ref in lake.catalog.refs()}
            if not _goes_on(run, execution_plan.step_keys_to_execute, instance):
                if is_known and run.parent_run_id:  # all is executed again, on what main is now
                    lake.delete_branch(branch)
                    is_known = False
            elif is_known:
                return False
            elif not (parent := instance.get_run_by_id(run.parent_run_id or "")) or not parent.is_success:
                raise UsageError(
                    f"The branch '{branch}' is gone, and with it what the earlier run built.",
                    why="it was swept or deleted, and this run executes only what was left to do",
                    todo="execute all of the run again",
                )
            if not is_known:
                lake.catalog.create_branch(branch, at=MAIN)
        return True

    def _publish(
        self, plan_context: PlanOrchestrationContext, branch: str, checks: Mapping[AssetCheckKey, bool]
    ) -> DagsterEvent:
        run, published, left = plan_context.dagster_run, None, ""
        try:
            with self._lake() as lake:
                work = lake.at(branch)
                changes = work.diff()
                if not (changes or checks or work.catalog.checks(branch).results):
                    lake.delete_branch(branch)
                    return _told(
                        plan_context, "The run changed nothing in the lake: there is nothing to publish."
                    )
                # Those of Python count, too; and all vouch for the branch as it is now: whatever the steps wrote, and in
                # whatever order, each check ran after the asset that it is of.
                work.catalog.record_checks(branch, _by_name(checks))
                published = work.publish(message=f"publish {branch} (Dagster run {run.run_id})")
                plan_context.instance.add_run_tags(run.run_id, {PUBLISHED: published.hash})
                lake.delete_branch(branch)
        except LakekitError as error:
            if published is None:
                raise
            left = f" What came after failed, and is left: {error}"  # a branch that is there yet is swept some day
        return _told(
            plan_context,
            f"Published: main is at {published.hash[:12]}.{left}",
            branch=branch,
            hash=published.hash,
            changes=_as_table(changes),
        )

    def _lands_on_main(self, run: DagsterRun, plan: ExecutionPlan) -> bool:
        """Whether it only lands; unless it goes on from a run that did more, whose branch has the rest."""
        if not _only_lands(plan):
            return False
        if run.parent_run_id is None:
            return True
        with self._lake() as lake:
            return run_ref(run) not in {ref.name for ref in lake.catalog.refs()}

    def _lake(self) -> Lake:
        return Lake.connect(self._project)


def _is_ended(plan_context: PlanOrchestrationContext) -> bool:
    """Whether someone has ended the run, or given it up, without its process having heard of it."""
    now = plan_context.instance.get_run_by_id(plan_context.run_id)
    return now is None or now.is_finished or now.status is DagsterRunStatus.CANCELING


def _only_lands(plan: ExecutionPlan) -> bool:
    steps = [plan.get_step_by_key(key) for key in plan.step_keys_to_execute]
    return all(LANDS in (step.tags or {}) for step in steps)


def _at_work(run: DagsterRun, branch: str, instance: DagsterInstance) -> str | None:
    """The run that was at work on a branch before this one began, if one is."""
    statuses = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    records = instance.get_run_records(RunsFilter(tags={BRANCH: branch}, statuses=statuses))
    began = {record.dagster_run.run_id: record.start_time or 0.0 for record in records}
    own = began.pop(run.run_id, inf), run.run_id
    return next((other for other, start in began.items() if (start, other) < own), None)


def _goes_on(run: DagsterRun, steps: Iterable[str], instance: DagsterInstance) -> bool:
    """Whether a run that executes some steps executes what is left of an earlier one, whose branch has the rest."""
    if run.root_run_id is None:
        return False
    root = instance.get_run_by_id(run.root_run_id)
    if root is None or root.execution_plan_snapshot_id is None:
        return True
    return set(steps) != set(_steps(root, instance)) or _selection(run) != _selection(root)


def _steps(run: DagsterRun, instance: DagsterInstance) -> Sequence[str]:
    """What a run was to execute, as far as that is known."""
    id_ = run.execution_plan_snapshot_id
    return instance.get_execution_plan_snapshot(id_).step_keys_to_execute if id_ else ()


def _selection(run: DagsterRun) -> tuple[object, object]:
    return run.asset_selection, run.asset_check_selection


def _said(event: DagsterEvent) -> dict[AssetCheckKey, bool]:
    """Whether a check was passed, where that is what an event tells."""
    if event.event_type is not DagsterEventType.ASSET_CHECK_EVALUATION:
        return {}
    said = event.asset_check_evaluation_data
    return {said.asset_check_key: said.passed or said.severity is AssetCheckSeverity.WARN}


def _said_before(run: DagsterRun, instance: DagsterInstance) -> dict[AssetCheckKey, bool]:
    """What checks said last in the runs that one goes on from: of those of Python, their logs alone tell."""
    parent = instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    if parent is None:
        return {}
    # One that executed all of it worked on a branch that was made anew.
    goes_on = _goes_on(parent, _steps(parent, instance), instance)
    found = _said_before(parent, instance) if goes_on else {}
    for entry in instance.all_logs(parent.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
        found |= _said(entry.get_dagster_event())
    return found


def _by_name(checks: Mapping[AssetCheckKey, bool]) -> dict[str, bool]:
    """Results as the lake records those of dbt: one that bears a name of several has passed where all have."""
    return {
        key.name: all(passed for other, passed in checks.items() if other.name == key.name) for key in checks
    }


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
