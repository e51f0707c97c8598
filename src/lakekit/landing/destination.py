"""The landing: messages in, rows durable, and only then STATE out. Source: the Airbyte protocol."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from ..catalog.protocol import TableId
from ..errors import LandingFailed
from .columns import Fields, arrow_schema, arrow_type, infer
from .messages import ErrorTrace, Message, Record, State, StreamStatus, Trace, complaint
from .record import record_row
from .report import LandingReport, Progress, StreamReport
from .table import commit, find, prepare
from .versions import Order, is_tombstone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyiceberg.catalog import Catalog

    from .configured import ConfiguredCatalog, Stream
    from .versions import Row

ROWS_A_FLUSH: Final = 20_000
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_PROGRESS_EVERY: Final = 1_000
_WITHOUT_STATE: Final = 2
"""How many times the rows of a flush are kept waiting for a STATE, so that it goes into one commit with them."""


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
    Iceberg commit as the rows. Raises ``LandingFailed`` for a message that cannot be landed, and where the connector
    fails; of one stream that it cannot read, once all others are landed. What a STATE vouches for is durable then, and
    landing the same messages again ends in the same tables.
    """
    landing = _Landing(iceberg, source, configured, echo or (lambda _: None), rows_a_flush)
    try:
        for number, message in enumerate(messages, 1):
            stream = landing.take(number, message)
            if progress and stream and stream.report.received % _PROGRESS_EVERY == 0:
                progress(Progress(stream.configured.name, stream.report.received))
        landing.flush(at_end=True)
    except LandingFailed as error:
        landing.flush()
        error.report = landing.ended()
        if landing.report.failed:
            raise _streams_failed(landing.report, error) from error
        raise
    if landing.ended().failed:
        raise _streams_failed(landing.report)
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


class _Stream:
    def __init__(self, configured: Stream, table: TableId, schema: pa.Schema) -> None:
        self.configured = configured
        self.key = configured.key if configured.mode == "append_dedup" else ()
        self.table = table
        self.report = StreamReport(str(table))
        self.fields = Fields({name: arrow_type(of) for name, of in configured.properties.items()})
        self.order = Order.of(configured.cursor, schema)
        self.rows: list[Row] = []
        self.vouched = 0
        """How many of the rows came before the last STATE."""
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
        self._decoder = msgspec.json.Decoder(Message)
        self._state_decoder = msgspec.json.Decoder(State)
        self._streams: dict[str, _Stream] = {}
        self._unechoed: list[bytes] = []
        self._ready = 0

    def take(self, number: int, message: bytes | str | Mapping[str, Any]) -> _Stream | None:
        """Take in one message; returns the stream that it was a record of."""
        text = message if isinstance(message, bytes | str) else _encode(message)
        raw = text.encode() if isinstance(text, str) else text
        if not raw.strip():
            return None
        try:
            parsed = self._decoder.decode(raw)
            state = self._state_decoder.decode(parsed.state) if parsed.state else None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _refused(
                f"Message {number} is not an Airbyte message.", f"{error}: {raw[:80]!r}"
            ) from error
        match parsed:
            case Message(type="RECORD", record=Record() as record):
                return self._take_record(number, record)
            case Message(type="STATE") if state:
                text = msgspec.json.format(bytes(parsed.state), indent=-1).decode()
                self._take_state(number, raw.strip(), state, text)
            case Message(type="RECORD" | "STATE" as kind):
                raise _refused(f"Message {number} is a {kind} without a {kind.lower()}.", repr(raw[:80]))
            case Message(type="TRACE") if failure := complaint(parsed):
                self._take_error(failure)
            case Message(type="TRACE", trace=Trace(stream_status=StreamStatus(status="COMPLETE") as told)):
                self.report.complete.add(told.stream_descriptor.name)
            case Message(type="LOG" | "TRACE" | "CONTROL"):
                pass
            case _:
                self.report.ignored += 1
        return None

    def flush(self, *, at_end: bool = False) -> None:
        """Make durable what can be, and echo the states that stand for it.

        Rows that are told apart by a key can be at any time: that they come again changes nothing. Rows that are appended
        can be once a STATE has come after them, or once the connector is done: they would be doubled.
        """
        for name, stream in self._streams.items():
            whole = stream.key or (at_end and name not in self.report.failed)
            end = len(stream.rows) if whole else stream.vouched
            if end or stream.state:
                inserted, updated = commit(
                    self._iceberg,
                    stream.table,
                    stream.rows[:end],
                    stream.key,
                    stream.configured.cursor,
                    stream.state,
                )
                stream.report.inserted += inserted
                stream.report.updated += updated
                stream.rows, stream.vouched, stream.state = stream.rows[end:], 0, ""
        for state in self._unechoed:
            self._echo(state)
        self._unechoed, self._ready = [], 0

    def ended(self) -> LandingReport:
        """The report, without the rows that were not written."""
        for name, stream in self._streams.items():
            if stream.rows:
                self.report.complete.discard(name)
            marks = sum(is_tombstone(row, stream.order) for row in stream.rows)
            stream.report.received -= len(stream.rows)
            stream.report.tombstones -= marks
            stream.rows = []
        return self.report

    def _take_record(self, number: int, record: Record) -> _Stream:
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
        stream.report.tombstones += is_tombstone(row, stream.order)
        self._ready += bool(stream.key)
        if self._ready >= _WITHOUT_STATE * self._rows_a_flush:
            self.flush()
        return stream

    def _take_state(self, number: int, raw: bytes, state: State, text: str) -> None:
        if state.type == "STREAM" and not state.stream:
            raise _refused(f"Message {number} is a STATE of a stream, and names none.", repr(raw[:80]))
        # A GLOBAL or LEGACY state speaks for every stream of the source.
        names = [state.stream.stream_descriptor.name] if state.stream else list(self._configured.streams)
        for stream in [self._stream(number, name) for name in names]:
            self._ready += 0 if stream.key else len(stream.rows) - stream.vouched
            stream.state, stream.vouched = text, len(stream.rows)
        self._unechoed.append(raw)
        if self._ready >= self._rows_a_flush:
            self.flush()

    def _take_error(self, error: ErrorTrace) -> None:
        """A stream that cannot be read is remembered, since the connector goes on with the next; all else is the end."""
        why = error.message or "it does not say why"
        if error.stream_descriptor is None:
            raise LandingFailed("The connector failed.", why=why, todo="land again")
        self.report.failed.setdefault(error.stream_descriptor.name, why)

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
            schema = arrow_schema(configured.properties)
            prepare(self._iceberg, id_, schema)
            self._streams[name] = _Stream(configured, id_, schema)
            self.report.streams[name] = self._streams[name].report
        return self._streams[name]


def _refused(what: str, why: str) -> LandingFailed:
    return LandingFailed(what, why=why, todo="mend the source and land again; what was echoed is durable")


def _streams_failed(report: LandingReport, besides: LandingFailed | None = None) -> LandingFailed:
    words = [f"{name}: {why}" for name, why in report.failed.items()]
    if besides:
        words += [besides.what, besides.why]
    error = LandingFailed(
        f"The connector could not read {', '.join(map(repr, report.failed))}.",
        why="\n".join(filter(None, words)),
        todo="mend what it says and land again; what else came has landed",
    )
    error.report = report
    return error


def _schema(types: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema([*(pa.field(name, of) for name, of in types.items()), *arrow_schema({})])


def _held_type(schema: pa.Schema | None, name: str) -> pa.DataType | None:
    if schema is None or name not in schema.names:
        return None
    held = schema.field(name).type
    return pa.string() if pa.types.is_large_string(held) else held
