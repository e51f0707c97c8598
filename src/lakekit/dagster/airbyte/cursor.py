"""How far the sensor has come: nothing twice, nothing passed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

import msgspec

from ...errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .api import Job

LOOK_BACK: Final = timedelta(minutes=10)
"""How much later than another's a job's end may become visible: servers' clocks differ, and commits take time."""


class Cursor(msgspec.Struct, frozen=True):
    """The end of the newest job that was told, by Airbyte's own clock, and the jobs told of the look-back before it.

    Only jobs that have succeeded are told, and Airbyte is asked for them by the time they ended: a job that waits,
    runs or is tried again, for however long, needs no place here.
    """

    to: int = 0
    """In seconds since 1970; 0 if no job had succeeded yet."""
    told: dict[int, int] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote; raises ``UsageError``."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            raise UsageError(
                "The sensor's cursor cannot be read.",
                why=str(error),
                todo="reset it in Dagster (Automation, the sensor, Reset cursor): it starts from the newest sync then",
            ) from error

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    @property
    def since(self) -> datetime | None:
        """From when on Airbyte is to be asked; None for all that there is."""
        return datetime.fromtimestamp(self.to, UTC) - LOOK_BACK if self.to else None

    def is_news(self, job: Job) -> bool:
        """Whether a job has not been told yet."""
        return job.job_id not in self.told

    def after(self, jobs: Iterable[Job]) -> Self:
        """The cursor once these jobs are told, too."""
        told = self.told | {job.job_id: int(job.ended.timestamp()) for job in jobs}
        to = max([self.to, *told.values()])
        kept = to - LOOK_BACK.total_seconds()
        return type(self)(to, {id_: ended for id_, ended in told.items() if ended >= kept})
