"""Making the AOT caches that the stack starts fast with: a stack of its own that records, and a real build on it."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from ..errors import StackFailed
from ..lake import Lake
from ..landing import ConfiguredCatalog
from ..scaffold import new
from ..settings import Settings
from ..stack import Stack, jvm
from ..stack.artifacts import Artifacts
from .shop import Shop
from .story import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from ..stack.report import Report

_ORDERS: Final = 100
_SECONDS_TO_WRITE: Final = 300.0
_DAYS_KEPT: Final = 30


def train(report: Report) -> list[Path]:
    """Make what AOT caches are missing or damaged, for this JVM and these versions, and return them; about a minute.

    Those that nothing has used for a month are removed. Raises ``StackFailed`` where another process is at it.
    """
    artifacts = Artifacts(report)
    missing = [*jvm.untrained(artifacts), *jvm.damaged(artifacts)]
    if not missing:
        return []
    caches, java = missing[0].parent, jvm.Jvm(artifacts.cache, quick=False)
    caches.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(caches / "lock", blocking=False):
            _forget_old(caches)
            scratch = caches / "training"
            shutil.rmtree(scratch, ignore_errors=True)  # of one that was killed
            try:
                _record(scratch, report)
                report("checking the caches")
                for cache, jars in jvm.caches(artifacts).items():
                    java.install(scratch / "recorded" / cache.name, jars)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except Timeout as error:
        raise StackFailed("Another lakekit is making the caches.", todo="wait for it") from error
    if still := {cache.name for cache in jvm.untrained(artifacts)}:
        raise StackFailed(
            f"No whole cache was written for {', '.join(sorted(still))}.", todo="lakekit doctor"
        )
    for log in caches.glob("training-*.log"):
        log.unlink(missing_ok=True)
    return missing


def _record(scratch: Path, report: Report) -> None:
    recorded = scratch / "recorded"
    recorded.mkdir(parents=True)
    project = new(scratch / "shop", engine="trino")
    # Made without a look at the environment, which may speak of the user's own stack.
    settings = Settings(
        project=project,
        dbt=project / "orchestration",
        stack=scratch / "stack",
        engine="trino",
        backend="process",
    )
    shop = Shop(seed=7, orders=_ORDERS)
    # s3proxy's cache is made whether or not there is a MinIO.
    stack = Stack(settings.stack, store="s3proxy", record=recorded)
    stack.up(owner=os.getpid(), report=report)
    try:
        with Lake.over(settings) as lake:
            for source in SOURCES:
                report(f"landing {source}")
                configured = ConfiguredCatalog.parse(shop.configured_catalog(source))
                lake.land(source, configured, shop.messages(source, sync=1))
            with lake.branch() as work:
                work.build(on_node=lambda node, total: report(f"building {node.name}, one of {total}"))
                work.publish()
        report("writing the caches")
    finally:
        stack.down(patience=_SECONDS_TO_WRITE)


def _forget_old(caches: Path) -> None:
    for cache in caches.glob("*.aot"):
        with suppress(FileNotFoundError):
            if time.time() - cache.stat().st_mtime > _DAYS_KEPT * 86_400:
                cache.unlink()
                cache.with_suffix(".size").unlink()
