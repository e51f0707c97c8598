"""Airbyte messages to bronze: Iceberg tables that hold each record's newest version, and the source's cursor."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .configured import ConfiguredCatalog, Stream, configured_catalog, referenced_catalog
    from .connector_process import connector
    from .destination import land, load
    from .report import LandingReport, Progress, StreamReport
    from .states import read_states
    from .table import Size, find, size_of

__all__ = [
    "ConfiguredCatalog",
    "LandingReport",
    "Progress",
    "Size",
    "Stream",
    "StreamReport",
    "configured_catalog",
    "connector",
    "find",
    "land",
    "load",
    "read_states",
    "referenced_catalog",
    "size_of",
]

_ELSEWHERE: Final = {
    "ConfiguredCatalog": "configured",
    "Stream": "configured",
    "configured_catalog": "configured",
    "referenced_catalog": "configured",
    "connector": "connector_process",
    "LandingReport": "report",
    "Progress": "report",
    "Size": "table",
    "StreamReport": "report",
    "find": "table",
    "read_states": "states",
    "size_of": "table",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: whoever only types a record's columns needs no Iceberg."""
    if name in __all__:
        return getattr(import_module(f".{_ELSEWHERE.get(name, 'destination')}", __name__), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
