"""Fixtures that every kind of test shares: one stack for a whole run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lakekit.stack import Endpoints

_STACK = "LAKEKIT_TEST_STACK"


def pytest_configure(config: pytest.Config) -> None:
    # The controller names the folder before it starts its workers, which inherit the environment.
    if not hasattr(config, "workerinput"):
        os.environ[_STACK] = tempfile.mkdtemp(prefix="lakekit-test-stack-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        from lakekit.stack import Stack

        folder = Path(os.environ.pop(_STACK))
        Stack(folder).down()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stack() -> Endpoints:
    """Trino, Nessie and an S3 store: real ones, started by whichever worker asks first, shared by all."""
    from lakekit.stack import Stack

    return Stack(Path(os.environ[_STACK])).up(ephemeral=True)
