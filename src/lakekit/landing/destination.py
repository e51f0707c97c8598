"""The landing: messages in, rows durable, and only then STATE out. Source: the Airbyte protocol."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from ..catalog.protocol import TableId
from ..errors import LandingFailed
from .columns import Fields, arrow_schema, arrow_type, infer
from .record import record_row
from .table import commit, find, prepare, state_of
from .versions import is_tombstone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyiceberg.catalog import Catalog

    from .configured import ConfiguredCatalog, Stream
    from .versions import Row

ROWS_A_FLUSH: Final = 20_000
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_PROGRESS_EVERY: Final = 1_000


class _Record(msgspec.Struct):
    stream: str
    data: msgspec.Raw
    emitted_at: int


class _Message(msgspec.Struct):
    type: str
    record: _Record | None = None
    state: dict[str, Any] | None = None
    trace: dict[str, Any] | None = None


@dataclass(slots=True)
class StreamReport:
    """What became of a stream's records; ``unchanged`` were repeats or older than what was held."""

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
    """What a landing did, by stream, and how many messages were of no known type."""

    streams: dict[str, StreamReport] = field(default_factory=dict)
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How many records of a stream have come in."""

    stream: str
    records: int


def land(
    iceberg: Catalog,
    source: str,
    configured: ConfiguredCatalog,
    messages: Iterable[bytes | str | Mapping[str, Any]],
    *,
    echo: Callable[[bytes], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    rows_a_flush: int = ROWS_A_FLUSH,
) -> LandingReport:
    """Write a sync's records to ``<source>.<stream>`` tables.

    ``echo`` gets each STATE message, as it came, once all before it is durable; the state is in the same
    Iceberg commit as the rows. Raises ``LandingFailed`` for a message that cannot be landed: what was echoed
    before is durable then, and landing the same messages again ends in the same tables.
    """
    landing = _Landing(iceberg, source, configured, echo or (lambda _: None), rows_a_flush)
    for number, message in enumerate(messages, 1):
        stream = landing.take(number, message)
        if progress and stream and stream.report.received % _PROGRESS_EVERY == 0:
            progress(Progress(stream.configured.name, stream.report.received))
    landing.flush()
    return landing.report


def load(
    iceberg: Catalog,
    table: TableId,
    rows: Iterable[Mapping[str, Any]],
    *,
    key: Sequence[str],
    cursor: str | None,
) -> StreamReport:
    """Write Python rows to one table by append_dedup, typed by the table or else by their own values."""
    given = [dict(row) for row in rows]
    names = {name: value for row in given for name, value in row.items() if value is not None}
    held = find(iceberg, table)
    known = held.schema().as_arrow() if held else None
    types = {name: _held_type(known, name) or infer(value) for name, value in names.items()}
    report = StreamReport(str(table))
    now = time.time_ns() // 1_000_000
    fields = Fields(types)
    made = [record_row(f"row {i}", _encode(row), fields, key, now, 0, 0) for i, row in enumerate(given, 1)]
    prepare(iceberg, table, _schema(types))
    report.received = len(made)
    report.inserted, report.updated = commit(iceberg, table, made, key, cursor, "")
    return report


def read_states(iceberg: Catalog, source: str, configured: ConfiguredCatalog) -> list[dict[str, Any]]:
    """The states that bronze holds, as a connector takes them with ``--state``."""
    tables = [find(iceberg, TableId(source, name.lower())) for name in configured.streams]
    states = [state for table in tables if table and (state := state_of(table))]
    return [json.loads(state) for state in dict.fromkeys(states)]


class _Stream:
    def __init__(self, configured: Stream, table: TableId) -> None:
        self.configured = configured
        self.table = table
        self.report = StreamReport(str(table))
        self.fields = Fields({name: arrow_type(of) for name, of in configured.properties.items()})
        self.rows: list[Row] = []
        self.state = ""


class _Landing:
    def __init__(
        self,
        iceberg: Catalog,
        source: str,
        configured: ConfiguredCatalog,
        echo: Callable[[bytes], None],
        rows_a_flush: int,
    ) -> None:
        self.report = LandingReport()
        self._iceberg, self._source, self._configured = iceberg, source, configured
        self._echo, self._rows_a_flush = echo, rows_a_flush
        self._decoder = msgspec.json.Decoder(_Message)
        self._streams: dict[str, _Stream] = {}
        self._unechoed: list[bytes] = []
        self._buffered = 0

    def take(self, number: int, message: bytes | str | Mapping[str, Any]) -> _Stream | None:
        """Take in one message; returns the stream that it was a record of."""
        text = message if isinstance(message, bytes | str) else _encode(message)
        raw = text.encode() if isinstance(text, str) else text
        if not raw.strip():
            return None
        try:
            parsed = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LandingFailed(
                f"Message {number} is not an Airbyte message.",
                why=f"{error}: {raw[:80]!r}",
                todo="mend the source and land again; what was echoed is durable",
            ) from error
        match parsed:
            case _Message(type="RECORD", record=_Record() as record):
                return self._take_record(number, record)
            case _Message(type="STATE", state=dict() as state):
                self._take_state(number, raw.strip(), state)
            case _Message(type="TRACE", trace={"type": "ERROR", "error": error}):
                raise LandingFailed("The connector failed.", why=str(error.get("message")), todo="land again")
            case _Message(type="RECORD" | "STATE" as kind):
                raise LandingFailed(
                    f"Message {number} is a {kind} without a {kind.lower()}.",
                    why=repr(raw[:80]),
                    todo="mend the source and land again; what was echoed is durable",
                )
            case _Message(type="LOG" | "TRACE" | "CONTROL"):
                pass
            case _:
                self.report.ignored += 1
        return None

    def flush(self) -> None:
        """Make everything durable, then echo the states that it stands for."""
        for stream in self._streams.values():
            if stream.rows or stream.state:
                key = stream.configured.key if stream.configured.mode == "append_dedup" else ()
                inserted, updated = commit(
                    self._iceberg, stream.table, stream.rows, key, stream.configured.cursor, stream.state
                )
                stream.report.inserted += inserted
                stream.report.updated += updated
                stream.rows, stream.state = [], ""
        for state in self._unechoed:
            self._echo(state)
        self._unechoed, self._buffered = [], 0

    def _take_record(self, number: int, record: _Record) -> _Stream:
        stream = self._stream(number, record.stream)
        configured = stream.configured
        row = record_row(
            f"message {number} ({configured.name})",
            record.data,
            stream.fields,
            configured.key,
            record.emitted_at,
            configured.sync_id,
            configured.generation_id,
        )
        stream.rows.append(row)
        stream.report.received += 1
        stream.report.tombstones += is_tombstone(row, configured.cursor)
        self._buffered += 1
        return stream

    def _take_state(self, number: int, raw: bytes, state: dict[str, Any]) -> None:
        self._unechoed.append(raw)
        text = json.dumps(state, separators=(",", ":"))
        # A GLOBAL or LEGACY state speaks for every stream of the source.
        stream = state.get("stream")
        speaks_for = [stream["stream_descriptor"]["name"]] if stream else list(self._configured.streams)
        for name in speaks_for:
            self._stream(number, name).state = text
        if self._buffered >= self._rows_a_flush:
            self.flush()

    def _stream(self, number: int, name: str) -> _Stream:
        if name not in self._streams:
            if name not in self._configured.streams:
                raise LandingFailed(
                    f"Message {number} speaks of '{name}', which is not in the configured catalog.",
                    todo=f"its streams are: {', '.join(sorted(self._configured.streams))}",
                )
            configured, id_ = self._configured.streams[name], TableId(self._source, name.lower())
            if configured.minimum_generation_id and find(self._iceberg, id_):
                raise LandingFailed(
                    f"'{name}' is to be refreshed, and {id_} has rows already.",
                    why=f"its minimum_generation_id is {configured.minimum_generation_id}",
                    todo=f"drop {id_} and land everything again",
                )
            prepare(self._iceberg, id_, arrow_schema(configured.properties))
            self._streams[name] = _Stream(configured, id_)
            self.report.streams[name] = self._streams[name].report
        return self._streams[name]


def _schema(types: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema([*(pa.field(name, of) for name, of in types.items()), *arrow_schema({})])


def _held_type(schema: pa.Schema | None, name: str) -> pa.DataType | None:
    if schema is None or name not in schema.names:
        return None
    held = schema.field(name).type
    return pa.string() if pa.types.is_large_string(held) else held
