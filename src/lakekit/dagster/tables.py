"""What a materialization of a bronze table says of the table itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..catalog.protocol import TableId
    from ..lake import Lake


def of_table(lake: Lake, table: TableId) -> dict[str, Any]:
    """How many rows and bytes it holds at the lake's ref; nothing if it is not there."""
    size = lake.size(str(table))
    if size is None:
        return {}
    rows = {} if size.rows is None else {"dagster/row_count": size.rows}
    return {**rows, "lake/bytes": size.bytes}
