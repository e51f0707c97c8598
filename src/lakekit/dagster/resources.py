"""The lake as Dagster's resources, at the ref of the run that asks."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource
from dagster_dbt.asset_utils import get_manifest_and_translator_from_dbt_assets

from ..errors import RefExists, UsageError
from ..lake import Lake
from ..naming import MAIN
from .building import build
from .refs import REF, run_ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from dagster import (
        AssetCheckResult,
        AssetExecutionContext,
        DagsterRun,
        MaterializeResult,
        OpExecutionContext,
    )

    from ..catalog.protocol import Commit, Ref


class LakeResource(ConfigurableResource[Any]):
    """The lake of the project that the file or folder ``project`` lies in (``__file__``).

    ``at_run`` is the lake where the run works, ``connect`` the lake at main.
    """

    project: str

    @contextmanager
    def connect(self) -> Iterator[Lake]:
        """The lake at main; raises what ``Lake.connect`` does."""
        with Lake.connect(Path(self.project)) as lake:
            yield lake

    @contextmanager
    def at_run(self, context: AssetExecutionContext | OpExecutionContext) -> Iterator[Lake]:
        """The lake at the run's ref; a branch that is not there yet is made."""
        with self.connect() as lake:
            yield at_run(lake, context.run)

    def build(
        self, context: AssetExecutionContext, *, full_refresh: bool = False
    ) -> Iterator[MaterializeResult[Any] | AssetCheckResult]:
        """The body of ``@dbt_assets``: build and check, at the run's ref, what the step is to.

        ``yield from lake.build(context)``. Raises ``Failure`` where a model failed.
        """
        manifest, _, _ = get_manifest_and_translator_from_dbt_assets([context.assets_def])
        with self.at_run(context) as lake:
            yield from build(context, lake, manifest, full_refresh=full_refresh)


def at_run(lake: Lake, run: DagsterRun) -> Lake:
    """The lake at a run's ref. Whichever of its processes comes first makes the branch, off main."""
    ref = run_ref(run)
    if REF not in run.tags and ref not in {known.name for known in lake.catalog.refs()}:
        with suppress(RefExists):
            lake.catalog.create_branch(ref, at=MAIN)
    return lake.at(ref)


class TrinoResource(ConfigurableResource[Any]):
    """Trino at the run's ref, for what is asked in SQL alone."""

    lake: LakeResource

    @contextmanager
    def connect(self, context: AssetExecutionContext | OpExecutionContext) -> Iterator[Any]:
        """A DB-API connection of the Trino client, whose catalog is the run's ref.

        Raises ``UsageError`` where the project's engine is another, and ``StackFailed``.
        """
        with self.lake.at_run(context) as lake:
            from ..engine.trino import TrinoEngine

            if not isinstance(lake.engine, TrinoEngine):
                raise UsageError(
                    "TrinoResource needs the engine trino.",
                    why=f"the project's is {lake.settings.engine}",
                    todo='set engine = "trino" in lakekit.toml, or ask the LakeResource: it answers on either engine',
                )
            connection = lake.engine.connection(lake.ref)
            try:
                yield connection
            finally:
                connection.close()  # type: ignore[no-untyped-call]

    def query(self, context: AssetExecutionContext | OpExecutionContext, sql: str) -> pa.Table:
        """The rows of one statement at the run's ref, on whichever engine the project has."""
        with self.lake.at_run(context) as lake:
            return lake.sql(sql).arrow()


class NessieResource(ConfigurableResource[Any]):
    """The catalog's refs and their history: Nessie's, or the embedded engine's own, which answers alike."""

    lake: LakeResource

    def refs(self) -> list[Ref]:
        """Every branch and tag, main first."""
        with self.lake.connect() as lake:
            return lake.catalog.refs()

    def ref(self, context: AssetExecutionContext | OpExecutionContext) -> Ref:
        """The run's ref, and the hash that it is at."""
        with self.lake.at_run(context) as lake:
            return lake.catalog.ref(lake.ref)

    def log(self, ref: str = MAIN, limit: int = 50) -> list[Commit]:
        """A ref's newest commits, newest first."""
        with self.lake.connect() as lake:
            return lake.catalog.log(ref, limit)
