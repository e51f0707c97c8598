"""What Dagster is told of syncs: materializations of bronze."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dagster import AssetMaterialization, AssetRecordsFilter, MetadataValue

from ..keys import asset_key
from ..tables import of_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from dagster import DagsterInstance

    from ...catalog.protocol import TableId
    from ...lake import Lake
    from .syncs import Sync

JOB: Final = "airbyte/job_id"
_ENDED: Final = "airbyte/ended"

_KEPT_IN_MIND: Final = 1000
"""More materializations of one table than ticks that were killed can have stored."""

_SIZING_SECONDS: Final = 10.0
"""How long the lake is asked for sizes in one tick; the materializations after that go without."""


def materializations(
    syncs: Sequence[Sync],
    tables: Sequence[TableId],
    lake: Lake,
    held: Collection[TableId],
    instance: DagsterInstance,
    since: datetime | None,
) -> list[AssetMaterialization]:
    """One for each sync and each table of ``tables`` that it wrote to, unless ``instance`` has it already.

    It has, where Dagster was killed after it stored them and before it stored the sensor's cursor. ``since`` is when
    the first of these syncs may have ended, ``held`` is what the lake has.
    """
    told = _told(instance, tables, since)
    now: dict[str, Any] = {"lake/hash": lake.catalog.ref(lake.ref).hash}
    ends = time.monotonic() + _SIZING_SECONDS
    events = []
    for table in tables:
        written = [sync for sync in syncs if table in sync.tables]
        for sync in written:
            if (table, sync.job.job_id) in told:
                continue
            # What the table holds now is what its last sync left it at.
            last = sync is written[-1] and table in held and time.monotonic() < ends
            metadata = _of_job(sync) | now | (of_table(lake, table) if last else {})
            events.append(
                AssetMaterialization(
                    asset_key(table),
                    description=f"Synced by Airbyte's '{sync.connection.name}'",
                    metadata=metadata,
                )
            )
    return events


def _told(
    instance: DagsterInstance, tables: Sequence[TableId], since: datetime | None
) -> set[tuple[TableId, int]]:
    """The tables and jobs that were materialized already, looked for where the newest was no older than ``since``."""
    named = {asset_key(table): table for table in tables}
    found = set()
    for record in instance.get_asset_records(list(named)):
        key, last = record.asset_entry.asset_key, record.asset_entry.last_materialization
        ended = _value(last.asset_materialization if last else None, _ENDED)
        if ended is not None and (since is None or ended >= since.timestamp()):
            stored = instance.fetch_materializations(AssetRecordsFilter(asset_key=key), limit=_KEPT_IN_MIND)
            found |= {(named[key], _value(one.asset_materialization, JOB)) for one in stored.records}
    return found


def _value(event: AssetMaterialization | None, name: str) -> Any:
    told = event.metadata.get(name) if event else None
    return told.value if told else None


def _of_job(sync: Sync) -> dict[str, Any]:
    """What Airbyte says of a job. Its numbers are of all streams together: it does not say more."""
    job = sync.job
    told: Mapping[str, Any] = {
        JOB: job.job_id,
        "airbyte/connection": sync.connection.name,
        _ENDED: MetadataValue.timestamp(job.ended),
        "airbyte/rows_synced": job.rows_synced,
        "airbyte/bytes_synced": job.bytes_synced,
    }
    return {name: value for name, value in told.items() if value is not None}
