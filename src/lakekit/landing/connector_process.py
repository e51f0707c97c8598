"""An Airbyte connector as a child process. Source: the Airbyte protocol, ``read``."""

from __future__ import annotations

import json
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from ..errors import LandingFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_STOP_SECONDS: Final = 10.0
_TAIL_LINES: Final = 15


@contextmanager
def connector(
    command: Sequence[str],
    catalog: Path | Mapping[str, Any],
    states: Sequence[dict[str, Any]],
    *,
    cwd: Path | None = None,
) -> Iterator[Iterator[bytes]]:
    """Run ``command`` (``source-shopify read --config secrets.json``) and give its messages, line by line.

    ``--catalog`` (a file, or what is to be in one) is added, and ``--state`` if there are states. The process ends
    with the block, whatever it was doing. Raises ``UsageError`` if it cannot be started; reading its last line raises
    ``LandingFailed``, with what it last wrote to standard error, if it exits with anything but 0.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lakekit-connector-") as folder,
        tempfile.TemporaryFile() as errors,
    ):
        if not isinstance(catalog, Path):
            catalog = _written(catalog, Path(folder, "catalog.json"))
        arguments = [*command, "--catalog", str(catalog.resolve())]
        if states:
            arguments += ["--state", str(_written(states, Path(folder, "state.json")))]
        try:
            process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, cwd=cwd
            )
        except OSError as error:
            raise cannot_start(command[0], error) from error
        try:
            yield _messages(process, command[0], errors)
        finally:
            _end(process)


def cannot_start(name: str, error: OSError) -> UsageError:
    """What a person is told whose connector is not there, or is no program."""
    return UsageError(
        f"The connector '{name}' cannot be started.", why=str(error), todo="install it, or give its path"
    )


def last_lines(errors: bytes) -> str:
    """The end of what a connector wrote to standard error, where it says why it failed."""
    return "\n".join(errors.decode(errors="replace").splitlines()[-_TAIL_LINES:])


def _written(content: Any, file: Path) -> Path:
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def _messages(process: subprocess.Popen[bytes], name: str, errors: IO[bytes]) -> Iterator[bytes]:
    assert process.stdout is not None
    yield from process.stdout
    if code := process.wait():
        errors.seek(0)
        raise LandingFailed(
            f"The connector '{name}' exited with {code}.",
            why=last_lines(errors.read()) or "it wrote nothing to standard error",
            todo="mend what it says and land again; what was echoed is durable",
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
