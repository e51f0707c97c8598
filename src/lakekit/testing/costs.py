"""What building a model cost: time, statements, rows written, bytes read.

Time and statements are counted while it is built. Rows written stand in the manifests of the table's new snapshots, and
are asked for when someone wants to know. Bytes read DuckDB must write down as it goes: it does so for those who asked.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..catalog.protocol import Entry
    from ..dbt.recording import Building
    from ..engine.duckdb.session import Session
    from ..lake import Lake


@dataclass(frozen=True)
class Cost:
    """What one build of a model cost. ``seconds`` is how long it took, ``statements`` how many dbt ran."""

    model: str
    seconds: float
    statements: int
    _count_rows: Callable[[], int] = field(repr=False, compare=False)
    _bytes_read: int | None = field(repr=False, compare=False)

    @cached_property
    def rows_written(self) -> int:
        """How many rows went into data files: of a merge, those that were inserted and those that were changed."""
        return self._count_rows()

    @property
    def bytes_read(self) -> int:
        """How many bytes of files were read; on Trino, those that it had not in memory.

        Raises ``UsageError`` where no one asked for it before the build: it is not for nothing.
        """
        if self._bytes_read is None:
            raise UsageError(
                f"What the build of {self.model} read was not measured.",
                todo="set `lake.measures_bytes = True` before the build, or run pytest with --lake-costs",
            )
        return self._bytes_read


class Meter:
    """Runs while a model is built: for how long, and how many bytes DuckDB reads in the session that it watches, if any."""

    def __init__(self, watched: Session | None) -> None:
        self.seconds = 0.0
        self.bytes_read = 0
        self._watched = watched

    def __enter__(self) -> Self:
        # What others have read before, a test or coverage, is not to make a model cheaper.
        self._run("set enable_external_file_cache = false")
        self._go_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        if self._watched:
            [[self.bytes_read]] = self._run(
                "select coalesce(sum(bytes), 0)::bigint from duckdb_logs_parsed('FileSystem') where op = 'READ'"
            )
            self._run("call truncate_duckdb_logs()")
            self._run("set enable_external_file_cache = true")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done in here is no part of the build."""
        self._stop()
        try:
            yield
        finally:
            self._go_on()

    def _go_on(self) -> None:
        self._run("call enable_logging('FileSystem')")
        self._since = time.monotonic()

    def _stop(self) -> None:
        self.seconds += time.monotonic() - self._since
        self._run("call disable_logging()")

    def _run(self, statement: str) -> list[Any]:
        if self._watched is None:
            return []
        with self._watched.cursor() as cursor:
            return cursor.execute(statement).fetchall()


def rows_written(lake: Lake, before: Entry | None, after: Entry | None) -> int:
    """How many rows the snapshots added that a table has after a build and had not before."""
    from pyiceberg.manifest import ManifestContent
    from pyiceberg.table import StaticTable

    if after is None or after.kind == "view" or (before and before.pointer == after.pointer):
        return 0
    properties = lake.catalog.iceberg(lake.ref).properties

    def table(entry: Entry) -> Any:
        return StaticTable.from_metadata(entry.pointer, properties=properties)

    known = (
        {one.snapshot_id for one in table(before).metadata.snapshots}
        if before and before.kind == "table"
        else set()
    )
    now = table(after)
    return sum(
        manifest.added_rows_count or 0
        for snapshot in now.metadata.snapshots
        if snapshot.snapshot_id not in known
        for manifest in snapshot.manifests(now.io)
        if manifest.content == ManifestContent.DATA and manifest.added_snapshot_id == snapshot.snapshot_id
    )


def bytes_read_by_trino(building: Building) -> int:
    """What Trino says of the statements of a build that has ended."""
    return sum(int((cursor.stats or {}).get("physicalInputBytes", 0)) for cursor in building.cursors)
