"""A lakehouse in containers, for as long as a block or a test run lasts."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..errors import ProjectError
from ..lake import Lake
from ..settings import Settings
from ..stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from ..stack import Endpoints
    from ..stack.report import Report


class LakehouseContainers:
    """Trino, Nessie and MinIO as containers; the block gets the lake, and at its end nothing is left.

    It is the lake of the project around the working directory, if there is one, so that its models can be built.
    ``images`` replaces upstream's (keys "trino", "nessie", "minio"), ``memory`` is what all may take, in bytes.

    ::

        with LakehouseContainers() as lake:
            lake.sql("select 1")
    """

    endpoints: Endpoints
    """Addresses and credentials, while the block runs."""

    def __init__(
        self,
        *,
        memory: int | None = None,
        images: Mapping[str, str] | None = None,
        report: Report = lambda _: None,
    ) -> None:
        self._memory = memory
        self._images = dict(images or {})
        self._report = report
        self._closing = ExitStack()

    def __enter__(self) -> Lake:
        """Start them; raises ``StackFailed``, with what a container said last if it does not answer."""
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="lakekit-containers-")))
            settings = _settings(folder)
            images = {**settings.images.given, **self._images}
            stack = Stack(settings.stack, backend="docker", memory=self._memory, images=images)
            opened.callback(stack.down)
            self.endpoints = stack.up(ephemeral=True, owner=os.getpid(), report=self._report)
            lake = opened.enter_context(Lake.over(settings))
            self._closing = opened.pop_all()
        return lake

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.close()


@pytest.fixture(scope="session")
def lakehouse_containers() -> Iterator[Lake]:
    """A lake in containers for the whole run: ``pytest_plugins = ["lakekit.testing.containers"]``."""
    with LakehouseContainers() as lake:
        yield lake


def _settings(folder: Path) -> Settings:
    try:
        settings = Settings.load(engine="trino")
    except ProjectError:
        settings = Settings(project=folder, dbt=folder, engine="trino")
    return settings.but(stack=folder / "stack", backend="docker")
