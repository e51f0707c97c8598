"""The embedded engine: a DuckDB session for each ref that is in use."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from ...catalog.embedded import EmbeddedCatalog
from ...catalog.embedded.endpoint import Endpoint
from ..protocol import DbtTarget
from .plans import Plans
from .rows import put_rows
from .session import Session
from .statements import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from ...catalog.protocol import TableId

_shared: dict[Path, DuckDBEngine] = {}
_shared_lock = Lock()


class DuckDBEngine:
    """``engine.protocol.Engine`` over an embedded catalog."""

    def __init__(self, catalog: EmbeddedCatalog, plans: Path | None = None) -> None:
        """In ``plans`` it keeps, for other processes, what it has worked out of statements."""
        self.catalog = catalog
        self.plans = Plans(plans)
        self._endpoint = Endpoint(catalog)
        self._sessions: dict[str, Session] = {}
        self._lock = Lock()
        with _shared_lock:
            _shared.setdefault(catalog.folder, self)

    def execute(self, ref: str, sql: str) -> pa.Table:
        return run(self.session(ref), sql)

    def put_rows(self, ref: str, table: TableId, rows: pa.Table, key: Sequence[str]) -> None:
        put_rows(self.session(ref), table, rows, key)

    def session(self, ref: str) -> Session:
        """DuckDB at a ref, opened at the first use. Raises ``RefNotFound``."""
        with self._lock:
            if ref not in self._sessions:
                self._sessions[ref] = Session(self.catalog, self._endpoint, ref, self.plans)
            return self._sessions[ref]

    def dbt_target(self, ref: str) -> DbtTarget:
        self.catalog.ref(ref)
        return DbtTarget("embedded", {"LAKEKIT_REF": ref, "LAKEKIT_LAKE": str(self.catalog.folder)})

    def forget(self, ref: str) -> None:
        with self._lock:
            session = self._sessions.pop(ref, None)
        if session is not None:
            session.close()

    def close(self) -> None:
        with _shared_lock:
            if _shared.get(self.catalog.folder) is self:
                del _shared[self.catalog.folder]
        for ref in list(self._sessions):
            self.forget(ref)
        self._endpoint.close()


def shared_engine(folder: Path) -> DuckDBEngine:
    """The engine that this process has for the lake in ``folder``; opens one if there is none yet.

    dbt runs inside the process that builds: both must see one DuckDB.
    """
    with _shared_lock:
        known = _shared.get(folder.resolve())
    return known or DuckDBEngine(EmbeddedCatalog(folder))
