"""Running dbt in process, and the dbt package that projects include."""

from .runner import BuildReport, Node, build

__all__ = ["BuildReport", "Node", "build"]
