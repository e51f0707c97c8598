"""A process that outlives a stack's owner by just so long as it takes to stop the stack.

It runs as a program of its own, and until it is needed it holds no more than what it takes to wait.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from pathlib import Path

import psutil


def main() -> None:
    """Wait until the process ``argv[2]`` has ended, then stop the stack in ``argv[1]``, and remove it if ``argv[3]`` says so."""
    folder, owner, remove = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "remove"
    with suppress(psutil.NoSuchProcess):
        psutil.Process(owner).wait()

    from lakekit.stack import Stack

    Stack(folder).down()
    if remove:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
