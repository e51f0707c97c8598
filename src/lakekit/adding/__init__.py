"""Adding to a project: a source with all its files, a model with its entry and a test to go on from."""

from ..errors import MissingExtra

try:
    from .discovery import Origin, discovered, landed, run
    from .model import add_model
    from .source import add_source
except ModuleNotFoundError as error:
    raise MissingExtra("duckdb", str(error.name)) from error

__all__ = ["Origin", "add_model", "add_source", "discovered", "landed", "run"]
