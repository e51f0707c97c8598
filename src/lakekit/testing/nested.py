"""What is inside a JSON column, checked against the schema reference: a name misspelt there would pass for no value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .values import check_columns

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_inside(value: Any, schema: Any, where: str) -> None:
    """Raise ``UsageError`` for a field that the schema does not name, and for an object where it wants a list or other.

    Text is left alone: it is JSON that someone has written out. So is what the schema says nothing of.
    """
    for place, found, wanted in _parts(value, schema, where):
        kinds = wanted.get("type", ())
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        is_list = isinstance(found, Sequence)
        if kinds and ("array" if is_list else "object") not in kinds:
            raise UsageError(
                f"{place} is {'a list' if is_list else 'an object'}.",
                why=f"the schema reference says {' or '.join(sorted(kinds))}",
                todo="give it as the source sends it",
            )
        if not is_list and wanted.get("properties"):
            check_columns(found, list(wanted["properties"]), place)


def _parts(value: Any, schema: Any, where: str) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Every object and list in a value that the schema speaks of, and where it is."""
    if (
        not isinstance(schema, Mapping)
        or isinstance(value, str)
        or not isinstance(value, (Mapping, Sequence))
    ):
        return
    yield where, value, schema
    if isinstance(value, Mapping):
        properties = schema.get("properties") or {}
        for name, inner in value.items():
            yield from _parts(inner, properties.get(name), f"{where}: '{name}'")
    else:
        for number, inner in enumerate(value, 1):
            yield from _parts(inner, schema.get("items"), f"{where}: item {number}")
