"""Dagster over the lake: what runs where it runs at, builds, checks and publishes."""

from ..errors import MissingExtra

try:
    from .airbyte import airbyte_sensor
    from .bronze import bronze
    from .executor import publish_executor
    from .io_manager import LakeIOManager
    from .keys import asset_key, table_id
    from .landing import landing_assets
    from .manifest import manifest
    from .resources import LakeResource, NessieResource, TrinoResource
    from .retract import retracting
    from .sweeping import sweep, sweeping
    from .translator import LakeDbtTranslator
except ModuleNotFoundError as error:
    raise MissingExtra("dagster", str(error.name)) from error

__all__ = [
    "LakeDbtTranslator",
    "LakeIOManager",
    "LakeResource",
    "NessieResource",
    "TrinoResource",
    "airbyte_sensor",
    "asset_key",
    "bronze",
    "landing_assets",
    "manifest",
    "publish_executor",
    "retracting",
    "sweep",
    "sweeping",
    "table_id",
]
