"""Everything that Dagster runs."""

from dagster import Definitions, load_assets_from_package_module
from lakekit.dagster import LakeIOManager, LakeResource, publish_executor, retracting, sweeping

from . import assets

lake = LakeResource(project=__file__)

definitions = Definitions(
    # Those of each file below the folder assets.
    assets=load_assets_from_package_module(assets),
    resources={"lake": lake, "io_manager": LakeIOManager(lake=lake)},
    # A run works on a branch, and its success means that it is published.
    executor=publish_executor(__file__),
    jobs=[retracting(__file__)],
    schedules=[sweeping(__file__)],
)
