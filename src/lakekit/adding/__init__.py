"""Adding to a project: a source with all its files, a model with its entry and a test to go on from."""

from .discovery import Origin, discovered, landed, run
from .model import add_model
from .source import add_source

__all__ = ["Origin", "add_model", "add_source", "discovered", "landed", "run"]
