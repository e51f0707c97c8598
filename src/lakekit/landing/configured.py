"""The configured catalog: which streams to land, and how. Source: the Airbyte protocol."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODES: Final = ("append", "append_dedup")


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it is to be landed. ``key`` and ``cursor`` name top-level fields."""

    name: str
    properties: Mapping[str, Any]
    mode: str
    key: tuple[str, ...]
    cursor: str | None
    generation_id: int
    minimum_generation_id: int
    sync_id: int


@dataclass(frozen=True, slots=True)
class ConfiguredCatalog:
    """The streams of a sync, by name."""

    streams: Mapping[str, Stream]

    @classmethod
    def parse(cls, catalog: Path | Mapping[str, Any]) -> Self:
        """Read a ConfiguredAirbyteCatalog; raises ``UsageError`` naming what is wrong with it."""
        if isinstance(catalog, Path):
            try:
                catalog = json.loads(catalog.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UsageError("The configured catalog cannot be read.", why=str(error)) from error
        try:
            streams = [_stream(entry) for entry in catalog["streams"]]  # type: ignore[index]
        except (KeyError, TypeError, IndexError) as error:
            raise UsageError(
                "This is not a configured catalog.",
                why=f"{type(error).__name__}: {error}",
                todo="it is the file that a connector's `read` takes with --catalog",
            ) from error
        return cls({stream.name: stream for stream in streams})


def _stream(entry: Mapping[str, Any]) -> Stream:
    name, mode = entry["stream"]["name"], entry["destination_sync_mode"]
    if mode not in _MODES:
        raise UsageError(f"'{name}' asks for '{mode}'.", todo=f"streams are landed by {' or '.join(_MODES)}")
    paths = entry.get("primary_key") or entry["stream"].get("source_defined_primary_key") or []
    cursor = entry.get("cursor_field") or entry["stream"].get("default_cursor_field") or []
    if any(len(path) != 1 for path in paths) or len(cursor) > 1:
        raise UsageError(f"'{name}' has a nested key or cursor.", why="only top-level fields can be one")
    if mode == "append_dedup" and not paths:
        raise UsageError(f"'{name}' has no primary key.", why="append_dedup needs one")
    return Stream(
        name,
        entry["stream"]["json_schema"]["properties"],
        mode,
        tuple(path[0] for path in paths),
        cursor[0] if cursor else None,
        entry.get("generation_id") or 0,
        entry.get("minimum_generation_id") or 0,
        entry.get("sync_id") or 0,
    )
