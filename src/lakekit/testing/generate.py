"""Batches that a source could have sent, for hypothesis to try a model on: made by the schema references alone.

What breaks an incremental model is what comes again, so there are few keys, and few values: rows meet their older
versions, records are late, parents repeat, lists grow and shrink. Nothing is said that a model could not cast: a
text that is called an amount is a number, an id is a whole one, a moment is a moment.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pyarrow as pa
from hypothesis import strategies as st

from ..landing.columns import arrow_type
from ..landing.versions import DELETED_AT
from .syncs import BEGINNING, cursor_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from ..project import Reference

Batch: TypeAlias = dict[str, list[dict[str, Any]]]
"""What comes between two builds: a table's rows each, in the order in which they are given."""

_MINUTE: Final = timedelta(minutes=1)
# A cursor that is left out goes on with the syncs, a minute each from the beginning; one that is given is late.
_LATE: Final = [BEGINNING + _MINUTE * n for n in (0.5, 1.5, -1)]
_DELETED: Final = [BEGINNING + _MINUTE * n for n in (60, 0.5, 1.5)]
_MOMENTS: Final = [BEGINNING + timedelta(days=n) for n in (0, 40, -1)]

_NUMBER: Final = r"amount|price|total|tax|rate$|quantity|discount|value|weight|cost"
_TEXTS: Final = [
    (re.compile(pattern), texts)
    for pattern, texts in (
        (r"currency", ["EUR", "USD"]),
        (r"e?mail$", ["a@example.org", " B@Example.org"]),
        (r"country", ["DE", "US"]),
        (r"(_date|_on|^date)$", ["2026-01-01", "2026-02-10"]),
        (r"(_at|_time|^datetime|^timestamp|^created|^updated)$", ["2026-01-01T00:00:00Z", "2026-02-10T12:30:00Z"]),
        (r"(^|_)id$", ["1", "2", "3"]),
        (_NUMBER, ["1.00", "2.50"]),
    )
]  # fmt: skip


def batches(
    references: Iterable[Reference],
    *,
    values: Mapping[str, Mapping[str, SearchStrategy[Any]]] | None = None,
    words: Collection[str] | None = None,
    keys: int = 3,
    most: int = 4,
    rows: int = 10,
) -> SearchStrategy[list[Batch]]:
    """Up to ``most`` batches of the streams, of up to ``rows`` rows of each, over as many different ``keys``.

    Columns that may be null are null or left out at times, which says again what the key's last row said. A stream
    whose deletions come as tombstones has some. ``values`` are a table's columns by strategies of the caller's own.
    With ``words``, only the fields of these names are made, nested ones too: a record has hundreds, a model reads ten.
    """
    own = values or {}
    # A build costs the same for ten rows as for one, so an example is not short by chance: it becomes so where it fails.
    batch = st.fixed_dictionaries(
        {
            reference.table: st.lists(
                _rows(reference, own.get(reference.table, {}), words, keys), max_size=rows
            )
            for reference in references
        }
    )
    return st.lists(batch, min_size=most, max_size=most).map(_said)


def needed(reference: Reference) -> set[str]:
    """The columns that no row of a stream may leave out, unless it is a tombstone."""
    must = {name for name, schema in reference.properties.items() if not _may_be_null(schema)}
    cursor = {reference.cursor} if reference.cursor else set()
    return {*reference.key, *(must - cursor if _goes_on(reference) else must | cursor)}


def _said(batches: list[Batch]) -> list[Batch]:
    """The batches that have rows, of the tables that have."""
    some = [{table: rows for table, rows in batch.items() if rows} for batch in batches]
    return [batch for batch in some if batch]


def _rows(
    reference: Reference,
    own: Mapping[str, SearchStrategy[Any]],
    words: Collection[str] | None,
    keys: int,
) -> SearchStrategy[dict[str, Any]]:
    """Rows of a stream: records, and a tombstone now and then."""
    of_key = [_of_key(reference, number, own, words) for number in range(keys)]
    return st.sampled_from(range(keys)).flatmap(lambda number: of_key[number])


def _of_key(
    reference: Reference,
    number: int,
    own: Mapping[str, SearchStrategy[Any]],
    words: Collection[str] | None,
) -> SearchStrategy[dict[str, Any]]:
    properties, cursor = reference.properties, reference.cursor
    key = {
        name: st.just(_key(properties[name], _part(number, place, len(reference.key))))
        for place, name in enumerate(reference.key)
    }
    marks = cursor is not None and cursor != DELETED_AT and DELETED_AT in properties
    required: dict[str, SearchStrategy[Any]] = dict(key)
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, schema in properties.items():
        if name in key or name == cursor or (marks and name.startswith("deleted_")):
            continue  # of a deletion only its tombstone tells
        if words is None or name in words:
            value = _or_null(_value(name, schema, number, words), schema)
            (optional if _may_be_null(schema) else required)[name] = value
    late = {cursor: _late(properties[cursor])} if cursor and cursor not in key else {}
    for name, strategy in own.items():
        (late if name in late else required if name in required else optional)[name] = strategy
    record = st.fixed_dictionaries(required, optional=optional)
    if not late:
        return record
    late_record = st.fixed_dictionaries(required | late, optional=optional)
    if (cursor in own) or not _goes_on(reference):
        return late_record
    if not marks:
        return st.one_of(record, record, record, late_record)
    deleted = {DELETED_AT: st.sampled_from([_moment(at, properties[DELETED_AT]) for at in _DELETED])}
    return st.one_of(record, record, record, late_record, st.fixed_dictionaries(key | deleted))


def _goes_on(reference: Reference) -> bool:
    """Whether a stream's cursor goes on where a row leaves it out."""
    cursor = reference.cursor
    return cursor is not None and cursor_at(reference.properties[cursor], BEGINNING) is not None


def _part(number: int, place: int, parts: int) -> int:
    """A part of the key of that number: of several parts each repeats by itself."""
    if parts == 1:
        return number + 1
    return (number // 2 if place == 0 else number % 2) + 1


def _key(schema: Any, number: int) -> Any:
    kind = arrow_type(schema)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return number
    if pa.types.is_temporal(kind):
        return _moment(BEGINNING + timedelta(days=number), schema)
    return str(number)


def _late(schema: Any) -> SearchStrategy[Any]:
    return st.sampled_from([cursor_at(schema, at) or _moment(at, schema) for at in _LATE])


def _value(  # noqa: PLR0911 (a table of types)
    name: str, schema: Any, number: int, words: Collection[str] | None
) -> SearchStrategy[Any]:
    """Values of a field that are not null, in the record of the key of that number."""
    schema = _first(schema)
    if "const" in schema:
        return st.just(schema["const"])
    if enum := [value for value in schema.get("enum", ()) if value is not None]:
        return st.sampled_from(enum)
    match next(iter(_kinds(schema)), "string"):
        case "object":
            return _object(schema, number, words)
        case "array":
            return _array(name, schema, number, words)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.sampled_from([1, 2, 3] if name.endswith("id") else [1, 2, 0])
        case "number":
            return st.sampled_from([1.0, 2.0, 3.0] if name.endswith("id") else [1.0, 2.5, 0.0])
    if schema.get("airbyte_type") == "integer":
        return st.sampled_from(["1", "2", "3"])
    if schema.get("format") in ("date", "date-time", "time"):
        return st.sampled_from([_moment(at, schema) for at in _MOMENTS])
    return st.sampled_from(_texts(name))


def _object(
    schema: Mapping[str, Any], number: int, words: Collection[str] | None, own_id: int | None = None
) -> SearchStrategy[dict[str, Any]]:
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, of in schema.get("properties", {}).items():
        if words is not None and name not in words:
            continue
        if name == "id" and own_id is not None:
            required[name] = st.just(own_id if "integer" in _kinds(_first(of)) else str(own_id))
            continue
        value = _value(name, of, number, words)
        (optional if _may_be_null(of) else required)[name] = _or_null(value, of)
    return st.fixed_dictionaries(required, optional=optional)


def _array(
    name: str, schema: Mapping[str, Any], number: int, words: Collection[str] | None
) -> SearchStrategy[list[Any]]:
    of = _first(schema.get("items", True))
    if "object" not in _kinds(of):
        return st.lists(_value(name, of, number, words), max_size=2)
    # What a record lists is its own: no other record has something of that id, nor has it twice.
    items = {own: _object(of, number, words, own) for own in (10 * number + 11, 10 * number + 12)}
    one, other = items
    listed = st.sampled_from([(), (one,), (other,), (one, other), (other, one)])
    return listed.flatmap(lambda ids: st.tuples(*(items[own] for own in ids))).map(list)


def _first(schema: Any) -> Mapping[str, Any]:
    """A schema, or of alternatives the first that is not null."""
    if not hasattr(schema, "get"):
        return {}
    for name in ("oneOf", "anyOf"):
        for one in schema.get(name, ()):
            if _kinds(one):
                return _first(one)
    return schema  # type: ignore[no-any-return]


def _kinds(schema: Any) -> Sequence[str]:
    """The types of a schema but null, in their order."""
    kinds = schema.get("type", ()) if hasattr(schema, "get") else ()
    return [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]


def _may_be_null(schema: Any) -> bool:
    kinds = schema.get("type") if hasattr(schema, "get") else None
    return kinds is None or "null" in ([kinds] if isinstance(kinds, str) else kinds)


def _or_null(value: SearchStrategy[Any], schema: Any) -> SearchStrategy[Any]:
    return st.one_of(value, value, value, st.none()) if _may_be_null(schema) else value


def _texts(name: str) -> list[str]:
    return next((texts for pattern, texts in _TEXTS if pattern.search(name)), ["a", "b"])


def _moment(at: datetime, schema: Any) -> str:
    """An instant as a record writes it."""
    match _first(schema).get("format"):
        case "date":
            return at.date().isoformat()
        case "time":
            return at.time().isoformat()
    if _first(schema).get("airbyte_type") == "timestamp_without_timezone":
        return at.replace(tzinfo=None).isoformat()
    return at.isoformat().replace("+00:00", "Z")
