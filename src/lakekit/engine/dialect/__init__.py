"""Provisional: plain sqlglot. The contract that the engine relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import sqlglot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...catalog.protocol import TableId

SETTINGS: Final = ("set TimeZone = 'UTC'", "set integer_division = true")
MACROS: Final[tuple[str, ...]] = ()


class SchemaLookup(Protocol):
    def __call__(self, table: TableId, /) -> Mapping[str, str] | None: ...


def transpile(sql: str, _schema: SchemaLookup | None) -> str:
    return sqlglot.transpile(sql, read="trino", write="duckdb")[0]
