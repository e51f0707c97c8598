"""Running assets in a test as they run in production, with the executor that publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import AssetSelection, DagsterInstance, Definitions
    from dagster._core.execution.execution_result import ExecutionResult


def run_assets(
    definitions: Definitions,
    selection: AssetSelection | None = None,
    *,
    instance: DagsterInstance,
    tags: Mapping[str, str] | None = None,
) -> ExecutionResult:
    """Execute assets, all or some, in this process by the definitions' own executor.

    ``materialize`` and ``execute_in_process`` leave that out, and so never publish.
    """
    job = definitions.resolve_implicit_global_asset_job_def()
    if selection is not None:
        job = job.get_subset(asset_selection=selection.resolve(job.asset_layer.asset_graph))
    run = instance.create_run_for_job(job, tags=tags, asset_selection=job.asset_selection)
    return execute_run(InMemoryJob(job), run, instance, raise_on_error=False)
