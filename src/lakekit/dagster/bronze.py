"""Who writes bronze: an Airbyte server, or the project's own connectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dagster import Definitions

from ..settings import Settings
from .airbyte import airbyte_sensor
from .landing import landing_assets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def bronze(project: Path | str, connectors: Mapping[str, Sequence[str]]) -> Definitions:
    """Bronze for ``Definitions.merge(…)``: a sensor of Airbyte's syncs where the project has an Airbyte, else connectors.

    The setting ``airbyte.url`` decides, for it is no matter of code: the same project lands by itself on a laptop and
    follows Airbyte in production, where LAKEKIT_AIRBYTE__URL is set. Either way the assets are the same, and so is what
    reads them. ``connectors`` are commands by source: ``{"shopify": ["source-shopify", "read", "--config", "secrets.json"]}``.
    """
    if Settings.load(Path(project)).airbyte.url:
        return Definitions(sensors=[airbyte_sensor(project)])
    return Definitions(
        assets=[landing_assets(project, source, command) for source, command in connectors.items()]
    )
