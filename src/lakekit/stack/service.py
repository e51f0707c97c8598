"""What a backend is: how services are started, watched and stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .artifacts import Report
    from .endpoints import Endpoints


@dataclass(frozen=True, slots=True)
class Service:
    """A started service. ``handle`` is what its backend knows it by: a pid, or a container's id."""

    name: str
    version: str
    port: int
    handle: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a running service takes: resident memory in bytes, and its uptime in seconds."""

    memory: int
    uptime: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start: the folder of its files, where it is to answer, and how much memory it may take, in bytes.

    An ephemeral stack keeps nothing, and is to start fast rather than to compute fast.
    """

    folder: Path
    endpoints: Endpoints
    memory: int
    store: str
    ephemeral: bool


class Backend(Protocol):
    """Runs the services of one stack, all of them marked with the stack's id."""

    def start(self, plan: Plan, report: Report) -> Iterator[Service]:
        """Start the services side by side, each handed out as soon as it exists, not when it answers."""

    def usage(self, service: Service) -> Usage | None:
        """What a service takes now; None once it has ended."""

    def log(self, service: str) -> Path:
        """The file that holds what a service has said."""

    def stop(self) -> None:
        """End everything that bears the stack's id, and wait until it has ended."""
