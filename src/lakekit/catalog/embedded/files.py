"""Metadata files: JSON at locations, each written once and never changed."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]


_SCHEME: Final = "file://"


def location_of(path: Path) -> str:
    """The location of a file or folder: its path as it is, for PyIceberg and DuckDB know of no escapes."""
    return f"{_SCHEME}{path}"


def path_of(location: str) -> Path:
    """The file behind a ``file://`` location, or behind a plain path."""
    return Path(location.removeprefix(_SCHEME))


def read_json(location: str) -> Json:
    content: Json = json.loads(path_of(location).read_bytes())
    return content


def write_json(file: Path, content: Json) -> None:
    """Write a file whole or not at all: another process may be writing the very same."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{secrets.token_hex(8)}")
    draft.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
    draft.replace(file)
