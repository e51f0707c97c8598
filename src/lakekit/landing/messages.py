"""What a connector says, as far as the landing reads it. Source: the Airbyte protocol."""

from __future__ import annotations

import msgspec


class Descriptor(msgspec.Struct):
    name: str


class Record(msgspec.Struct):
    stream: str
    data: msgspec.Raw
    emitted_at: int


class StreamState(msgspec.Struct):
    stream_descriptor: Descriptor


class GlobalState(msgspec.Struct):
    stream_states: list[StreamState] | None = None


class State(msgspec.Struct):
    """Of one stream; or, where ``stream`` is None, of all of them."""

    type: str | None = None
    stream: StreamState | None = None
    of_all: GlobalState | None = msgspec.field(name="global", default=None)


class ErrorTrace(msgspec.Struct):
    """What went wrong; ``stream_descriptor`` is None where it is no one stream's failure."""

    message: str | None = None
    stream_descriptor: Descriptor | None = None


class StreamStatus(msgspec.Struct):
    stream_descriptor: Descriptor
    status: str


class Trace(msgspec.Struct):
    type: str
    error: ErrorTrace | None = None
    stream_status: StreamStatus | None = None


class Message(msgspec.Struct):
    """``state`` is kept as it came: it goes back to the connector with all that is in it."""

    type: str
    record: Record | None = None
    state: msgspec.Raw = msgspec.Raw()
    trace: Trace | None = None


def complaint(message: Message) -> ErrorTrace | None:
    """The failure that a message tells of, if it does."""
    if message.type != "TRACE" or message.trace is None or message.trace.type != "ERROR":
        return None
    return message.trace.error or ErrorTrace()
