"""Contract tests: a source's schema references against what has landed, and against what its connector says it sends.

    from lakekit.testing import contract

    def test_shopify_keeps_its_word(lake):
        contract.discovered(lake, "shopify", "tests/shopify_catalog.json")

Columns are compared by what the landing makes of them: to say that a text may be null changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..catalog.protocol import TableId
from ..errors import UsageError
from ..landing.columns import arrow_schema, arrow_type
from ..naming import META_COLUMNS, quote
from ..project import Project
from .values import type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..lake import Lake
    from ..project import Reference

__all__ = ["discovered", "landed"]


def landed(lake: Lake, table: str) -> None:
    """A source's table (``shopify.orders``) has landed, at the lake's ref, as its schema reference says.

    Raises ``AssertionError`` for columns that are missing, that nobody agreed on, or of another type, and for records
    without a key.
    """
    __tracebackhide__ = True
    reference = _project(lake).reference(table)
    id_ = TableId.parse(table)
    if id_ not in lake.catalog.entries(lake.ref):
        raise AssertionError(
            f"{table} has not landed at '{lake.ref}': land it, or give it (lake.given) for a test."
        )
    name = quote(id_.schema, id_.name)
    schema = lake.engine.execute(lake.ref, f"select * from {name} limit 0").schema
    # Trino knows names in lower case alone.
    agreed = {field.name.lower(): field.type for field in arrow_schema(reference.properties)}
    found = {field.name.lower(): field.type for field in schema}
    faults = [f"- {column}: it is missing" for column in agreed if column not in found]
    faults += [
        f"+ {column}: a {type_name(kind)} that the reference does not have"
        for column, kind in found.items()
        if column not in agreed
    ]
    faults += [
        f"~ {column}: {_other(agreed[column], kind)}"
        for column, kind in found.items()
        if column in agreed and column not in META_COLUMNS and not _same(kind, agreed[column])
    ]
    for column in reference.key:
        if column.lower() in found:
            statement = f"select count(*) as missing from {name} where {quote(column.lower())} is null"
            if missing := lake.engine.execute(lake.ref, statement).column(0)[0].as_py():
                faults.append(f"! {column}: null in {missing} rows, though it is the key")
    if faults:
        raise AssertionError(_told(f"{table} has not landed as {reference.file.name} says", {"": faults}))


def discovered(of: Project | Lake, source: str, catalog: Mapping[str, Any] | Path | str) -> list[str]:
    """A connector's streams are as the schema references of a source say.

    ``catalog`` is what its ``discover`` printed: as it is, or in a file, which may have its log lines too. Raises
    ``AssertionError`` for streams and fields that are gone, and for types, keys and cursors that have changed. Fields
    that are new break nothing: they are returned, a sentence each.
    """
    __tracebackhide__ = True
    references = [one for one in _project(of).references().values() if one.source == source]
    if not references:
        raise UsageError(
            f"'{source}' has no schema references.", todo="name a folder of assets/streams that has some"
        )
    streams = _streams(catalog)
    faults: dict[str, list[str]] = {}
    notes: list[str] = []
    for reference in references:
        stream = streams.get(reference.stream)
        if stream is None:
            near = get_close_matches(reference.stream, streams, n=1)
            hint = f"; there is a stream '{near[0]}'" if near else ""
            faults[reference.table] = [f"- the stream is gone{hint}"]
            continue
        changed, new = _changes(reference, stream)
        if changed:
            faults[reference.table] = changed
        notes += [f"{reference.table}: the connector has a new field {field}" for field in new]
    if faults:
        raise AssertionError(
            _told(f"the connector of {source} does not send what its schema references say", faults)
        )
    return notes


def _changes(reference: Reference, stream: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What a stream does not keep of its reference, and the fields that it has beyond."""
    properties = _mapping(stream.get("json_schema")).get("properties")
    theirs = {name: arrow_type(of) for name, of in _mapping(properties).items()}
    ours = {name: arrow_type(of) for name, of in reference.properties.items()}
    faults = []
    for name in ours:
        if name not in theirs:
            near = get_close_matches(name, [other for other in theirs if other not in ours], n=1)
            faults.append(f"- {name}: the field is gone" + (f"; there is a new '{near[0]}'" if near else ""))
    faults += [
        f"~ {name}: {_other(kind, theirs[name])}"
        for name, kind in ours.items()
        if name in theirs and theirs[name] != kind
    ]
    key = tuple(".".join(path) for path in stream.get("source_defined_primary_key") or ())
    if key != reference.key:
        faults.append(f"~ the key was {_names(reference.key)}, and is {_names(key)}")
    cursor = ".".join(stream.get("default_cursor_field") or ())
    if cursor != (reference.cursor or ""):
        faults.append(f"~ the cursor was {reference.cursor or 'none'}, and is {cursor or 'none'}")
    new = [f"'{name}' ({type_name(kind)})" for name, kind in theirs.items() if name not in ours]
    return faults, new


def _streams(catalog: Mapping[str, Any] | Path | str) -> dict[str, Mapping[str, Any]]:
    """The streams of a catalog by name, with or without the message around it; a configured one will do as well."""
    where = "The catalog" if isinstance(catalog, Mapping) else str(catalog)
    for message in [catalog] if isinstance(catalog, Mapping) else _messages(Path(catalog)):
        streams = _mapping(message.get("catalog", message)).get("streams")
        if isinstance(streams, list):
            named = (_mapping(_mapping(stream).get("stream", stream)) for stream in streams)
            return {str(stream["name"]): stream for stream in named if "name" in stream}
    raise UsageError(
        f"{where} is no catalog.",
        why="it has no streams",
        todo='give what the connector\'s `discover` prints: {"type": "CATALOG", "catalog": {"streams": […]}}',
    )


def _messages(file: Path) -> list[Mapping[str, Any]]:
    """The objects of a file of one, or of one a line; the newest first. Lines that are no JSON are a connector's logs."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be read.",
            why=str(error),
            todo="save there what the connector's `discover` prints",
        ) from error
    found = []
    for part in (*text.splitlines(), text):
        try:
            found.append(json.loads(part))
        except ValueError:
            continue
    return [message for message in reversed(found) if isinstance(message, Mapping)]


def _project(of: Project | Lake) -> Project:
    return of if isinstance(of, Project) else Project(of.settings.project, of.settings.dbt)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _same(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether columns hold the same: an engine may read texts, or instants, into another Arrow type of the kind."""
    if pa.types.is_timestamp(one) and pa.types.is_timestamp(other):
        return bool(one.tz) == bool(other.tz)
    return bool(one == other or type_name(one) == type_name(other))


def _other(agreed: pa.DataType, found: pa.DataType) -> str:
    return f"a {type_name(agreed)} was agreed on, it is a {type_name(found)}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _told(heading: str, faults: Mapping[str, Sequence[str]]) -> str:
    lines = [f"{heading}:"]
    for table, told in faults.items():
        lines += [table] if table else []
        lines += [f"  {fault}" for fault in told]
    return "\n".join(lines)
