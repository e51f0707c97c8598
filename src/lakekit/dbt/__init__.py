"""Running dbt in process, and the dbt package that projects include."""

from .prepared import Prepared, prepared
from .runner import BuildReport, Node, build
from .streaming import stream

__all__ = ["BuildReport", "Node", "Prepared", "build", "prepared", "stream"]
