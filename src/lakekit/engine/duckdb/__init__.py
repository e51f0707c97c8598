"""The embedded engine: Trino SQL on DuckDB, over the embedded catalog."""

from .engine import DuckDBEngine, shared_engine

__all__ = ["DuckDBEngine", "shared_engine"]
