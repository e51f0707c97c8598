"""The demo's shop, landed as its connectors tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lakekit.landing import ConfiguredCatalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lakekit import Lake
    from lakekit.demo.shop import Shop

SOURCES: Final = ("shopify", "klaviyo")


def land(lake: Lake, shop: Shop, sync: int, sources: Sequence[str] = SOURCES) -> None:
    """What a shop's sync brings, the first being 1, from all its sources or some."""
    for source in sources:
        configured = ConfiguredCatalog.parse(shop.configured_catalog(source))
        lake.land(source, configured, shop.messages(source, sync=sync))
