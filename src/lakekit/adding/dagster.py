"""A source's file for Dagster, where the project runs under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..naming import Layer
from .words import spoken

if TYPE_CHECKING:
    from pathlib import Path

    from .files import Files

_ASSETS: Final = '''"""What Dagster builds of {title}: its streams and its core."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext
from dagster_dbt import dbt_assets
from lakekit.dagster import LakeDbtTranslator, LakeResource, manifest


@dbt_assets(
    manifest=manifest(__file__),
    select="streams.{source} core.{source}",
    name="{source}",
    dagster_dbt_translator=LakeDbtTranslator(),
)
def {source}(context: AssetExecutionContext, lake: LakeResource) -> Iterator[Any]:
    yield from lake.build(context)
'''


def add(files: Files, dbt: Path, models: Path, source: str) -> None:
    """``core/<source>/<source>.py``, unless it is there or nothing of Dagster is."""
    folder = models / Layer.CORE / source
    file = folder / f"{source}.py"
    if file.exists() or not (dbt / "definitions.py").exists():
        return
    files.new(file, _ASSETS.format(source=source, title=spoken(source).title()))
    package = folder / "__init__.py"
    if (folder.parent / package.name).exists() and not package.exists():
        files.new(package, "")
