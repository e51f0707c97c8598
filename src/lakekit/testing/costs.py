"""What building a model cost: time, statements, rows written, bytes read.

Time and statements are counted while it is built. What the lake itself can tell afterwards it is asked only when
someone wants to know: rows written stand in the manifests of the table's new snapshots, bytes read in DuckDB's log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..catalog.protocol import Entry
    from ..dbt.recording import Building
    from ..engine.duckdb.session import Session
    from ..lake import Lake


_watched: WeakSet[Session] = WeakSet()
"""The sessions that write down what they read."""


@dataclass(frozen=True)
class Cost:
    """What one build of a model cost. ``seconds`` is how long it took, ``statements`` how many dbt ran."""

    model: str
    seconds: float
    statements: int
    _count_rows: Callable[[], int] = field(repr=False, compare=False)
    _count_bytes: Callable[[], int] = field(repr=False, compare=False)

    @cached_property
    def rows_written(self) -> int:
        """How many rows went into data files: of a merge, those that were inserted and those that were changed."""
        return self._count_rows()

    @cached_property
    def bytes_read(self) -> int:
        """How many bytes of files were read; what an engine had in memory already is not among them."""
        return self._count_bytes()


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


def bytes_read_by_duckdb(session: Session) -> Callable[[], Callable[[], int]]:
    """Starts to look; call what it returns at the end, and what that returns to be told."""
    if session not in _watched:
        with session.cursor() as cursor:
            cursor.execute("call enable_logging('FileSystem')")
        _watched.add(session)
    since = datetime.now(UTC)

    def ended() -> Callable[[], int]:
        until = datetime.now(UTC)

        def count() -> int:
            with session.cursor() as cursor:
                found = cursor.execute(
                    "select coalesce(sum(bytes), 0) from duckdb_logs_parsed('FileSystem')"
                    " where op = 'READ' and timestamp between ? and ?",
                    [since, until],
                ).fetchone()
            return int(found[0]) if found else 0

        return count

    return ended


def bytes_read_by_trino(building: Building) -> int:
    """What Trino says of the statements of a build that has ended."""
    return sum(int((cursor.stats or {}).get("physicalInputBytes", 0)) for cursor in building.cursors)
