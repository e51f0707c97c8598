"""What a stream of a source looks like: an AirbyteStream in JSON, as a connector's ``discover`` prints it.

Source: the Airbyte protocol (AirbyteStream). Only the standard library is imported: the linter reads them too.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Stream(NamedTuple):
    """``properties`` are the JSON schemas of its columns, in their order; ``key`` and ``cursor`` name some of them."""

    name: str
    properties: dict[str, Any]
    key: tuple[str, ...]
    cursor: str | None


def read(text: str | bytes) -> Stream:
    """Read one stream; raises ``ValueError`` that says what is wrong with it."""
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return stream(content)


def stream(content: Any) -> Stream:
    """The same of what is parsed already."""
    if not isinstance(content, dict) or not isinstance(name := content.get("name"), str):
        raise ValueError("it has no name")  # noqa: TRY004 # whoever wrote it reads the reason, not the type
    schema = content.get("json_schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not {dict, bool}.issuperset(map(type, properties.values())):
        raise ValueError("its json_schema has no properties")
    paths = content.get("source_defined_primary_key") or []
    cursor = content.get("default_cursor_field") or []
    if not (_is_path(cursor) and isinstance(paths, list) and all(map(_is_path, paths))):
        raise ValueError("its key or cursor is no list of field names")
    if any(len(path) != 1 for path in paths) or len(cursor) > 1:
        raise ValueError("its key or cursor is nested, and only a top-level field can be one")
    key = tuple(path[0] for path in paths)
    if unknown := [field for field in (*key, *cursor) if field not in properties]:
        raise ValueError(f"its key or cursor {', '.join(unknown)} is none of its properties")
    return Stream(name, properties, key, cursor[0] if cursor else None)


def _is_path(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)
