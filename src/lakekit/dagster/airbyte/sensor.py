"""A sensor of the syncs of a self-managed Airbyte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dagster import (
    AssetSelection,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    sensor,
)

from ...errors import SettingsError
from ...lake import Lake
from ...settings import Settings
from ..keys import asset_key
from .cursor import Cursor
from .requests import downstream, never_built, run_requests
from .syncs import begin, news
from .telling import materializations

if TYPE_CHECKING:
    from datetime import datetime

    from dagster import AssetKey

    from ...catalog.protocol import TableId
    from .syncs import News, Sync


def airbyte_sensor(
    project: Path | str,
    *,
    name: str = "airbyte_sensor",
    target: AssetSelection | None = None,
    minimum_interval_seconds: int = 1,
    default_status: DefaultSensorStatus = DefaultSensorStatus.RUNNING,
) -> SensorDefinition:
    """React to what Airbyte has synced, whoever started it.

    Each sync that succeeded becomes a materialization of the bronze tables that it wrote to, and asks for a run of
    all that reads them, of the assets in ``target`` (default: all), and of nothing else but models that those need and
    the lake does not have yet. What had synced before the
    sensor first ran is not told; from then on nothing is told twice or passed over, however long Dagster was down.

    Where Airbyte is, the project's settings say (``airbyte.url``, and LAKEKIT_AIRBYTE__CLIENT_ID and _CLIENT_SECRET
    in the environment); ``project`` is a file or folder of it (``__file__``). While Airbyte or the lake does not answer,
    ticks fail with what to do, and the next one that succeeds catches up. A tick that finds nothing costs two requests:
    it may come as often as Dagster's daemon looks, which is every five seconds.
    """
    models = target or AssetSelection.all()

    @sensor(
        name=name,
        asset_selection=models,
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description="Syncs of Airbyte that have succeeded: bronze is materialized, and what reads it is run.",
    )
    def react(context: SensorEvaluationContext) -> SensorResult:
        from .api import Airbyte  # what it speaks HTTP by is not to be loaded with every project

        settings = Settings.load(Path(project))
        if not settings.airbyte.url:
            raise SettingsError(
                "The project has no Airbyte.",
                why="airbyte.url is not set",
                todo="set it (LAKEKIT_AIRBYTE__URL), or let connectors land bronze: lakekit.dagster.landing_assets",
            )
        with Airbyte(settings.airbyte) as airbyte:
            if not context.cursor:
                return SensorResult(
                    cursor=str(begin(airbyte)),
                    skip_reason=f"Airbyte at {settings.airbyte.url} is watched from now on.",
                )
            cursor = Cursor.parse(context.cursor)
            found = news(airbyte, cursor)
        return _result(context, settings, cursor.since, found, models)

    return react


def _result(
    context: SensorEvaluationContext,
    settings: Settings,
    since: datetime | None,
    found: News,
    models: AssetSelection,
) -> SensorResult:
    assert context.repository_def is not None
    graph = context.repository_def.asset_graph
    synced = {table: sync.connection.name for sync in found.syncs for table in sync.tables}
    read = [table for table in sorted(synced) if graph.has(asset_key(table))]
    remarks = found.remarks + [
        f"Airbyte's '{synced[table]}' lands {table}, which no dbt source names: add it to a source's tables, "
        "or leave the stream out of the connection."
        for table in sorted(synced.keys() - set(read))
    ]
    for remark in remarks:
        context.log.warning(remark)
    if not read:
        return SensorResult(cursor=str(found.cursor), skip_reason=" ".join(remarks) or "Nothing has synced.")
    with Lake.over(settings) as lake:
        held = lake.catalog.entries(lake.ref)
        events = materializations(found.syncs, read, lake, held, context.instance, since)
    have = set(map(asset_key, held))
    below: dict[tuple[TableId, ...], frozenset[AssetKey]] = {}

    def models_of(sync: Sync) -> frozenset[AssetKey]:
        if sync.tables not in below:
            found = downstream(graph, map(asset_key, sync.tables), models)
            below[sync.tables] = found | never_built(graph, found, have, models)
        return below[sync.tables]

    requests = run_requests(found.syncs, models_of)
    return SensorResult(
        run_requests=requests,
        asset_events=events,
        cursor=str(found.cursor),
        skip_reason=None if requests else " ".join([*remarks, "No model reads what has synced."]),
    )
