"""The embedded catalog: git-like refs over Iceberg tables, in a folder, with no server to start."""

from .catalog import EmbeddedCatalog

__all__ = ["EmbeddedCatalog"]
