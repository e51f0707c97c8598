"""Starting Trino, Nessie and an S3 store as child processes: no Docker, no Java installed."""

from ..errors import MissingExtra

try:
    from .artifacts import fetch
    from .endpoints import Endpoints
    from .stack import ServiceStatus, Stack
except ModuleNotFoundError as error:
    raise MissingExtra("trino", str(error.name)) from error

__all__ = ["Endpoints", "ServiceStatus", "Stack", "fetch"]
