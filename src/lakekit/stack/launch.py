"""How a process is to be started, and which port it gets."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from ..errors import StackFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
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


@contextmanager
def hold_port(service: str, fixed: int | None) -> Iterator[int]:
    """A free port on 127.0.0.1, ``fixed`` or any, kept for the service while the block runs.

    On Linux the system gives a bound port to no one who asks for any; who asks for this one and sets SO_REUSEADDR,
    as Java, MinIO and Docker do, may listen there, for this socket does not. Elsewhere they could not: there it is
    let go at once, and with bad luck taken by someone else. Raises ``StackFailed`` if ``fixed`` is taken.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", fixed or 0))
        except OSError as error:
            raise StackFailed(
                f"Port {fixed}, fixed for {service}, is taken{_holder(fixed)}.",
                why=str(error),
                todo=f"free it, or change or remove ports.{service} in lakekit.toml",
            ) from error
        port = int(holder.getsockname()[1])
        if sys.platform != "linux":
            holder.close()
        yield port


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
