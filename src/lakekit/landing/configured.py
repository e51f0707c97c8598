"""The configured catalog: which streams to land, and how. Source: the Airbyte protocol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from ..errors import UsageError
from ..project import Project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..settings import Settings

_MODES: Final = ("append", "append_dedup")


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it is to be landed. ``key`` and ``cursor`` name top-level fields.

    An ``incremental`` one goes on from where the last sync ended; any other is read in full each time.
    """

    name: str
    properties: Mapping[str, Any]
    incremental: bool
    mode: str
    key: tuple[str, ...]
    cursor: str | None
    generation_id: int
    minimum_generation_id: int
    sync_id: int


class _AirbyteStream(msgspec.Struct):
    name: str
    json_schema: dict[str, Any]
    source_defined_primary_key: list[list[str]] | None = None
    default_cursor_field: list[str] | None = None


class _ConfiguredStream(msgspec.Struct):
    stream: _AirbyteStream
    destination_sync_mode: str
    sync_mode: str = "incremental"
    primary_key: list[list[str]] | None = None
    cursor_field: list[str] | None = None
    generation_id: int | None = None
    minimum_generation_id: int | None = None
    sync_id: int | None = None


class _Catalog(msgspec.Struct):
    streams: list[_ConfiguredStream]


@dataclass(frozen=True, slots=True)
class ConfiguredCatalog:
    """The streams of a sync, by name."""

    streams: Mapping[str, Stream]

    @classmethod
    def parse(cls, catalog: Path | Mapping[str, Any]) -> Self:
        """Read a ConfiguredAirbyteCatalog, from a file or as it is; raises ``UsageError`` naming what is wrong."""
        given = catalog if isinstance(catalog, Path) else "the configured catalog"
        try:
            read = (
                msgspec.json.decode(catalog.read_bytes(), type=_Catalog)
                if isinstance(catalog, Path)
                else msgspec.convert(catalog, _Catalog)
            )
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{given} is not a configured catalog.",
                why=str(error),
                todo="it is the file that a connector's `read` takes with --catalog: see docs/landing.md",
            ) from error
        streams = [_stream(entry) for entry in read.streams]
        return cls({stream.name: stream for stream in streams})


def configured_catalog(streams: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The ConfiguredAirbyteCatalog that deduplicates AirbyteStreams, as ``discover`` prints them, by their own keys and cursors."""
    return {
        "streams": [
            {
                "stream": stream,
                "sync_mode": "incremental" if stream.get("default_cursor_field") else "full_refresh",
                "cursor_field": stream.get("default_cursor_field") or [],
                "destination_sync_mode": "append_dedup",
                "primary_key": stream.get("source_defined_primary_key") or [],
            }
            for stream in streams
        ]
    }


def referenced_catalog(settings: Settings, source: str) -> dict[str, Any]:
    """The ConfiguredAirbyteCatalog that a project's schema references of a source make; raises ``ProjectError``."""
    references = Project(settings.project, settings.dbt).references_of(source)
    return configured_catalog(msgspec.json.decode(reference.file.read_bytes()) for reference in references)


def _stream(entry: _ConfiguredStream) -> Stream:
    stream, mode = entry.stream, entry.destination_sync_mode
    name, properties = stream.name, stream.json_schema.get("properties")
    if mode not in _MODES:
        raise UsageError(f"'{name}' asks for '{mode}'.", todo=f"streams are landed by {' or '.join(_MODES)}")
    if not isinstance(properties, dict):
        raise UsageError(
            f"'{name}' has no fields.",
            why="its json_schema has no properties",
            todo="give the stream as the connector's `discover` prints it, or leave it out of the catalog",
        )
    paths = entry.primary_key or stream.source_defined_primary_key or []
    cursor = entry.cursor_field or stream.default_cursor_field or []
    if any(len(path) != 1 for path in paths) or len(cursor) > 1:
        raise UsageError(
            f"'{name}' has a nested key or cursor.",
            why="only top-level fields can be one",
            todo="name top-level fields in its primary_key and cursor_field",
        )
    if mode == "append_dedup" and not paths:
        raise UsageError(
            f"'{name}' has no primary key.",
            why="append_dedup tells its records apart by one",
            todo="name one in its primary_key, or land it by append",
        )
    return Stream(
        name,
        properties,
        entry.sync_mode == "incremental",
        mode,
        tuple(path[0] for path in paths),
        cursor[0] if cursor else None,
        entry.generation_id or 0,
        entry.minimum_generation_id or 0,
        entry.sync_id or 0,
    )
