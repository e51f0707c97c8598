"""dbt asks an adapter for its version here: it is lakekit's own."""

from importlib.metadata import version as _version

version = _version("lakekit")
