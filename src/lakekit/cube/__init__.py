"""A data model for Cube, made of the marts: what `lakekit cube` writes."""

from .duckdb import export
from .folder import Change, changes, write
from .marts import Mart, marts
from .model import Cube, model
from .text import files

__all__ = ["Change", "Cube", "Mart", "changes", "export", "files", "marts", "model", "write"]
