"""What a source's syncs would have brought: a test's rows, completed and landed as a connector's records are.

A connector sends whole records. A test names what matters to it: what a row leaves out is what the record of that key
last said, or null; the cursor and the time of extraction go on by themselves, so that a later ``given`` is a later sync.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from ..errors import UsageError
from ..landing.columns import Fields, arrow_schema, arrow_type
from ..landing.record import record_row
from ..landing.versions import DELETED_AT, Order, merge
from ..naming import RAW_ID
from .nested import check_inside
from .values import check_columns, typed_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..landing.versions import Row
    from ..project import Reference

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When the first sync of a test extracts its records; each later one does a minute after the one before."""

_BETWEEN: Final = timedelta(minutes=1)
_AT_ONCE: Final = timedelta(milliseconds=1)
"""The least that two extractions can be apart: bronze holds them in milliseconds."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True)
class Stream:
    """A source's table in a test: its columns (name to JSON schema), and the rows that stand in it by key."""

    reference: Reference
    properties: dict[str, Any]
    rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    said: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)
    """What the newest record of each key said, as the test gave it."""

    def copy(self) -> Stream:
        return Stream(self.reference, dict(self.properties), dict(self.rows), dict(self.said))

    def hold(self, rows: Iterable[Row]) -> None:
        """Take over rows that have landed otherwise; columns that only they have are the source's from now on."""
        for row in rows:
            key = tuple(row[name] for name in self.key) or (row[RAW_ID],)
            self.rows[key] = row
            said = {name: value for name, value in row.items() if name in self.properties}
            self.said[tuple(str(value) for value in key)] = said

    @property
    def is_changed(self) -> bool:
        """Whether the source sends other columns than its reference says."""
        return self.properties != self.reference.properties

    @property
    def key(self) -> tuple[str, ...]:
        return self.reference.key

    @property
    def schema(self) -> pa.Schema:
        """The table's columns, with those of Airbyte."""
        return arrow_schema(self.properties)


@dataclass(slots=True)
class Clock:
    """When the syncs of a test extract: each later than the one before."""

    last: datetime | None = None

    def next(self, now: datetime | None) -> datetime:
        """The instant of the next sync: a minute after the last, or as soon as can be where time stands still at ``now``."""
        if self.last is None:
            self.last = now or BEGINNING
        elif now is None:
            self.last += _BETWEEN
        else:
            self.last = max(now, self.last + _AT_ONCE)
        return self.last


def sync(stream: Stream, given: Iterable[Mapping[str, Any]], at: datetime, what: str) -> pa.Table:
    """Let a sync at the instant ``at`` bring rows; returns those that stand anew, to be written in place of their keys.

    The rule is the landing's. Raises ``UsageError`` for an unknown column, a value that does not fit its column, and a
    row without its key.
    """
    types = {name: arrow_type(of) for name, of in stream.properties.items()}
    columns = {name: pa.field(name, type_) for name, type_ in types.items()}
    fields = Fields(types)
    order = Order.of(stream.reference.cursor, stream.schema)
    changed: dict[tuple[Any, ...], Row] = {}
    for number, row in enumerate(given, 1):
        where = f"Row {number} of {what}"
        check_columns(row, list(columns), where)
        for name, value in row.items():
            check_inside(value, stream.properties[name], f"{where}: '{name}'")
        typed = {name: typed_cell(row, number, columns[name], what) for name in row}
        record = _encode(_whole(stream, typed, at, where))
        made = record_row(where, record, fields, stream.key, int(at.timestamp() * 1000), 0, 0)
        key = tuple(made[name] for name in stream.key) or (made[RAW_ID],)
        held = stream.rows.get(key)
        stands = merge(held, made, order)
        if stands is not held:
            stream.rows[key] = changed[key] = stands
    rows = [{name: row.get(name) for name in stream.schema.names} for row in changed.values()]
    return pa.Table.from_pylist(rows, stream.schema)


def complete(
    stream: Stream, given: Iterable[Mapping[str, Any]], at: datetime, what: str
) -> list[dict[str, Any]]:
    """The records that a connector would have sent for rows at an instant, with all that was said of their keys before.

    Raises ``UsageError`` for an unknown column and a row without its key.
    """
    records = []
    for number, row in enumerate(given, 1):
        where = f"Row {number} of {what}"
        check_columns(row, list(stream.properties), where)
        records.append(_whole(stream, dict(row), at, where))
    return records


def _whole(stream: Stream, row: dict[str, Any], at: datetime, where: str) -> dict[str, Any]:
    """The record that a connector would have sent."""
    missing = [name for name in stream.key if row.get(name) is None]
    if missing:
        raise UsageError(
            f"The key '{missing[0]}' is missing in {where}.",
            todo=f"give each row its {', '.join(stream.key)}: rows are told apart by it",
        )
    cursor = stream.reference.cursor
    if row.get(DELETED_AT) is not None and cursor not in row:
        return row  # a tombstone comes as it is: it says nothing but that the record was deleted
    key = tuple(str(row[name]) for name in stream.key)
    whole = stream.said.get(key, {}) | row if key else row
    if cursor and cursor not in row and (new := cursor_at(stream.properties[cursor], at)) is not None:
        whole = whole | {cursor: new}
    if key:
        stream.said[key] = whole
    return whole


def cursor_at(schema: Mapping[str, Any], at: datetime) -> str | int | None:
    """What a cursor says at an instant; None where it is neither a time nor a number."""
    kind = arrow_type(schema)
    if pa.types.is_timestamp(kind):
        return at.isoformat()
    if pa.types.is_date(kind):
        return at.date().isoformat()
    return int(at.timestamp() * 1000) if pa.types.is_integer(kind) else None
