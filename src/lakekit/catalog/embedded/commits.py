"""Making tables and committing to them, for those who speak the Iceberg REST protocol."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from .files import location_of, path_of, read_json, write_json
from .metadata import apply, check, new_table
from .refusals import NoSuchSchema, RelationExists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..protocol import TableId
    from .files import Json
    from .relations import Relations


def create(relations: Relations, table: TableId, request: Json) -> tuple[str | None, Json]:
    """A new table's metadata and its location; a staged one's has none, and waits for a commit."""
    if not relations.has_schema(table.schema):
        raise NoSuchSchema(f"There is no schema {table.schema}.")
    metadata = new_table(
        request.get("location") or fresh_place(relations.warehouse, table),
        request["schema"],
        request.get("partition-spec"),
        request.get("write-order"),
        request.get("properties") or {},
    )
    for folder in ("data", "metadata"):
        # DuckDB writes into these, and does not make them.
        (path_of(metadata["location"]) / folder).mkdir(parents=True, exist_ok=True)
    if request.get("stage-create"):
        return None, metadata
    if relations.pointer(table) is not None:
        raise RelationExists(f"{table} exists already.")
    location = _write(metadata, 0)
    relations.point([(table, None, location)])
    return location, metadata


def commit(relations: Relations, changes: Sequence[tuple[TableId, Json]]) -> list[tuple[str, Json]]:
    """Commit to one or several tables in one transaction; where their metadata is now, and what it says.

    Raises ``CommitConflict`` where a requirement does not hold or another writer came first, ``RelationExists``
    where a table to create is there, and ``BadUpdate``; nothing has changed then.
    """
    made: list[tuple[str, Json]] = []
    moves: list[tuple[TableId, str | None, str]] = []
    for table, change in changes:
        before = relations.pointer(table)
        base = read_json(before) if before else None
        check(base, change.get("requirements", ()))
        metadata = apply(base, change["updates"], before)
        if before is not None and metadata is base:
            made.append((before, metadata))
            continue
        after = _write(metadata, _version(before) + 1 if before else 0)
        made.append((after, metadata))
        moves.append((table, before, after))
    if moves:
        relations.point(moves)
    return made


def fresh_place(warehouse: Path, table: TableId) -> str:
    """Where a new table's files go: two branches may each make one of the same name, and neither may see the other's."""
    return location_of(warehouse / table.schema / f"{table.name}-{secrets.token_hex(6)}")


def _write(metadata: Json, version: int) -> str:
    folder = metadata["properties"].get("write.metadata.path") or f"{metadata['location']}/metadata"
    location = f"{folder.rstrip('/')}/{version:05d}-{uuid.uuid4()}.metadata.json"
    write_json(path_of(location), metadata)
    return location


def _version(location: str) -> int:
    """The number that a metadata file's name begins with; files of strangers may have none."""
    number = location.rpartition("/")[2].partition("-")[0]
    return int(number) if number.isdigit() else 0
