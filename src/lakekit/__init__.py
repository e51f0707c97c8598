"""The whole lakehouse from one pip install: Iceberg, branches, dbt, and Trino when you want it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lake import Branch, Change, Lake, Result

__all__ = ["Branch", "Change", "Lake", "Result", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the lake when it is asked for: half of what imports this package only wants a part of it."""
    if name in __all__:
        return getattr(import_module(".lake", __name__), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
