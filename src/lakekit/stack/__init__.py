"""Starting Trino, Nessie and an S3 store as child processes: no Docker, no Java installed."""

from .endpoints import Endpoints
from .stack import ServiceStatus, Stack

__all__ = ["Endpoints", "ServiceStatus", "Stack"]
