"""The docker backend: the services as containers on a network of their own, started through testcontainers.

The images are upstream's, at the versions that the process backend runs, and are told what to do the way upstream's
documentation says: MinIO and Nessie by their environment, Trino by the folder that is mounted at /etc/trino.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils import parse_repository_tag
from requests import RequestException
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from ..errors import StackFailed
from . import minio, nessie, trino
from .artifacts import NESSIE, TRINO
from .endpoints import BUCKET
from .launch import write_properties
from .report import progress_bar
from .service import Said, Service, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from docker.models.containers import Container

    from .report import Report
    from .service import Plan

IMAGES: Final = {
    "minio": f"minio/minio:{minio.RELEASE}",
    # Where Nessie's makers put it: what is under its name elsewhere is old.
    "nessie": f"ghcr.io/projectnessie/nessie:{NESSIE.version}",
    "trino": f"trinodb/trino:{TRINO.version}",
}
"""The images that are used unless a project's settings name others."""

_LABEL: Final = "lakekit.stack"
_SERVICE: Final = "lakekit.service"
_STOP_SECONDS: Final = 8
_HOSTS: Final = {"metadata.google.internal": "127.0.0.1", "dns": "127.0.0.11"}
"""What Nessie asks for as it starts, and would wait 20 s for where no name server answers: whether it is in Google's
cloud, and what Docker's name server is called."""
_MINIO_PORT, _NESSIE_PORT, _TRINO_PORT = 9000, 19120, 8080


class Containers:
    """The containers of one stack, labelled with its id."""

    inside: Final = {
        "s3_inside": f"http://minio:{_MINIO_PORT}",
        "nessie_inside": f"http://nessie:{_NESSIE_PORT}",
    }

    def __init__(self, stack_id: str, images: Mapping[str, str]) -> None:
        self._id = stack_id
        self._images = {**IMAGES, **images}
        self._docker = _docker()

    def start(self, plan: Plan, report: Report) -> Iterator[Service]:
        for image in self._images.values():
            _have(self._docker, image, report)
        with _told("The containers' network cannot be made."):
            network = Network(docker_network_kw={"labels": {_LABEL: self._id}}).create()
        endpoints = plan.endpoints
        for name, container, inner, outer in (
            ("minio", self._minio(plan), _MINIO_PORT, endpoints.s3_port),
            ("nessie", self._nessie(plan), _NESSIE_PORT, endpoints.nessie_port),
            ("trino", self._trino(plan), _TRINO_PORT, endpoints.trino_port),
        ):
            # Testcontainers' own way of publishing a port would open it to the network.
            container.ports[f"{inner}/tcp"] = ("127.0.0.1", outer)  # type: ignore[assignment]
            container.with_network(network).with_network_aliases(name)
            container.with_kwargs(
                labels={_LABEL: self._id, _SERVICE: name},
                extra_hosts=_HOSTS,
                # What is kept belongs to the user, not to the image's.
                **({} if plan.ephemeral or name == "trino" else {"user": f"{os.getuid()}:0"}),
            )
            report(f"starting {container.image}")
            with _told(f"The container of {name} cannot be started."), _not_reaped():
                container.start()
                if name == "minio":
                    _make_bucket(container)
            yield Service(name, _version(container.image), outer, container.get_container_id())

    def runs(self, service: Service) -> bool:
        return (container := self._find(service)) is not None and container.status == "running"

    def usage(self, service: Service) -> Usage | None:
        container = self._find(service)
        if container is None or container.status != "running":
            return None
        with _told("Docker does not say what a container takes."):
            memory = container.stats(stream=False, one_shot=True).get("memory_stats", {})
        cached = memory.get("stats", {})
        started = datetime.fromisoformat(container.attrs["State"]["StartedAt"][:19]).replace(tzinfo=UTC)
        return Usage(
            container.attrs["State"]["Pid"],
            memory.get("usage", 0) - cached.get("inactive_file", cached.get("total_inactive_file", 0)),
            (datetime.now(UTC) - started).total_seconds(),
        )

    def said(self, service: str, after: str = "") -> Said:
        if not (found := self._all(**{_SERVICE: service})):
            return Said("", "")
        (container,) = found
        before, _, last = after.partition(" ")
        if before != container.id:  # a new start has begun a new log
            last = ""
        since = int(datetime.fromisoformat(last[:19]).replace(tzinfo=UTC).timestamp()) if last else None
        with _told("Docker does not give a container's log."):
            log = container.logs(timestamps=True, since=since).decode("utf-8", "replace")
        lines = [line.partition(" ")[::2] for line in log.splitlines(keepends=True)]
        new = [(stamp, line) for stamp, line in lines if stamp > last]
        return Said("".join(line for _, line in new), f"{container.id} {new[-1][0] if new else last}")

    def stop(self, patience: float = _STOP_SECONDS) -> None:
        containers = self._all()
        with _told("Not all containers could be removed."):
            with ThreadPoolExecutor(max_workers=max(len(containers), 1)) as pool:
                list(pool.map(lambda container: _remove(container, int(patience)), containers))
            for network in self._docker.networks.list(filters={"label": f"{_LABEL}={self._id}"}):
                network.remove()

    def _find(self, service: Service) -> Container | None:
        with _told("Docker does not say what runs."):
            try:
                return self._docker.containers.get(service.handle)
            except NotFound:
                return None

    def _all(self, **labels: str) -> list[Container]:
        wanted = [f"{name}={value}" for name, value in {_LABEL: self._id, **labels}.items()]
        with _told("Docker does not say what runs."):
            return list(self._docker.containers.list(all=True, filters={"label": wanted}))

    def _minio(self, plan: Plan) -> DockerContainer:
        container = _container(self._images["minio"], plan, plan.folder / "s3" / "data", "/data")
        return container.with_command(["server", "/data", "--quiet"]).with_envs(
            **minio.environment(plan.endpoints)
        )

    def _nessie(self, plan: Plan) -> DockerContainer:
        container = _container(
            self._images["nessie"], plan, plan.folder / nessie.NAME / "data", "/lakekit/nessie"
        )
        for name, value in nessie.properties(
            plan.endpoints, None if plan.ephemeral else "/lakekit/nessie"
        ).items():
            container.with_env(name, value)
        # Which collector to use is the image's own affair: two of them would stop the JVM.
        return container.with_env("JAVA_OPTS_APPEND", f"-Xmx{nessie.HEAP}m -XX:TieredStopAtLevel=1")

    def _trino(self, plan: Plan) -> DockerContainer:
        heap = trino.heap_of(plan.memory)
        # Others may read it, for the image's user is not ours: nothing in it is secret.
        etc = plan.folder / trino.NAME / "image"
        etc.mkdir(parents=True, exist_ok=True)
        write_properties(etc / "config.properties", trino.properties(_TRINO_PORT, heap))
        write_properties(
            etc / "node.properties",
            {
                "node.environment": "lakekit",
                "node.id": "lakekit",
                "node.data-dir": "/data/trino",
                "plugin.dir": "/usr/lib/trino/plugin",
            },
        )
        write_properties(etc / "log.properties", {"": "WARN"})
        flags = [f"-Xmx{heap}m", *trino.jvm_flags(heap), "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]
        if plan.ephemeral:
            flags.append("-XX:TieredStopAtLevel=1")
        (etc / "jvm.config").write_text("\n".join(flags) + "\n", encoding="utf-8")
        container = DockerContainer(self._images["trino"]).with_volume_mapping(etc.resolve(), "/etc/trino")
        for name, value in trino.environment(plan.endpoints).items():
            container.with_env(name, value)
        return container


def version() -> str:
    """The version of Docker; raises ``StackFailed`` if it does not answer."""
    return str(_docker().version()["Version"])


def has_image(image: str) -> bool:
    """Whether Docker has an image already."""
    try:
        _docker().images.get(image)
    except ImageNotFound:
        return False
    return True


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Docker's errors are told as ours; to Python they would pass for a disk's."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise StackFailed(what, why=str(getattr(error, "explanation", None) or error)) from error


def _docker() -> docker.DockerClient:
    try:
        return docker.from_env()
    except DockerException as error:
        raise StackFailed(
            "Docker does not answer.",
            why=str(error),
            todo='start Docker, or use the process backend, which needs no Docker: backend = "process" in lakekit.toml',
        ) from error


def _version(image: str) -> str:
    """What an image's name says of its version: its tag, else how its digest begins."""
    name, _, digest = image.partition("@")
    return parse_repository_tag(name)[1] or digest[:19] or "latest"


def _have(client: docker.DockerClient, image: str, report: Report) -> None:
    """Pull an image that is not there, telling how far it has come."""
    if has_image(image):
        return
    report(f"pulling {image}")
    layers: dict[str, tuple[int, int]] = {}
    try:
        for said in client.api.pull(image, stream=True, decode=True):
            if "error" in said:
                raise StackFailed(
                    f"The image {image} cannot be pulled.", why=said["error"], todo=_OTHER_IMAGE
                )
            detail: Mapping[str, Any] = said.get("progressDetail") or {}
            if "total" in detail:
                layers[said["id"]] = detail["current"], detail["total"]
                done, total = (sum(sizes) >> 20 for sizes in zip(*layers.values(), strict=True))
                report(f"pulling {image} {progress_bar(done, total)} {done} of {total} MB")
    except APIError as error:
        raise StackFailed(
            f"The image {image} cannot be pulled.", why=str(error.explanation), todo=_OTHER_IMAGE
        ) from error


_OTHER_IMAGE: Final = "bring it from a machine that has it (docker save, docker load), or name another under [images] in lakekit.toml"


def _make_bucket(minio: DockerContainer) -> None:
    """To MinIO, a folder in its data is a bucket."""
    code, said = minio.exec(["mkdir", "-p", f"/data/{BUCKET}"])
    if code:
        raise StackFailed(f"MinIO's container has no bucket '{BUCKET}'.", why=said.decode("utf-8", "replace"))


def _container(image: str, plan: Plan, data: Path, place: str) -> DockerContainer:
    """A container whose data stays in the stack's folder, unless the stack is ephemeral."""
    container = DockerContainer(image)
    if not plan.ephemeral:
        data.mkdir(parents=True, exist_ok=True)
        container.with_volume_mapping(data.resolve(), place, "rw")
    return container


def _remove(container: Container, patience: int) -> None:
    try:
        container.stop(timeout=patience)
        container.remove(force=True, v=True)
    except NotFound:
        return  # someone else removed it, which is what was asked for


@contextmanager
def _not_reaped() -> Iterator[None]:
    """Keep testcontainers' reaper away: a stack that `lakekit up` starts stays, others have a keeper of their own."""
    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before
