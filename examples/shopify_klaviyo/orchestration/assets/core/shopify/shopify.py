"""What Dagster builds of Shopify: its streams and its core."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext
from dagster_dbt import dbt_assets
from lakekit.dagster import LakeDbtTranslator, LakeResource, manifest


@dbt_assets(
    manifest=manifest(__file__),
    select="streams.shopify core.shopify",
    name="shopify",
    dagster_dbt_translator=LakeDbtTranslator(),
)
def shopify(context: AssetExecutionContext, lake: LakeResource) -> Iterator[Any]:
    yield from lake.build(context)
