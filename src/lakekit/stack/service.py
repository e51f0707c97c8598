"""What a backend is: how services are started, watched and stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .endpoints import Endpoints
    from .report import Report


@dataclass(frozen=True, slots=True)
class Service:
    """A started service. ``handle`` is what its backend knows it by: a pid, or a container's id."""

    name: str
    version: str
    port: int
    handle: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a running service takes: its pid, resident memory in bytes, and its uptime in seconds."""

    pid: int
    memory: int
    uptime: float


@dataclass(frozen=True, slots=True)
class Said:
    """What a service has said, and a mark of where that ends, which only its backend understands."""

    text: str
    mark: str


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

    @property
    def inside(self) -> Mapping[str, str]:
        """The fields of ``Endpoints`` that say where services find each other."""

    def start(self, plan: Plan, report: Report) -> Iterator[Service]:
        """Start the services side by side, each handed out as soon as it exists, not when it answers."""

    def runs(self, service: Service) -> bool:
        """Whether a service runs, answering or not."""

    def usage(self, service: Service) -> Usage | None:
        """What a service takes now; None once it has ended."""

    def said(self, service: str, after: str = "") -> Said:
        """What a service has said, all of it or after the mark of an earlier answer."""

    def stop(self, patience: float = ...) -> None:
        """End everything that bears the stack's id: asked first, and after ``patience`` seconds made to."""
