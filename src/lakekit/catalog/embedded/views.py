"""Views as Iceberg view metadata: one small JSON file each, named after what the view says.

Format: the Iceberg view spec, version 1. A view is built again by every ``dbt build``; because its file's name
is the hash of its SQL, an unchanged view stays at its pointer, and is no change to publish and no conflict.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pyiceberg.schema import Schema
from pyiceberg.view.metadata import ViewMetadata

from ...naming import CATALOG

if TYPE_CHECKING:
    from ..protocol import TableId

DIALECT: Final = "trino"


def write_view(folder: Path, view: TableId, sql: str) -> str:
    """Write the metadata of a view that says ``sql`` (Trino's), and return its location.

    The metadata holds no columns: an engine finds them by planning the SQL, as it must anyhow.
    """
    identity = hashlib.sha256(f"{view.schema}\0{sql}".encode()).hexdigest()
    file = folder / f"{identity}.metadata.json"
    if file.is_file():
        return file.as_uri()
    now = int(time.time() * 1000)
    metadata = ViewMetadata.model_validate(
        {
            "view-uuid": str(uuid.UUID(identity[:32])),
            "format-version": 1,
            "location": folder.as_uri(),
            "schemas": [Schema()],
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
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: another process may be writing the very same file.
    draft = file.with_suffix(f".{uuid.uuid4().hex}")
    draft.write_text(metadata.model_dump_json(by_alias=True), encoding="utf-8")
    draft.replace(file)
    return file.as_uri()


def read_view(location: str) -> ViewMetadata:
    """The metadata at a location that ``write_view`` gave."""
    return ViewMetadata.model_validate_json(path_of(location).read_bytes())


def view_sql(metadata: ViewMetadata) -> str:
    """The Trino SQL of a view's current version."""
    current = next(v for v in metadata.versions if v.version_id == metadata.current_version_id)
    return next(r.root.sql for r in current.representations if r.root.dialect == DIALECT)


def path_of(location: str) -> Path:
    """The file behind a ``file://`` location, or behind a plain path."""
    url = urlsplit(location)
    return Path(unquote(url.path)) if url.scheme == "file" else Path(location)
