"""What Dagster builds of Klaviyo: its streams and its core."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext
from dagster_dbt import dbt_assets
from lakekit.dagster import LakeDbtTranslator, LakeResource, manifest


@dbt_assets(
    manifest=manifest(__file__),
    select="streams.klaviyo core.klaviyo",
    name="klaviyo",
    dagster_dbt_translator=LakeDbtTranslator(),
)
def klaviyo(context: AssetExecutionContext, lake: LakeResource) -> Iterator[Any]:
    yield from lake.build(context)
