"""Everything that Dagster runs."""

from dagster import Definitions
from lakekit.dagster import LakeIOManager, LakeResource, publish_executor, retracting, sweeping

from .assets.core.klaviyo.klaviyo import klaviyo
from .assets.core.shopify.shopify import shopify
from .assets.marts.marts import marts

lake = LakeResource(project=__file__)

definitions = Definitions(
    assets=[shopify, klaviyo, marts],
    resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
    # A run works on a branch, and its success means that it is published.
    executor=publish_executor(__file__),
    jobs=[retracting(__file__)],
    schedules=[sweeping(__file__)],
)
