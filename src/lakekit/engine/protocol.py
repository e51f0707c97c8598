"""What an engine is to the rest of lakekit: Trino SQL in, Arrow out, at a ref."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..naming import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from ..catalog.protocol import TableId


@dataclass(frozen=True, slots=True)
class DbtTarget:
    """How dbt reaches an engine at a ref: a target of the project's ``profiles.yml`` and its environment."""

    name: str
    env: Mapping[str, str]
    database: str = CATALOG
    """What dbt calls the catalog that shows the ref."""


class Engine(Protocol):
    """Runs Trino SQL at a ref. Safe to use from several threads."""

    def execute(self, ref: str, sql: str) -> pa.Table:
        """Run one statement and return its rows, with the same Arrow types on every engine.

        A statement without rows gives a table without columns. Raises ``QueryFailed``; the embedded engine
        also raises ``UnsupportedSql`` for what it cannot answer as Trino would.
        """

    def put_rows(self, ref: str, table: TableId, rows: pa.Table, key: Sequence[str]) -> None:
        """Write rows in one commit in place of those with the same key; without a key they are only added.

        The table is made of the rows' schema if it is not there, its schema too; fields that may not be null stay
        required. Columns that the table lacks are added first. Raises ``QueryFailed`` where the rows do not fit.
        """

    def dbt_target(self, ref: str) -> DbtTarget:
        """Where ``dbt build`` must go to work at ``ref``."""

    def forget(self, ref: str) -> None:
        """Release whatever the engine holds for a ref that is about to be deleted."""

    def close(self) -> None:
        """Release connections."""
