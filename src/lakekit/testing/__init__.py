"""What tests of models run on."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .containers import LakehouseContainers

__all__ = ["LakehouseContainers"]


def __getattr__(name: str) -> Any:
    """Import the containers when they are asked for: pytest's plugin starts without them."""
    if name in __all__:
        return getattr(import_module(".containers", __name__), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
