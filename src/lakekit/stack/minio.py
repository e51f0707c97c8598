"""Finding MinIO, or building it: upstream gives out no programs any more, only its sources."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from ..errors import StackFailed
from .report import progress_bar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .endpoints import Endpoints
    from .report import Report

RELEASE: Final = "RELEASE.2025-09-07T16-13-09Z"
"""The release that is built: the last that upstream published an image of."""

# MinIO's tags are not what Go takes for versions: its commit stands for the release.
_MODULE: Final = "github.com/minio/minio"
_VERSION: Final = "v0.0.0-20250907161309-07c3a429bfed"
_PACKAGES: Final = 1_300
"""About how many Go packages are compiled."""


def find(cache: Path) -> Path | None:
    """MinIO's program: ``LAKEKIT_MINIO``, else on PATH, else the one that ``build`` left in the cache.

    Raises ``StackFailed`` where ``LAKEKIT_MINIO`` names no program.
    """
    if named := os.environ.get("LAKEKIT_MINIO"):
        if program := shutil.which(named):
            return Path(program)
        raise StackFailed(
            f"LAKEKIT_MINIO is '{named}', which is no program.", todo="set it to MinIO's path, or unset it"
        )
    if on_path := shutil.which("minio"):
        return Path(on_path)
    built = _place(cache)
    return built if built.is_file() else None


def build(cache: Path, report: Report) -> Path | None:
    """MinIO's program, built with Go if there is none yet: some minutes, once. None where there is no Go either.

    Raises ``StackFailed`` where the build fails.
    """
    if found := find(cache):
        return found
    go = shutil.which("go")
    if go is None:
        return None
    place = _place(cache)
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place.parent}.lock"):
        if not place.is_file():
            scratch = place.parent / "building"
            try:
                _install(go, scratch, report)
                (scratch / place.name).replace(place)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return place


def environment(endpoints: Endpoints) -> Mapping[str, str]:
    """What MinIO is told by its environment, as a process or in a container."""
    return {
        "MINIO_ROOT_USER": endpoints.s3_access_key,
        "MINIO_ROOT_PASSWORD": endpoints.s3_secret_key,
        "MINIO_UPDATE": "off",
        "MINIO_BROWSER": "off",
    }


def version(program: Path) -> str:
    """The release that a MinIO program says it is; it takes a moment to say it, and one that was built need not."""
    if program.parent.name == f"minio-{RELEASE}":
        return RELEASE
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True).stdout.split()
    return said[2] if len(said) > 2 else "unknown"


def _place(cache: Path) -> Path:
    return cache / f"minio-{RELEASE}" / "minio"


def _install(go: str, folder: Path, report: Report) -> None:
    names = {"Version": RELEASE.removeprefix("RELEASE."), "ReleaseTag": RELEASE, "CommitID": _VERSION[-12:]}
    flags = " ".join(f"-X {_MODULE}/cmd.{name}={value}" for name, value in names.items())
    command = [go, "install", "-v", "-trimpath", f"-ldflags=-s -w {flags}", f"{_MODULE}@{_VERSION}"]
    said = []
    with subprocess.Popen(
        command, env={**os.environ, "GOBIN": str(folder)}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        report(f"building MinIO {RELEASE}, once")
        compiled = 0
        for line in process.stderr:
            said.append(line)
            if not line.startswith("go: "):  # what it downloads
                compiled += 1
            bar = progress_bar(compiled, _PACKAGES)
            report(f"building MinIO, once {bar} {compiled} of about {_PACKAGES} packages")
    if process.returncode:
        raise StackFailed(
            "MinIO could not be built.",
            why="".join(said[-5:]).strip(),
            todo='put a minio on PATH or name it in LAKEKIT_MINIO; or choose the other store: store = "s3proxy"',
        )
