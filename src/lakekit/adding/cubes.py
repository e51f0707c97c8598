"""A new mart's cube, where the project has cubes: until the mart is built, and `lakekit cube` knows its types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from .. import cube
from ..catalog.protocol import TableId
from ..dbt.described import Described
from ..naming import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .files import Files


def add_cube(
    files: Files, project: Path, name: str, description: str, key: Sequence[str], columns: Sequence[str]
) -> None:
    """The cube and its view; of the columns those are measured that are no key."""
    folder = project / "cube" / "model"
    if not folder.is_dir():
        return
    described = Described(
        TableId(Layer.MARTS, name), "", description, dict.fromkeys(columns, ""), {}, {}, tuple(key), (), ""
    )
    types = {column: pa.string() if column in key else pa.int64() for column in columns}
    for file, text in cube.files(cube.model([cube.Mart(described, types)])).items():
        files.new(folder / file, text)
