"""Airbyte's messages: the wrapping in which a connector sends its records."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CHECKPOINT: Final = 250
"""Records between two STATE messages, as many as the REST interface puts on a page."""

_encode = msgspec.json.Encoder().encode
_E = TypeVar("_E", bound=tuple[Any, ...])


def messages(
    stream: str,
    started: int,
    records: Iterable[dict[str, Any]],
    state: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterator[bytes]:
    """One stream's share of a sync, a line a message.

    ``started`` is in epoch milliseconds; ``state`` is told every record and answers with the stream's state after it.
    """
    descriptor = {"name": stream}
    ticks = count(started)

    def status(name: str) -> bytes:
        return line({"type": "TRACE", "trace": {
            "type": "STREAM_STATUS", "emitted_at": float(next(ticks)), "stream_status": {"stream_descriptor": descriptor, "status": name},
        }})  # fmt: skip

    def checkpoint(reached: dict[str, Any], since: int) -> bytes:
        return line({"type": "STATE", "state": {
            "type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": reached}, "sourceStats": {"recordCount": float(since)},
        }})  # fmt: skip

    yield log(f"Marking stream {stream} as STARTED")
    yield status("STARTED")
    since, total, reached = 0, 0, None
    for record in records:
        if total == 0:
            yield status("RUNNING")
        reached = state(record)
        since, total = since + 1, total + 1
        yield line(
            {"type": "RECORD", "record": {"stream": stream, "data": record, "emitted_at": next(ticks)}}
        )
        if since == CHECKPOINT:
            yield checkpoint(reached, since)
            since = 0
    if reached is not None:
        yield checkpoint(reached, since)
    yield log(f"Read {total} records from {stream} stream")
    yield status("COMPLETE")


def log(message: str) -> bytes:
    return line({"type": "LOG", "log": {"level": "INFO", "message": message}})


def in_order(groups: Iterable[tuple[int, Iterable[_E]]]) -> Iterator[_E]:
    """Sort entries whose order is only roughly known, holding few of them.

    Each group is (earliest, entries): no entry of this or a later group is smaller than ``(earliest,)``, and
    ``earliest`` never falls. What is held are the entries beyond it: of an order, the few that change weeks later.
    """
    held: list[_E] = []
    for earliest, entries in groups:
        while held and held[0][0] < earliest:
            yield heappop(held)
        for entry in entries:
            heappush(held, entry)
    while held:
        yield heappop(held)


def line(message: dict[str, Any]) -> bytes:
    """One message as a connector prints it."""
    return _encode(message) + b"\n"
