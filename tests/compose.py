"""Compose, of whichever kind the machine has."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def command() -> list[str]:
    """How it is called; skips the test where there is none."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    pytest.skip("no compose to ask: neither `docker compose` nor docker-compose (apt install docker-compose)")
