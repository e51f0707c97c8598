"""Which of two versions of a row stands: the rule of append_dedup, in whatever order they come.

A row is a dictionary of column values. A tombstone says when a record was deleted and nothing else of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from ..naming import EXTRACTED_AT, META_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
DELETED_AT: Final = "deleted_at"


class Order(NamedTuple):
    """What a stream's versions are put in order by: its cursor, and whether ``deleted_at`` can be compared with that."""

    cursor: str | None
    marks: bool

    @classmethod
    def of(cls, cursor: str | None, schema: pa.Schema) -> Self:
        if cursor == DELETED_AT or cursor not in schema.names or DELETED_AT not in schema.names:
            return cls(cursor, marks=False)
        return cls(cursor, schema.field(DELETED_AT).type == schema.field(cursor).type)


def is_tombstone(row: Row, order: Order) -> bool:
    """Whether a row only marks a deletion: Shopify sends no cursor with one."""
    cursor, marks = order
    return marks and cursor is not None and row.get(DELETED_AT) is not None and row.get(cursor) is None


def merge(held: Row | None, new: Row, order: Order) -> Row:  # noqa: PLR0911 (a case a line)
    """What stands once ``new`` has come to ``held``: ``held`` itself where nothing changes.

    The later cursor wins, then the later extraction, then the later arrival. A tombstone marks and keeps; a
    record that is older than its deletion keeps the mark; a later one clears it.
    """
    cursor = order.cursor
    if held is None or same_payload(held, new):
        return new if held is None else held
    if is_tombstone(new, order):
        assert cursor is not None
        known = [at for at in (held.get(DELETED_AT), held.get(cursor)) if at is not None]
        if known and max(known) >= new[DELETED_AT]:
            return held
        # Marked now, whenever the mark was extracted: whoever reads increments must see it.
        newest = max(held, new, key=lambda row: row[EXTRACTED_AT])
        return held | {name: value for name, value in new.items() if value is not None} | _meta(newest)
    if cursor is None or is_tombstone(held, order):
        wins = cursor is not None or new[EXTRACTED_AT] >= held[EXTRACTED_AT]
    else:
        wins = _rank(new, cursor) >= _rank(held, cursor)
    if not wins:
        return held
    mark = held.get(DELETED_AT)
    if cursor is None or not order.marks or mark is None or new.get(DELETED_AT) is not None:
        return new
    if new[cursor] is None or new[cursor] < mark:
        kept = {name: value for name, value in held.items() if name.startswith("deleted_")}
        # The row changed now, or was marked later: whoever reads increments must see it.
        newest = max(held, new, key=lambda row: row[EXTRACTED_AT])
        marked = new | kept | _meta(newest)
        return held if same_payload(held, marked) else marked
    return new


def same_payload(one: Row, other: Row) -> bool:
    """Whether two rows differ in meta columns only."""
    names = (one.keys() | other.keys()) - set(META_COLUMNS)
    return all(one.get(name) == other.get(name) for name in names)


def _meta(row: Row) -> Row:
    return {name: row[name] for name in META_COLUMNS if name in row}


def _rank(row: Row, cursor: str) -> tuple[Any, ...]:
    value = row.get(cursor)
    return (value is not None, value if value is not None else 0, row[EXTRACTED_AT])
