"""Trino, Nessie and an S3 store: as child processes, as containers, or somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import MissingExtra

try:
    from .artifacts import fetch
    from .endpoints import Endpoints
    from .stack import ServiceStatus, Stack
except ModuleNotFoundError as error:
    raise MissingExtra("trino", str(error.name)) from error

if TYPE_CHECKING:
    from ..settings import Settings
    from .remote import RemoteStack

__all__ = ["Endpoints", "ServiceStatus", "Stack", "fetch", "stack_of"]


def stack_of(settings: Settings) -> Stack | RemoteStack:
    """The stack of a project; raises ``SettingsError`` if it is remote, and what says where is not whole."""
    if settings.backend != "remote":
        return Stack(
            settings.stack,
            settings.ports,
            backend=settings.backend,
            images=settings.images.given,
            memory=settings.memory,
            store=settings.store,
        )
    from .remote import RemoteStack

    return RemoteStack(settings.remote)
