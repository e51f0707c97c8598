"""A build as Dagster's events: what became of each model, and what each check said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    Failure,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableRecord,
    TableSchema,
)
from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY

from ..dbt import stream
from ..errors import BuildFailed
from ..naming import quote
from .keys import table_id
from .manifest import node_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dagster import AssetCheckKey, AssetExecutionContext, AssetKey

    from ..dbt import Node
    from ..lake import Lake

_ROWS: Final = 5
"""So many of a failed check's rows are shown."""


def build(
    context: AssetExecutionContext, lake: Lake, manifest: Mapping[str, Any], *, full_refresh: bool = False
) -> Iterator[MaterializeResult[Any] | AssetCheckResult]:
    """Build the models and run the checks that the step is to, at the lake's ref; each is told as dbt finishes it.

    ``manifest`` is what its ``@dbt_assets`` was made of. Raises ``Failure`` where a model failed; a failed check is an
    event, and stops what depends on its model. A run that is canceled stops dbt.
    """
    assets = _assets(context)
    checks = _checks(context)
    nodes = {**manifest["nodes"], **manifest.get("unit_tests", {})}
    select = " ".join(_selector(nodes[id_]["fqn"]) for id_ in (*assets, *checks))
    finished = stream(
        lambda on_node: lake.build(select, full_refresh=full_refresh, only_named=True, on_node=on_node)
    )
    try:
        for node, _ in finished:
            if node.ok and (asset := assets.get(node.id)):
                yield _materialized(lake, asset, node, nodes[node.id])
            elif node.status != "skipped" and (check := checks.get(node.id)):
                yield _checked(lake, check, node)
            # What is fine has told so by its event: each line more is one more write to Dagster's storage.
            if not node.ok:
                context.log.error("%s %s: %s in %.1f s", node.kind, node.name, node.status, node.seconds)
    except BuildFailed as error:
        raise Failure(str(error), allow_retries=False) from error
    finally:
        finished.close()


def _selector(fqn: Sequence[str]) -> str:
    """What selects one node in dbt: as a pattern, which matches whole names, for a name alone is a folder's, too.

    dbt has no quotes: what is syntax to it is any sign.
    """
    name = re.sub(r"[^\w.-]", "?", ".".join(fqn))
    return name if "?" in name else f"{name[:-1]}[{name[-1]}]"


def _assets(context: AssetExecutionContext) -> dict[str, AssetKey]:
    """The step's assets by dbt's ids."""
    specs = (context.assets_def.get_asset_spec(key) for key in context.selected_asset_keys)
    return {spec.metadata[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY]: spec.key for spec in specs}


def _checks(context: AssetExecutionContext) -> dict[str, AssetCheckKey]:
    """The step's checks by dbt's ids."""
    specs = (context.assets_def.get_spec_for_check_key(key) for key in context.selected_asset_check_keys)
    return {node_id((spec.metadata or {})[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY]): spec.key for spec in specs}


def _materialized(lake: Lake, key: AssetKey, node: Node, model: Mapping[str, Any]) -> MaterializeResult[Any]:
    return MaterializeResult(
        asset_key=key, metadata={**_shape(lake, key, model), "seconds": round(node.seconds, 3)}
    )


def _shape(lake: Lake, key: AssetKey, model: Mapping[str, Any]) -> dict[str, Any]:
    """A table's columns and how many rows it has, under the names that Dagster shows as such."""
    id_, described = table_id(key), model.get("columns", {})
    columns = [
        TableColumn(row["Column"], row["Type"], described.get(row["Column"], {}).get("description"))
        for row in lake.sql(f"describe {quote(id_.schema, id_.name)}")
    ]
    found: dict[str, Any] = {"dagster/column_schema": TableSchema(columns)}
    if model["config"]["materialized"] != "view":  # to count a view is to compute it
        [row] = lake.sql(f"select count(*) as n from {quote(id_.schema, id_.name)}")
        found["dagster/row_count"] = row["n"]
    return found


def _checked(lake: Lake, key: AssetCheckKey, node: Node) -> AssetCheckResult:
    metadata: dict[str, Any] = {"seconds": round(node.seconds, 3), "status": node.status}
    if node.message:
        metadata["message"] = node.message
    if node.kind == "test" and node.status in {"fail", "warn"}:
        metadata["rows"] = _failing(lake, node)
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=node.ok and node.status != "warn",
        severity=AssetCheckSeverity.WARN if node.status == "warn" else AssetCheckSeverity.ERROR,
        metadata=metadata,
    )


def _failing(lake: Lake, node: Node) -> Any:
    """The first of the rows that a data test found."""
    rows = lake.sql(f"select * from (\n{node.query}\n) as failing limit {_ROWS}")
    names = _distinct(rows.columns)
    records = rows.arrow().rename_columns(names).to_pylist()
    return MetadataValue.table(
        [TableRecord({name: _plain(value) for name, value in row.items()}) for row in records],
        TableSchema([TableColumn(name) for name in names]),
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of columns; those after the first that is called so are numbered."""
    return [
        f"{name} ({earlier + 1})" if (earlier := names[:at].count(name)) else name
        for at, name in enumerate(names)
    ]


def _plain(value: Any) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
