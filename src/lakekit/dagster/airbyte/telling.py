"""What Dagster is told of syncs: materializations of bronze."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dagster import AssetMaterialization, MetadataValue

from ..keys import asset_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dagster import DagsterInstance

    from ...catalog.protocol import TableId
    from ...lake import Lake
    from .syncs import Sync

JOB: Final = "airbyte/job_id"

_SIZING_SECONDS: Final = 10.0
"""How long the lake is asked for sizes in one tick; the materializations after that go without."""


def materializations(
    syncs: Sequence[Sync], tables: Sequence[TableId], lake: Lake, instance: DagsterInstance
) -> list[AssetMaterialization]:
    """One for each sync and each table of ``tables`` that it wrote to, unless ``instance`` has it already.

    It has, where Dagster was killed after it stored them and before it stored the sensor's cursor.
    """
    told = _last_jobs(instance, tables)
    now: dict[str, Any] = {"lake/hash": lake.catalog.ref(lake.ref).hash}
    ends = time.monotonic() + _SIZING_SECONDS
    events = []
    for table in tables:
        written = [sync for sync in syncs if table in sync.tables]
        at = next((at for at, sync in enumerate(written, 1) if sync.job.job_id == told.get(table)), 0)
        for sync in written[at:]:
            # What the table holds now is what its last sync left it at.
            last = sync is written[-1] and time.monotonic() < ends
            metadata = _of_job(sync) | now | (_of_table(lake, table) if last else {})
            events.append(
                AssetMaterialization(
                    asset_key(table), description=f"Synced by Airbyte's '{sync.connection.name}'", metadata=metadata
                )
            )
    return events


def _last_jobs(instance: DagsterInstance, tables: Sequence[TableId]) -> dict[TableId, int]:
    """The job that each table's newest materialization tells of, where it is one of these."""
    named = {asset_key(table): table for table in tables}
    found = {}
    for record in instance.get_asset_records(list(named)):
        last = record.asset_entry.last_materialization
        told = last.asset_materialization.metadata.get(JOB) if last and last.asset_materialization else None
        if told is not None and isinstance(told.value, int):
            found[named[record.asset_entry.asset_key]] = told.value
    return found


def _of_job(sync: Sync) -> dict[str, Any]:
    """What Airbyte says of a job. Its numbers are of all streams together: it does not say more."""
    job = sync.job
    told: Mapping[str, Any] = {
        JOB: job.job_id,
        "airbyte/connection": sync.connection.name,
        "airbyte/ended": MetadataValue.timestamp(job.ended),
        "airbyte/rows_synced": job.rows_synced,
        "airbyte/bytes_synced": job.bytes_synced,
    }
    return {name: value for name, value in told.items() if value is not None}


def _of_table(lake: Lake, table: TableId) -> dict[str, Any]:
    size = lake.size(str(table))
    if size is None:
        return {}
    rows = {} if size.rows is None else {"dagster/row_count": size.rows}
    return {**rows, "lake/bytes": size.bytes}
