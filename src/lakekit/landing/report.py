"""What a landing tells of itself, while it goes on and when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class StreamReport:
    """What became of a stream's records; ``unchanged`` were repeats or older than what was held.

    Of a landing that failed, ``received`` counts only what was written: the rest is as if it had never come.
    """

    table: str
    received: int = 0
    inserted: int = 0
    updated: int = 0
    tombstones: int = 0

    @property
    def unchanged(self) -> int:
        return self.received - self.inserted - self.updated


@dataclass(slots=True)
class LandingReport:
    """What a landing did, by stream, and how many messages were of no known type.

    ``complete`` are the streams that the connector said it had read to their end, and that are written to it; ``failed``
    those that it could not read, each with its words.
    """

    streams: dict[str, StreamReport] = field(default_factory=dict)
    ignored: int = 0
    complete: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many records of a stream have come in."""

    stream: str
    records: int
