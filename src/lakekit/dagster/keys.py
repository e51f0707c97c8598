"""An asset's key is its table's place in the lake: ``marts/fct_daily_sales`` is ``marts.fct_daily_sales``.

An Airbyte stream, the dbt source that declares it and a Dagster asset agree because all three are asked through here.
"""

from __future__ import annotations

import re

from dagster import AssetKey

from ..catalog.protocol import TableId
from ..errors import UsageError


def asset_key(table: TableId) -> AssetKey:
    """The key of the asset that is this table."""
    return AssetKey([table.schema, table.name])


def table_id(key: AssetKey) -> TableId:
    """The table that is this asset; raises ``UsageError`` for a key that is no table's place."""
    if len(key.path) != 2:
        raise UsageError(
            f"The asset {key.to_user_string()} is no table.",
            why="its key is not a schema and a name",
            todo='give it one of two parts: key=["marts", "fct_daily_sales"]',
        )
    return TableId(*key.path)


def plain(name: str) -> str:
    """A name as Dagster takes it for groups and checks."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
