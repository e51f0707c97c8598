"""A stream's fields as the columns of its staging view: renamed by the conventions, and cast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..cube.measures import says_money
from ..naming import EXTRACTED_AT, quoted
from .words import singular, snake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..streams import Stream

_NESTED: Final = "attributes"
"""Where JSON:API keeps a record's own fields."""

_MONEY: Final = "decimal(18, 2)"
_SCALARS: Final = ("boolean", "integer", "number", "string")
_EXAMPLES: Final[dict[tuple[str, str], tuple[Any, Any]]] = {
    ("string", "date-time"): ("2026-02-10T09:30:00Z", "2026-02-10T09:30:00Z"),
    ("string", "timestamp"): ("2026-02-10T09:30:00", "2026-02-10T09:30:00"),
    ("string", "date"): ("2026-02-10", "2026-02-10"),
    ("string", "time"): ("09:30:00", "09:30:00"),
    ("boolean", ""): (True, True),
    ("integer", ""): (1, 1),
    ("number", ""): (1.5, 1.5),
    ("array", ""): ([], "[]"),
    ("object", ""): ({}, "{}"),
}
"""By type and format: a value as it is sent, and as a column holds it."""


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
    kind, form = _type(schema)
    if form:
        return {"date-time": "timestamp with time zone"}.get(form, form)
    return {"integer": "bigint", "number": "double", "boolean": "boolean"}.get(kind, "varchar")


def _of(field: str, schema: Any, stream: Stream, entity: str) -> Iterator[Column]:
    kind, form = _type(schema)
    nested = schema.get("properties") if kind == "object" and field == _NESTED else None
    if not nested:
        name = _name(field, schema, stream, entity)
        at = quoted(field)
        taken = f"cast({at} as {_MONEY})" if _is_money(kind, name) else at
        yield Column(name, taken, (field,), *_example(kind, form, name))
        return
    for inner, of in nested.items():
        kind, form = _type(of)
        if kind in _SCALARS and "'" not in inner and '"' not in inner:
            name = _name(inner, of, stream, entity)
            place = f"$.{inner}" if inner.isidentifier() else f'$["{inner}"]'
            taken = f"json_extract_scalar({quoted(field)}, '{place}')"
            yield Column(name, _cast(taken, kind, form, name), (field, inner), *_example(kind, form, name))


def _cast(taken: str, kind: str, form: str, name: str) -> str:
    if form == "date-time":
        return f"cast(from_iso8601_timestamp({taken}) as timestamp(6) with time zone)"
    if form == "date":
        return f"cast({taken} as date)"
    if kind == "number":
        return f"cast({taken} as {_MONEY if _is_money(kind, name) else 'double'})"
    to = {"integer": "bigint", "boolean": "boolean"}.get(kind)
    return f"cast({taken} as {to})" if to else taken


def _name(field: str, schema: Any, stream: Stream, entity: str) -> str:
    """``id`` is the entity's, and an instant ends with ``_at``."""
    if stream.key == (field,) and field.lower() == "id":
        return f"{singular(entity)}_id"
    name = snake(field)
    if _type(schema)[1] == "date-time" and name.endswith("ed"):
        return f"{name}_at"
    return name


def _type(schema: Any) -> tuple[str, str]:
    """The type of a field that has but one, and its format: of what is text in bronze, whatever it was, ``string``."""
    if not isinstance(schema, dict):
        return "any", ""
    given = schema.get("type", ())
    kinds = {given} if isinstance(given, str) else set(given)
    kinds.discard("null")
    if len(kinds) != 1:
        return "any", ""
    kind = kinds.pop()
    if schema.get("airbyte_type") == "integer":
        return "integer", ""
    form = str(schema.get("format", "")) if kind == "string" else ""
    return kind, "timestamp" if schema.get("airbyte_type") == "timestamp_without_timezone" else form


def _is_money(kind: str, name: str) -> bool:
    return kind == "number" and says_money(name)


def _example(kind: str, form: str, name: str) -> tuple[Any, Any]:
    if _is_money(kind, name):
        return 1.5, "1.50"
    return _EXAMPLES.get((kind, form)) or _EXAMPLES.get((kind, ""), ("text", "text"))
