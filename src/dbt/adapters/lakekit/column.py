"""A column in Trino's types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dbt.adapters.base.column import Column
from typing_extensions import override


@dataclass
class LakekitColumn(Column):
    """A column whose ``dtype`` is complete: ``decimal(18,2)``, ``array(varchar)``."""

    TYPE_LABELS: ClassVar[dict[str, str]] = {
        "STRING": "varchar",
        "TEXT": "varchar",
        "FLOAT": "double",
        "TIMESTAMP": "timestamp(6)",
        "NUMERIC": "decimal(28,6)",
        "INT": "integer",
    }

    @property
    @override
    def data_type(self) -> str:
        return self.dtype

    @override
    def is_string(self) -> bool:
        return self.dtype.lower().startswith(("varchar", "char"))

    @override
    def is_numeric(self) -> bool:
        return self.dtype.lower().startswith(("decimal", "numeric"))

    @override
    def string_size(self) -> int:
        return 2**31 - 1

    @classmethod
    @override
    def string_type(cls, size: int) -> str:
        return "varchar"
