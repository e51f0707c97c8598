"""DuckDB's extensions out of the installed wheels: nothing is downloaded."""

from __future__ import annotations

import secrets
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final

import duckdb

from ...errors import MissingExtra

EXTENSIONS: Final = ("avro", "httpfs", "iceberg")
"""In the order in which they are to be loaded."""


def link_extensions(folder: Path) -> Path:
    """Fill ``folder`` as DuckDB wants its ``extension_directory``, with links into the wheels; returns it."""
    with duckdb.connect() as connection:
        [(platform,)] = connection.execute("pragma platform").fetchall()
    place = folder / f"v{duckdb.__version__}" / platform
    place.mkdir(parents=True, exist_ok=True)
    for name in EXTENSIONS:
        link, wheel = place / f"{name}.duckdb_extension", _file(name)
        if not (link.is_symlink() and link.readlink() == wheel):
            # Another process may be making the very same link.
            draft = place / f"{name}.{secrets.token_hex(4)}"
            draft.symlink_to(wheel)
            draft.replace(link)
    return folder


def _file(name: str) -> Path:
    package = f"duckdb-extension-{name}"
    try:
        listed = files(package) or []
    except PackageNotFoundError as error:
        raise MissingExtra("duckdb", package) from error
    return next(Path(str(file.locate())) for file in listed if file.name.endswith(".duckdb_extension"))
