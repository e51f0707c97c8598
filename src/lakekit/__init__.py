"""The whole lakehouse from one pip install: Iceberg, branches, dbt, and Trino when you want it."""

from .lake import Branch, Change, Lake, Result

__all__ = ["Branch", "Change", "Lake", "Result", "__version__"]

__version__ = "0.1.0"
