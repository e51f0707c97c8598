"""Taking back what a run has published."""

# Dagster looks at annotations itself: here they are no texts.
from pathlib import Path

from dagster import Config, JobDefinition, OpExecutionContext, in_process_executor, job, op

from ..lake import Lake


class Retraction(Config):
    """Which commit: the hash that a published run's tag ``lake/published`` holds, or how it begins."""

    hash: str


def retracting(project: Path | str) -> JobDefinition:
    """A job for ``Definitions(jobs=…)`` that puts main back to what it was before one commit.

    It fails, and changes nothing, where one of the commit's tables has changed since.
    """

    @op(name="retract_commit")
    def retract_op(context: OpExecutionContext, config: Retraction) -> None:
        with Lake.connect(Path(project)) as lake:
            now = lake.retract(config.hash)
            tables = [str(table) for table in lake.catalog.log(now.hash, 1)[0].tables]
        context.add_output_metadata({"retracted": config.hash, "hash": now.hash, "tables": tables})

    @job(
        name="retract",
        description="Put main back to what it was before one commit.",
        executor_def=in_process_executor,
    )
    def retract() -> None:
        retract_op()

    return retract
