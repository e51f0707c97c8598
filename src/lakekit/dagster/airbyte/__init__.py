"""Reacting to the syncs of a self-managed Airbyte."""

from .sensor import airbyte_sensor

__all__ = ["airbyte_sensor"]
