"""Everything that Dagster runs."""

from dagster import Definitions, load_assets_from_package_module
from lakekit.dagster import LakeIOManager, LakeResource, bronze, publish_executor, retracting, sweeping

from . import assets

# What lands a source where no Airbyte does (airbyte.url in lakekit.toml):
# {"shopify": ["source-shopify", "read", "--config", "shopify-secrets.json"]}
CONNECTORS: dict[str, list[str]] = {}

lake = LakeResource(project=__file__)

definitions = Definitions.merge(
    bronze(__file__, CONNECTORS),
    Definitions(
        # Those of each file below the folder assets.
        assets=load_assets_from_package_module(assets),
        resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
        # A run works on a branch, and its success means that it is published.
        executor=publish_executor(__file__),
        jobs=[retracting(__file__)],
        schedules=[sweeping(__file__)],
    ),
)
