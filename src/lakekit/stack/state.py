"""What a stack's folder says of it: what runs, and the credentials that it was given."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ..errors import StackFailed
from .service import Service  # noqa: TC001 (msgspec reads the annotation)

if TYPE_CHECKING:
    from pathlib import Path

BackendName = Literal["process", "docker"]

_STATE: Final = "state.json"
_CREDENTIALS: Final = "credentials.json"


class State(msgspec.Struct):
    """What runs, written down before it is started. ``folder`` is where the stack was when it was."""

    id: str
    folder: str
    backend: BackendName
    images: dict[str, str]
    memory: int
    store: str
    ephemeral: bool
    owner: int | None = None
    services: list[Service] = []
    ready: bool = False
    """A query has answered: an ``up`` that was killed half-way leaves services, but not this."""


class Credentials(msgspec.Struct, frozen=True):
    """What opens the S3 store."""

    access_key: str
    secret_key: str


class Files:
    """The files of the stack in ``folder`` that say how it is."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / _STATE
        self._credentials = folder / _CREDENTIALS

    def state(self) -> State | None:
        """What runs; None if nothing was started. Raises ``StackFailed`` where the file is damaged."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise StackFailed(
                f"{self._state} is damaged.",
                why=str(error),
                todo="end its services by hand if any run, and remove it",
            ) from error

    def write(self, state: State) -> None:
        """Write down what runs, all at once."""
        partial = self._state.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(state))
        partial.replace(self._state)

    def forget(self) -> None:
        """Nothing runs any more."""
        self._state.unlink(missing_ok=True)

    def credentials(self) -> Credentials:
        """The credentials, made if there are none, and locked if others could read them; raises ``StackFailed``."""
        file = self._credentials
        if not file.exists():
            made = Credentials(secrets.token_hex(10), secrets.token_hex(20))
            partial = file.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(msgspec.json.encode(made))
            partial.replace(file)
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            file.chmod(0o600)
        try:
            return msgspec.json.decode(file.read_bytes(), type=Credentials)
        except msgspec.DecodeError as error:
            raise StackFailed(
                f"{file} does not hold the stack's credentials.",
                why=str(error),
                todo="remove it; lakekit up makes new ones",
            ) from error
