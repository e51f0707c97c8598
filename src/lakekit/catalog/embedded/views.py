"""Views as Iceberg view metadata: one small JSON file each, named after what the view says.

Format: the Iceberg view spec, version 1. A view is built again by every ``dbt build``; because its file's name
is the hash of its SQL, an unchanged view stays at its pointer, and is no change to publish and no conflict.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Final

from ...naming import CATALOG
from .files import location_of, read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from ..protocol import TableId
    from .files import Json

DIALECT: Final = "trino"


def write_view(folder: Path, view: TableId, sql: str) -> str:
    """Write the metadata of a view that says ``sql`` (Trino's), and return its location.

    The metadata holds no columns: an engine finds them by planning the SQL, as it must anyhow.
    """
    identity = hashlib.sha256(f"{view.schema}\0{sql}".encode()).hexdigest()
    file = folder / f"{identity}.metadata.json"
    if file.is_file():
        return location_of(file)
    now = int(time.time() * 1000)
    metadata = {
        "view-uuid": str(uuid.UUID(identity[:32])),
        "format-version": 1,
        "location": location_of(folder),
        "schemas": [{"type": "struct", "schema-id": 0, "fields": [], "identifier-field-ids": []}],
        "current-version-id": 1,
        "versions": [
            {
                "version-id": 1,
                "schema-id": 0,
                "timestamp-ms": now,
                "summary": {"engine-name": "lakekit"},
                "representations": [{"type": "sql", "sql": sql, "dialect": DIALECT}],
                "default-catalog": CATALOG,
                "default-namespace": [view.schema],
            }
        ],
        "version-log": [{"timestamp-ms": now, "version-id": 1}],
        "properties": {},
    }
    write_json(file, metadata)
    return location_of(file)


def read_view(location: str) -> Json:
    """The metadata at a location that ``write_view`` gave."""
    return read_json(location)


def view_sql(metadata: Json) -> str:
    """The Trino SQL of a view's current version."""
    current = next(v for v in metadata["versions"] if v["version-id"] == metadata["current-version-id"])
    sql: str = next(r["sql"] for r in current["representations"] if r["dialect"] == DIALECT)
    return sql
