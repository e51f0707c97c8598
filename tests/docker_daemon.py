"""A Docker of the tests' own: started by whichever worker asks first, stopped by the run that it was for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from lakekit.errors import StackFailed
from lakekit.stack import Stack

FOLDER = "LAKEKIT_TEST_DOCKER"


def host() -> str:
    """Where its daemon answers, with all images built; skips the test where none can be started."""
    folder = Path(os.environ[FOLDER])
    address = _address(folder)
    missing = [name for name in ("dockerd", "docker", "mmdebstrap") if not shutil.which(name)]
    if missing:
        pytest.skip(
            f"no Docker can be started: {', '.join(missing)} not found (apt install docker.io mmdebstrap)"
        )
    if os.geteuid() != 0:
        pytest.skip("no Docker can be started: it takes root")
    with FileLock(folder / "lock"):
        if not (folder / "ready").exists():
            _start(folder, address)
            from .stack.images.build import build_all

            build_all(address)
            (folder / "ready").touch()
    return address


def stack_folder() -> Path:
    """Where the stack in containers is that a whole run shares."""
    return Path(os.environ[FOLDER]) / "stack"


def stop(folder: Path) -> None:
    """Stop the shared stack and the daemon, and remove all that they kept."""
    if (folder / "stack").exists():
        with (
            pytest.MonkeyPatch.context() as patch,
            suppress(StackFailed),
        ):  # the daemon may have died by itself
            patch.setenv("DOCKER_HOST", _address(folder))
            Stack(folder / "stack").down()
    pid = folder / "pid"
    if pid.exists():
        with suppress(psutil.NoSuchProcess):
            daemon = psutil.Process(int(pid.read_text()))
            daemon.terminate()
            psutil.wait_procs([daemon], timeout=30)
    # Of the network that builds share with the machine it leaves a mount behind.
    for mounted in Path("/proc/self/mounts").read_text().splitlines():
        if Path(place := mounted.split()[1]).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", place], check=True)
    shutil.rmtree(folder)


def _address(folder: Path) -> str:
    return f"unix://{folder}/docker.sock"


def _start(folder: Path, address: str) -> None:
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                "dockerd",
                *("--host", address, "--pidfile", folder / "pid"),
                *("--data-root", folder / "data", "--exec-root", folder / "exec"),
                # Nothing leaves its networks, and the machine's own rules stay as they are.
                *("--iptables=false", "--ip6tables=false"),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    asked = ["docker", "--host", address, "info"]
    for _ in range(60):
        if subprocess.run(asked, check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.5)
    said = (folder / "log").read_text(errors="replace").splitlines()[-5:]
    daemon.kill()
    daemon.wait()
    raise AssertionError("Docker does not answer: " + " / ".join(said))
