"""How dbt's nodes are called in Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster_dbt import DagsterDbtTranslator
from typing_extensions import override

from ..catalog.protocol import TableId
from .keys import asset_key, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import AssetKey


class LakeDbtTranslator(DagsterDbtTranslator):
    """A model or a source is the asset that its table's place in the lake makes it; its group is its source or its layer."""

    @override
    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        name = dbt_resource_props.get("alias") or dbt_resource_props.get("identifier")
        # The lake knows small letters only, as Trino does.
        return asset_key(
            TableId(dbt_resource_props["schema"].lower(), (name or dbt_resource_props["name"]).lower())
        )

    @override
    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return super().get_group_name(dbt_resource_props) or _folder(dbt_resource_props)


def _folder(node: Mapping[str, Any]) -> str | None:
    """The innermost folder of a model: ``shopify`` of core's and streams', ``marts`` of marts; a source's own name."""
    named = [node["source_name"]] if node["resource_type"] == "source" else node["fqn"][1:-1]
    return plain(named[-1]) if named else None
