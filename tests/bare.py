"""A virtual environment of its own, with nothing but what is installed into it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from uv import find_uv_bin

if TYPE_CHECKING:
    from pathlib import Path


class Bare:
    """Its commands are run with a home of its own, and know nothing of the environment of the tests."""

    def __init__(self, folder: Path, *requirements: str) -> None:
        self.bin = folder / "environment/bin"
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        _uv("venv", "--python", sys.executable, str(self.bin.parent))
        self.install(*requirements)

    def install(self, *requirements: str) -> None:
        """Install something more."""
        _uv("pip", "install", "--python", str(self.bin / "python"), *requirements)

    def try_(
        self, folder: Path, *command: str, given: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands in a folder, however it ends."""
        path = os.pathsep.join([str(self.bin), *os.defpath.split(os.pathsep)])
        return subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=folder,
            env={"HOME": str(self.home), "PATH": path, "CI": "true", **environment},
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def run(self, folder: Path, *command: str, given: str = "", **environment: str) -> str:
        """What a command that succeeds prints."""
        ran = self.try_(folder, *command, given=given, **environment)
        assert ran.returncode == 0, f"{command}:\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout + ran.stderr


def _uv(*arguments: str) -> None:
    ran = subprocess.run(
        [find_uv_bin(), *arguments],
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def build(source: Path, folder: Path, *options: str) -> None:
    """Build a checkout's sdist, and its wheel out of that, into a folder; or only one of them, as options say."""
    _uv("build", *options, "--python", sys.executable, "--out-dir", str(folder), str(source))
