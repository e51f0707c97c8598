"""A stream's fields as the columns of its staging view: renamed by the conventions, and cast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from ..cube.measures import says_money
from ..landing.columns import arrow_type
from ..naming import EXTRACTED_AT, quoted
from .words import singular, snake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..streams import Stream

_NESTED: Final = "attributes"
"""Where JSON:API keeps a record's own fields."""

_MONEY: Final = "decimal(18, 2)"
_TEXT: Final = "varchar"
_INSTANT: Final = "timestamp(6) with time zone"
_LOCAL: Final = "timestamp(6)"
_TIME: Final = "time(6)"
_TYPES: Final[dict[pa.DataType, tuple[str, Any]]] = {
    pa.timestamp("us", "UTC"): (_INSTANT, "2026-02-10T09:30:00Z"),
    pa.timestamp("us"): (_LOCAL, "2026-02-10T09:30:00"),
    pa.date32(): ("date", "2026-02-10"),
    pa.time64("us"): (_TIME, "09:30:00"),
    pa.bool_(): ("boolean", True),
    pa.int64(): ("bigint", 1),
    pa.float64(): ("double", 1.5),
    pa.string(): (_TEXT, "text"),
}
"""The types of bronze, as SQL calls them, and a value of each."""

_EXAMPLES: Final[dict[str, tuple[Any, Any]]] = {"array": ([], "[]"), "object": ({}, "{}")}
"""Of what is text in bronze, and was none: a value as it is sent, and as a column holds it."""


class Column(NamedTuple):
    """``sent`` and ``shown`` are a value as it comes, and as the view shows it, for a test."""

    name: str
    sql: str
    path: tuple[str, ...]
    sent: Any
    shown: Any


def columns(stream: Stream, entity: str) -> list[Column]:
    """The columns of a stream's staging view, its key first."""
    fields = [*stream.key, *(name for name in stream.properties if name not in stream.key)]
    found: dict[str, Column] = {}
    for field in fields:
        for column in _of(field, stream.properties[field], stream, entity):
            found.setdefault(column.name, column)  # of two fields that would be called the same, the first
    return list(found.values())


def sql(source: str, table: str, made: list[Column]) -> str:
    """The view."""
    lines = [
        f"    {one.sql}," if one.sql == quoted(one.name) else f"    {one.sql} as {quoted(one.name)},"
        for one in made
    ]
    return "\n".join(
        ["select", *lines, f"    {EXTRACTED_AT}", f'from {{{{ source("{source}", "{table}") }}}}', ""]
    )


def key(stream: Stream, entity: str) -> list[str]:
    """What the key's columns are called in the view."""
    return [_name(field, stream.properties[field], stream, entity) for field in stream.key]


def type_of(schema: Any) -> str:
    """What SQL calls the type of a field's column in bronze."""
    return _TYPES[arrow_type(schema)][0]


def _of(field: str, schema: Any, stream: Stream, entity: str) -> Iterator[Column]:
    nested = schema.get("properties") if field == _NESTED and _kind(schema) == "object" else None
    if not nested:
        name = _name(field, schema, stream, entity)
        at = quoted(field)
        taken = f"cast({at} as {_MONEY})" if _is_money(schema, name) else at
        yield Column(name, taken, (field,), *_example(schema, name))
        return
    for inner, of in nested.items():
        is_scalar = type_of(of) != _TEXT or _kind(of) == "string"
        if is_scalar and "'" not in inner and '"' not in inner:
            name = _name(inner, of, stream, entity)
            place = f"$.{inner}" if inner.isidentifier() else f'$["{inner}"]'
            taken = f"json_extract_scalar({quoted(field)}, '{place}')"
            yield Column(name, _cast(taken, of, name), (field, inner), *_example(of, name))


def _cast(taken: str, schema: Any, name: str) -> str:
    to = _MONEY if _is_money(schema, name) else type_of(schema)
    # A time without a zone stays text: that it has one all the same would fail the view.
    if to in {_TEXT, _TIME, _LOCAL}:
        return taken
    return f"cast({f'from_iso8601_timestamp({taken})' if to == _INSTANT else taken} as {to})"


def _name(field: str, schema: Any, stream: Stream, entity: str) -> str:
    """``id`` is the entity's, and an instant ends with ``_at``."""
    if stream.key == (field,) and field.lower() == "id":
        return f"{singular(entity)}_id"
    name = snake(field)
    if type_of(schema) == _INSTANT and name.endswith("ed"):
        return f"{name}_at"
    return name


def _kind(schema: Any) -> str:
    """The type of a field, as JSON calls it, that has but one."""
    given = schema.get("type", ()) if isinstance(schema, dict) else ()
    kinds = {given} if isinstance(given, str) else set(given)
    kinds.discard("null")
    return kinds.pop() if len(kinds) == 1 else ""


def _is_money(schema: Any, name: str) -> bool:
    return type_of(schema) == "double" and says_money(name)


def _example(schema: Any, name: str) -> tuple[Any, Any]:
    if _is_money(schema, name):
        return 1.5, "1.50"
    value = _TYPES[arrow_type(schema)][1]
    return _EXAMPLES.get(_kind(schema), (value, value))
