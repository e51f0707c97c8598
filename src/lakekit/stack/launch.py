"""How a process is to be started, and which port it gets."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from ..errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


_GIVEN: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Launch:
    """A service as a process. ``env`` adds to the little that every process is given of this one's environment.

    One that is not ``ours`` gets no more: what else is in there could change its settings, or be a secret.
    """

    name: str
    version: str
    port: int
    command: Sequence[str]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    ours: bool = False

    @property
    def environment(self) -> Mapping[str, str]:
        """What the process is to be started with."""
        given = os.environ if self.ours else {name: os.environ[name] for name in _GIVEN if name in os.environ}
        return {**given, **self.env}


def write_properties(file: Path, settings: Mapping[str, object]) -> None:
    """Write a Java properties file, a line a setting."""
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")


def choose_port(service: str, fixed: int | None) -> int:
    """A port on 127.0.0.1 that is free now: ``fixed`` (``StackFailed`` if taken), or any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", fixed or 0))
        except OSError as error:
            raise StackFailed(
                f"Port {fixed}, fixed for {service}, is taken{_holder(fixed)}.",
                why=str(error),
                todo=f"free it, or change or remove ports.{service} in lakekit.toml",
            ) from error
        return int(probe.getsockname()[1])


def _holder(port: int | None) -> str:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            name = psutil.Process(connection.pid).name() if connection.pid else "another user's process"
            return f" by {name} (pid {connection.pid})"
    return ""
