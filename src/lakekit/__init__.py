"""The whole lakehouse from one pip install: Iceberg, branches, dbt, and Trino when you want it."""

__version__ = "0.1.0"
