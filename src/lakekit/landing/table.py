"""One bronze table: rows and the source's state go into it in one commit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyiceberg import expressions
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError

from ..catalog.rereading import as_read, make, until_committed
from ..errors import LandingFailed
from ..naming import EXTRACTED_AT, RAW_ID
from .versions import Order, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from ..catalog.protocol import TableId
    from .versions import Row

STATE: Final = "lakekit.state"
"""The snapshot property that holds the stream's STATE message."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much a table holds. ``rows`` is None where deleted rows still count, as after Airbyte's own destination."""

    rows: int | None
    bytes: int


@dataclass(frozen=True, slots=True)
class HeldState:
    """A STATE's JSON, and when it was written, in milliseconds since 1970."""

    text: str
    written_at: int


def find(iceberg: Catalog, id_: TableId) -> Table | None:
    """The table, or None if it is not there."""
    try:
        return iceberg.load_table((id_.schema, id_.name))
    except NoSuchTableError:
        return None


def prepare(iceberg: Catalog, id_: TableId, schema: pa.Schema) -> None:
    """Let there be the table with at least the columns of ``schema``: make or widen it as need be."""
    with _resting(id_):
        until_committed(lambda: _prepare(iceberg, id_, schema))


def commit(
    iceberg: Catalog, id_: TableId, new: list[Row], key: Sequence[str], cursor: str | None, state: str
) -> tuple[int, int]:
    """Bring rows and state into the table in one commit; returns how many were inserted and updated.

    An empty ``key`` appends. Someone else's commit in between is read, and taken into account.
    """
    with _resting(id_):
        return until_committed(
            lambda: _commit(as_read(iceberg.load_table((id_.schema, id_.name))), new, key, cursor, state)
        )


def state_of(table: Table) -> HeldState | None:
    """The newest state at this table's present snapshot; maintenance's snapshots carry none of their own."""
    snapshot = table.current_snapshot()
    while snapshot is not None:
        if snapshot.summary and (state := snapshot.summary.additional_properties.get(STATE)):
            return HeldState(state, snapshot.timestamp_ms)
        snapshot = table.snapshot_by_id(snapshot.parent_snapshot_id) if snapshot.parent_snapshot_id else None
    return None


def size_of(table: Table) -> Size:
    """What the newest snapshot says of itself; no data is read."""
    snapshot = table.current_snapshot()
    if snapshot is None:
        return Size(0, 0)
    told = snapshot.summary.additional_properties if snapshot.summary else {}
    rows = told.get("total-records")
    if rows is None or int(told.get("total-equality-deletes", 0)):
        return Size(None, int(told.get("total-files-size", 0)))
    return Size(int(rows) - int(told.get("total-position-deletes", 0)), int(told.get("total-files-size", 0)))


@contextmanager
def _resting(id_: TableId) -> Iterator[None]:
    try:
        yield
    except CommitFailedException as error:
        raise LandingFailed(f"{id_} kept changing.", why=str(error), todo="land again") from error


def _prepare(iceberg: Catalog, id_: TableId, schema: pa.Schema) -> None:
    if table := find(iceberg, id_):
        held = table.schema().as_arrow()
        for field in schema:
            if field.name in held.names and not _holds(held.field(field.name).type, field.type):
                raise LandingFailed(
                    f"'{field.name}' of {id_} was {held.field(field.name).type} and now comes as {field.type}.",
                    todo="land it under another name, or drop the table and land everything again",
                )
        if set(schema.names) - set(held.names):
            with table.update_schema() as update:
                update.union_by_name(schema)
        return
    make(iceberg, id_, schema.empty_table())


def _commit(
    table: Table, new: list[Row], key: Sequence[str], cursor: str | None, state: str
) -> tuple[int, int]:
    schema = table.schema().as_arrow()
    properties = {STATE: state} if state else {}
    if not key:
        fresh = _unseen(table, new)
        if fresh or state:
            table.append(_arrow(fresh, schema), snapshot_properties=properties)
        return len(fresh), 0
    held = _held(table, new, key[0])
    standing = {tuple(row[name] for name in key): row for row in held}
    before = dict(standing)
    order = Order.of(cursor, schema)
    for row in new:
        at = tuple(row[name] for name in key)
        standing[at] = merge(standing.get(at), row, order)
    changed = {at: row for at, row in standing.items() if row is not before.get(at)}
    updated = {at for at in changed if at in before}
    # A delete goes by the key's first column: rows that share it but did not change go back in.
    firsts = {at[0] for at in updated}
    rows = [row for at, row in standing.items() if at in changed or at[0] in firsts]
    if not rows and not state:
        return 0, 0
    with table.transaction() as transaction:
        if firsts:
            transaction.delete(_among(key[0], list(firsts)))
        transaction.append(_arrow(rows, schema), snapshot_properties=properties)
    return len(changed) - len(updated), len(updated)


def _held(table: Table, new: list[Row], column: str) -> list[Row]:
    values = {row[column] for row in new}
    if not values or table.current_snapshot() is None:
        return []
    rows: list[Row] = table.scan(row_filter=_among(column, list(values))).to_arrow().to_pylist()
    return rows


def _unseen(table: Table, new: list[Row]) -> list[Row]:
    """The rows that an earlier, interrupted landing of the same messages has not brought already."""
    if not new:
        return []
    extracted = [row[EXTRACTED_AT] for row in new]
    of: Any = expressions
    same_time = of.And(
        of.GreaterThanOrEqual(EXTRACTED_AT, min(extracted)), of.LessThanOrEqual(EXTRACTED_AT, max(extracted))
    )
    held = (
        table.scan(row_filter=same_time, selected_fields=(RAW_ID,)).to_arrow()
        if table.current_snapshot()
        else None
    )
    seen = set(held.column(RAW_ID).to_pylist()) if held else set()
    return [row for row in new if row[RAW_ID] not in seen]


def _among(column: str, values: list[Any]) -> Any:
    # The bounds let whole files be passed over, which a long list of values does not.
    of: Any = expressions  # its constructors take plain names and values, which its annotations do not say
    bounds = of.And(of.GreaterThanOrEqual(column, min(values)), of.LessThanOrEqual(column, max(values)))
    return of.And(bounds, of.In(column, values))


def _arrow(rows: list[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


def _holds(held: pa.DataType, new: pa.DataType) -> bool:
    text = pa.types.is_large_string(held) and pa.types.is_string(new)
    return bool(held == new or text or pa.types.is_nested(new))
