"""Where a source's streams are learned from: what its connector's ``discover`` prints, or what has landed.

Source: the Airbyte protocol (AirbyteMessage, AirbyteCatalog).
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ..errors import LandingFailed, UsageError
from ..landing.connector_process import cannot_start, last_lines
from ..landing.messages import Message, complaint
from ..naming import META_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..lake import Lake


class Origin(NamedTuple):
    """The streams that there are, as AirbyteStreams in JSON, and what told of them."""

    streams: Mapping[str, dict[str, Any]]
    where: str


def run(command: Sequence[str]) -> Origin:
    """Ask a connector: ``source-shopify discover --config secrets.json``.

    Raises ``UsageError`` where it cannot be started, ``LandingFailed`` with its own words where it fails.
    """
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise cannot_start(command[0], error) from error
    if ran.returncode:
        raise LandingFailed(
            f"The connector '{command[0]}' exited with {ran.returncode}, and has discovered nothing.",
            why=_complaint(ran.stdout) or last_lines(ran.stderr) or "it said nothing",
            todo="mend what it says; its command is like: source-shopify discover --config secrets.json",
        )
    return discovered(ran.stdout, f"'{command[0]}'")


def discovered(output: bytes, where: str) -> Origin:
    """The streams in what a connector's ``discover`` has printed; raises ``UsageError`` where there are none."""
    for catalog in _catalogs(output):
        streams = catalog.get("streams")
        if isinstance(streams, list) and streams and all(isinstance(one, dict) for one in streams):
            return Origin({str(one.get("name")): one for one in streams}, where)
    raise UsageError(
        f"{where} tells of no stream.",
        why=_complaint(output) or "it has no message of type CATALOG with streams",
        todo="give what the connector prints: source-shopify discover --config secrets.json > streams.jsonl",
    )


def landed(lake: Lake, source: str) -> Origin:
    """The streams whose tables are in bronze. What landed as text (JSON too) is text: only the connector knows better.

    Raises ``UsageError`` where there are none.
    """
    found = {}
    for id_, entry in sorted(lake.catalog.entries(lake.ref).items()):
        if id_.schema == source and entry.kind == "table":
            table = lake.catalog.iceberg(lake.ref).load_table((id_.schema, id_.name))
            schema = table.schema()
            columns = {
                field.name: _property(field.type)
                for field in schema.as_arrow()
                if field.name not in META_COLUMNS
            }
            key = [[name] for name in sorted(schema.identifier_field_names())]
            found[id_.name] = {
                "name": id_.name,
                "source_defined_primary_key": key,
                "default_cursor_field": [],
                "json_schema": {"type": "object", "properties": columns},
            }
    if not found:
        raise UsageError(
            f"Nothing of '{source}' has landed at '{lake.ref}'.",
            todo="land it first (lakekit land --help), or learn of it from the connector: --discover",
        )
    return Origin(found, f"the schema '{source}'")


def _property(type_: Any) -> dict[str, Any]:
    import pyarrow as pa

    if pa.types.is_boolean(type_):
        return {"type": ["null", "boolean"]}
    if pa.types.is_integer(type_):
        return {"type": ["null", "integer"]}
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return {"type": ["null", "number"]}
    text: dict[str, Any] = {"type": ["null", "string"]}
    if pa.types.is_date(type_):
        text["format"] = "date"
    elif pa.types.is_time(type_):
        text["format"] = "time"
    elif pa.types.is_timestamp(type_):
        text["format"] = "date-time"
        if not type_.tz:
            text["airbyte_type"] = "timestamp_without_timezone"
    return text


def _catalogs(output: bytes) -> Iterator[dict[str, Any]]:
    """What may be a catalog: the message of that type, or all of it, as people keep it in a file."""
    for message in _messages(output):
        if isinstance(catalog := message.get("catalog", message), dict):
            yield catalog


def _messages(output: bytes) -> Iterator[dict[str, Any]]:
    for part in (output, *output.splitlines()):
        try:
            message = json.loads(part)
        except (ValueError, RecursionError):
            continue  # connectors print other things, too
        if isinstance(message, dict):
            yield message


def _complaint(output: bytes) -> str:
    """What a connector's TRACE says that went wrong."""
    for line in output.splitlines():
        try:
            message = msgspec.json.decode(line, type=Message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if failure := complaint(message):
            return failure.message or ""
    return ""
