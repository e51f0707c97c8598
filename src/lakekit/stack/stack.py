"""Starting, watching and stopping a stack, whatever its services are."""

from __future__ import annotations

import errno
import secrets
import shutil
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from filelock import FileLock, Timeout

from ..errors import MissingExtra, StackFailed, UsageError
from ..naming import CATALOG, MAIN
from ..settings import Ports
from . import keeper, minio, nessie, s3, trino
from .artifacts import default_cache
from .endpoints import Endpoints
from .launch import Launch, hold_port
from .process import STOP_SECONDS, Processes
from .service import Plan
from .state import Files, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .report import Report
    from .s3 import StoreName
    from .service import Backend, Said, Service
    from .state import BackendName

START_SECONDS: Final = 120.0
_DISK_ERRORS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_TAIL_LINES: Final = 15

Health = Literal["ready", "silent", "ended"]


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How one service is: ``ready``, ``silent`` (it runs, and does not answer) or ``ended``.

    Memory is its resident set in bytes, uptime in seconds; both 0 when it has ended, and so is its pid.
    """

    name: str
    version: str
    address: str
    pid: int
    health: Health
    memory: int
    uptime: float


class Stack:
    """Trino, Nessie and an S3 store, started from ``folder``. Safe to use from several processes.

    ``backend`` says what they are: child processes, or containers (of ``images``, where those are not upstream's).
    ``memory`` is what they may take in bytes, all together; ``store`` is "minio" or "s3proxy". What is not
    given is as in the stack that runs, else child processes, the least memory that Trino works with, and MinIO if
    there is one. With ``record`` the JVMs of child processes write their AOT caches there as they end.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports | None = None,
        *,
        backend: BackendName | None = None,
        images: Mapping[str, str] | None = None,
        memory: int | None = None,
        store: StoreName | None = None,
        record: Path | None = None,
    ) -> None:
        self.folder = folder
        self._files = Files(folder)
        self._ports = ports or Ports()
        self._backend_name = backend
        self._images = dict(images or {})
        self._memory = memory
        self._store = store
        self._record = record

    def up(
        self, *, ephemeral: bool = False, owner: int | None = None, report: Report = lambda _: None
    ) -> Endpoints:
        """Start what is not running, and return once a query through the catalog ``lake`` has answered.

        Data stays over ``down`` and ``up`` unless ``ephemeral``. With ``owner``, a process's id, the stack goes
        down when that process ends, however it ends, and an ephemeral one's folder with it. ``report`` is told
        what is happening. A second ``up`` at the same time waits for the first and finds its stack.

        Raises ``StackFailed``; whatever this call had started is stopped then. Raises ``UsageError`` where the
        stack runs with other memory or another store than asked for.
        """
        with self._locked(report):
            state = self._state()
            if state and self._is_well(state):
                self._require_same(state, ephemeral)
                return self._endpoints(state)
            if state:
                # One that died takes the others with it: Trino's catalogs and Nessie's memory are gone anyway.
                if ended := self._ended(state):
                    report(f"{', '.join(ended)} had ended: starting anew")
                self._stop(state)
            return self._start(self._new(ephemeral, owner, state), report)

    def down(self, *, patience: float = STOP_SECONDS) -> list[str]:
        """Stop all services and return their names; none if none ran. ``patience`` is how long they are asked, in seconds."""
        if not self.folder.is_dir():
            return []
        with self._locked():
            state = self._state()
            if not state:
                return []
            running = [service.name for service in state.services if self._backend(state).runs(service)]
            self._stop(state, patience)
            return running

    def status(self) -> list[ServiceStatus]:
        """How each service is, in the order of starting; empty when the stack was never started or is down."""
        state = self._state()
        if not state:
            return []
        backend, endpoints = self._backend(state), self._endpoints(state)
        found = []
        for service in state.services:
            usage = backend.usage(service)
            health: Health = "ended" if not usage else "ready" if _answers(service, endpoints) else "silent"
            found.append(
                ServiceStatus(
                    service.name,
                    service.version,
                    f"127.0.0.1:{service.port}",
                    usage.pid if usage else 0,
                    health,
                    usage.memory if usage else 0,
                    usage.uptime if usage else 0.0,
                )
            )
        return found

    def endpoints(self) -> Endpoints:
        """Where the running stack answers; raises ``StackFailed`` if it is down, or one of its services is."""
        state = self._state()
        if not state:
            raise StackFailed(
                f"The stack in {self.folder} is not running.",
                why="it has not been started",
                todo="lakekit up",
            )
        if ended := self._ended(state):
            raise StackFailed(
                f"The stack in {self.folder} is not running: {', '.join(ended)} ended.",
                why="\n".join(f"{name} said last:\n{self.tail(name)}" for name in ended),
                todo="lakekit up  (what was committed is all there)",
            )
        if not self._is_here(state):
            raise StackFailed(
                f"The stack in {self.folder} was started in {state.folder}, and the folder moved since.",
                todo="lakekit up  (starts it here)",
            )
        if not state.ready:
            raise StackFailed(f"The stack in {self.folder} is being started.", todo="wait for it: lakekit up")
        return self._endpoints(state)

    def said(self, service: str, after: str = "") -> Said:
        """What a service has said since it was started, or since the mark of an earlier answer.

        After ``down`` it still stands there for child processes.
        """
        state = self._state()
        return (self._backend(state) if state else Processes(self.folder, "")).said(service, after)

    def log(self, service: str) -> str:
        """What a service has said since it was started."""
        return self.said(service).text

    def tail(self, service: str) -> str:
        """The last lines that a service said."""
        return "\n".join(self.log(service).splitlines()[-_TAIL_LINES:]) or "its log is empty"

    def _start(self, state: State, report: Report) -> Endpoints:
        with ExitStack() as held:
            ports = [
                held.enter_context(hold_port(name, getattr(self._ports, name)))
                for name in ("s3", "nessie", "trino")
            ]
            try:
                if state.ephemeral:
                    for name in ("s3", nessie.NAME):
                        shutil.rmtree(self.folder / name, ignore_errors=True)
                endpoints = self._at(state, *ports)
                self._files.write(state)
            except OSError as error:
                raise self._disk_failed(error) from error
            self._start_at(endpoints, state, report)
        return endpoints

    def _start_at(self, endpoints: Endpoints, state: State, report: Report) -> None:
        try:
            if state.owner:
                Processes(self.folder, state.id).spawn(self._keeper(state.owner, remove=state.ephemeral))
            plan = Plan(self.folder, endpoints, state.memory, state.store, state.ephemeral)
            for service in self._backend(state).start(plan, report):
                state.services.append(service)
                self._files.write(state)
            for service in state.services:
                self._wait(state, service, endpoints, report)
            report("asking through the catalog")
            _warm_up(endpoints)
            state.ready = True
            self._files.write(state)
        except BaseException as error:
            with suppress(StackFailed):  # what failed first is what is told
                self._stop(state)
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                raise self._disk_failed(error) from error
            raise

    def _new(self, ephemeral: bool, owner: int | None, dead: State | None) -> State:
        """What is to be started: as asked for, else as what died was."""
        memory = int(self._memory or (dead.memory if dead else trino.MEMORY))
        if memory < trino.MEMORY:
            raise UsageError(
                f"The stack cannot work in {memory / 1e9:.1f} GB.",
                why=f"its services take {trino.MEMORY / 1e9:.1f} GB with the smallest heap that Trino works with",
                todo="give it more memory, or leave the setting out",
            )
        backend: BackendName = self._backend_name or (dead.backend if dead else "process")
        in_containers = backend == "docker"
        return State(
            id=secrets.token_hex(8),
            folder=str(self.folder.resolve()),
            backend=backend,
            images=self._images or (dead.images if dead else {}),
            memory=memory,
            store=s3.choose(
                self.folder,
                self._store,
                has_minio=in_containers or minio.find(default_cache()) is not None,
                needs_minio=in_containers,
            ),
            ephemeral=ephemeral or (dead is not None and dead.ephemeral),
            owner=owner or (dead.owner if dead else None),
        )

    def _wait(self, state: State, service: Service, endpoints: Endpoints, report: Report) -> None:
        """Return once a service answers; raises ``StackFailed`` with its log's tail if it ends or never does."""
        report(f"waiting for {service.name}")
        deadline = time.monotonic() + START_SECONDS
        while not _answers(service, endpoints):
            if ended := self._ended(state):
                raise StackFailed(
                    f"{ended[0]} ended while it was starting.",
                    why=self.tail(ended[0]),
                    todo="lakekit doctor",
                )
            if time.monotonic() > deadline:
                raise StackFailed(
                    f"{service.name} did not answer within {START_SECONDS:.0f} s.",
                    why=self.tail(service.name),
                    todo="lakekit doctor",
                )
            time.sleep(0.05)

    def _stop(self, state: State, patience: float = STOP_SECONDS) -> None:
        self._backend(state).stop(patience)
        Processes(self.folder, state.id).stop(patience)  # the keeper, whatever the backend
        self._files.forget()
        for name in ("s3", nessie.NAME, trino.NAME):
            shutil.rmtree(self.folder / name / "tmp", ignore_errors=True)
            if state.ephemeral:
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _state(self) -> State | None:
        """What was started here; None in a folder that was copied from one that is still there: it is that one's."""
        state = self._files.state()
        if state and not self._is_here(state):
            origin = Files(Path(state.folder)).state()
            if origin and origin.id == state.id:
                return None
        return state

    def _is_here(self, state: State) -> bool:
        return state.folder == str(self.folder.resolve())

    def _is_well(self, state: State) -> bool:
        return state.ready and self._is_here(state) and not self._ended(state)

    def _require_same(self, state: State, ephemeral: bool) -> None:
        differs = [
            f"{name} {has}"
            for name, wanted, has in (
                ("backend", self._backend_name, state.backend),
                ("memory", self._memory, state.memory),
                ("store", self._store, state.store),
                ("ephemeral", ephemeral or None, state.ephemeral),
            )
            if wanted is not None and wanted != has
        ]
        if differs:
            raise UsageError(
                f"The stack in {self.folder} runs with {', '.join(differs)}.",
                todo="lakekit down, and up again",
            )

    def _ended(self, state: State) -> list[str]:
        backend = self._backend(state)
        return [service.name for service in state.services if not backend.runs(service)]

    def _backend(self, state: State) -> Backend:
        if state.backend == "docker":
            return _containers(state)
        return Processes(self.folder, state.id, record=self._record)

    def _keeper(self, owner: int, *, remove: bool) -> Launch:
        # -P: the modules beside it are not its own.
        command = [sys.executable, "-P", keeper.__file__, str(self.folder.resolve()), str(owner)]
        return Launch("keeper", "", 0, [*command, "remove" if remove else "keep"], self.folder, ours=True)

    def _endpoints(self, state: State) -> Endpoints:
        ports = {service.name: service.port for service in state.services}
        # While it is being started, some are not there yet.
        return self._at(state, *(ports.get(name, 0) for name in (state.store, nessie.NAME, trino.NAME)))

    def _at(self, state: State, s3_port: int, nessie_port: int, trino_port: int) -> Endpoints:
        credentials = self._files.credentials()
        inside = self._backend(state).inside
        return Endpoints(
            statistics=False,
            trino_uri=f"http://127.0.0.1:{trino_port}",
            nessie_uri=f"http://127.0.0.1:{nessie_port}",
            s3_endpoint=f"http://127.0.0.1:{s3_port}",
            s3_access_key=credentials.access_key,
            s3_secret_key=credentials.secret_key,
            nessie_inside=inside.get("nessie_inside", ""),
            s3_inside=inside.get("s3_inside", ""),
        )

    @contextmanager
    def _locked(self, report: Report = lambda _: None) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self.folder / "lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                report("waiting for another lakekit that is at this stack")
                lock.acquire()
        except OSError as error:
            raise self._disk_failed(error) from error
        try:
            yield
        finally:
            lock.release()

    def _disk_failed(self, error: OSError) -> StackFailed:
        return StackFailed(
            f"The stack in {self.folder} cannot be started.",
            why=f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}",
            todo="give it a folder that can be written and has room (stack in lakekit.toml, or LAKEKIT_STACK)",
        )


def _containers(state: State) -> Backend:
    try:
        from .containers import Containers
    except ModuleNotFoundError as error:
        raise MissingExtra("docker", str(error.name)) from error
    return Containers(state.id, state.images)


def _answers(service: Service, endpoints: Endpoints) -> bool:
    probes = {nessie.NAME: nessie.answers, trino.NAME: trino.answers}
    return probes.get(service.name, s3.answers)(endpoints)


def _warm_up(endpoints: Endpoints) -> None:
    """Make the catalog of main and ask it something: what is ready now has answered."""
    from trino.exceptions import Error

    connection = trino.connect(endpoints)
    try:
        for statement in (trino.create_catalog_sql(CATALOG, MAIN, endpoints), f"show schemas from {CATALOG}"):
            cursor = connection.cursor()
            cursor.execute(statement)
            cursor.fetchall()
    except Error as error:
        raise StackFailed("Trino runs, but cannot reach the catalog.", why=str(error)) from error
    finally:
        connection.close()  # type: ignore[no-untyped-call]
