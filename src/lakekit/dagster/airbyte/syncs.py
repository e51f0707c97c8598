"""The syncs that a tick has to tell of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from .cursor import LOOK_BACK, Cursor
from .tables import tables_of

if TYPE_CHECKING:
    from ...catalog.protocol import TableId
    from .api import Airbyte, Connection, Job

A_TICK: Final = 300
"""At most so many syncs are told in one tick, for Dagster bounds its time; the next goes on from there."""

_WRITES: Final = ("sync", "refresh")
"""Jobs that bring rows. The others empty tables: no model is to be built on that unasked."""


@dataclass(frozen=True, slots=True)
class Sync:
    """A job that has succeeded, and the tables of the lake that it wrote to."""

    job: Job
    connection: Connection
    tables: tuple[TableId, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What has synced since a cursor, in the order it ended, and the cursor after it."""

    syncs: list[Sync]
    cursor: Cursor
    remarks: list[str]


def begin(airbyte: Airbyte) -> Cursor:
    """Where a sensor begins that has no cursor yet: what has succeeded by now is not told."""
    jobs: list[Job] = []
    for job in airbyte.newest():
        if jobs and job.ended < jobs[0].ended - LOOK_BACK:
            break
        jobs.append(job)
    return Cursor().after(jobs)


def news(airbyte: Airbyte, cursor: Cursor) -> News:
    """What has synced since ``cursor``; one request if nothing has."""
    listed = (
        job for job in airbyte.succeeded(cursor.since) if job.status == "succeeded" and cursor.is_news(job)
    )
    jobs = list(islice(listed, A_TICK))
    syncs, remarks = _syncs(airbyte, jobs) if jobs else ([], [])
    return News(syncs, cursor.after(jobs), remarks)


def _syncs(airbyte: Airbyte, jobs: list[Job]) -> tuple[list[Sync], list[str]]:
    syncs, remarks = [], []
    connections, destinations = airbyte.connections(), airbyte.destinations()
    for job in jobs:
        connection = connections.get(job.connection_id)
        destination = destinations.get(connection.destination_id) if connection else None
        if not connection or not destination:
            remarks.append(
                f"Job {job.job_id} has succeeded, but its connection ({job.connection_id}) or that one's destination "
                "is no more: nothing tells which tables it wrote to."
            )
        elif job.job_type not in _WRITES:
            remarks.append(
                f"Job {job.job_id} of '{connection.name}' was a {job.job_type}: nothing is built on it."
            )
        elif tables := tables_of(connection, destination):
            syncs.append(Sync(job, connection, tuple(tables)))
    return syncs, remarks
