"""Everything that Dagster runs."""

from dagster import Definitions
from lakekit.dagster import LakeResource, publish_executor

from .assets.core.klaviyo.klaviyo import klaviyo
from .assets.core.shopify.shopify import shopify
from .assets.marts.marts import marts

definitions = Definitions(
    assets=[shopify, klaviyo, marts],
    resources={"lake": LakeResource(project=__file__)},
    executor=publish_executor(__file__),
)
