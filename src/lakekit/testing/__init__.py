"""What tests of models run on."""

from .containers import LakehouseContainers

__all__ = ["LakehouseContainers"]
