"""Airbyte messages to bronze: Iceberg tables that hold each record's newest version, and the source's cursor."""

from .configured import ConfiguredCatalog, Stream
from .connector import connector
from .destination import LandingReport, Progress, StreamReport, land, load, read_states

__all__ = [
    "ConfiguredCatalog",
    "LandingReport",
    "Progress",
    "Stream",
    "StreamReport",
    "connector",
    "land",
    "load",
    "read_states",
]
