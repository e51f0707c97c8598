"""What Dagster builds of the marts."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext
from dagster_dbt import dbt_assets
from lakekit.dagster import LakeDbtTranslator, LakeResource, manifest


@dbt_assets(
    manifest=manifest(__file__), select="marts", name="marts", dagster_dbt_translator=LakeDbtTranslator()
)
def marts(context: AssetExecutionContext, lake: LakeResource) -> Iterator[Any]:
    yield from lake.build(context)
