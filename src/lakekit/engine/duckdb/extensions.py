"""DuckDB's extensions out of the installed wheels: nothing is downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duckdb

from ...errors import MissingExtra

EXTENSIONS: Final = ("avro", "httpfs", "iceberg")
"""In the order in which they are to be loaded."""


def extension_file(name: str) -> Path:
    """Where the wheel of an extension has it; raises ``MissingExtra``."""
    package = f"duckdb_extension_{name}"
    found = find_spec(package)
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.is_file():
            return file
    raise MissingExtra("duckdb", package)
