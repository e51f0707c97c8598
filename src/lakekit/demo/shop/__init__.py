"""A shop that one could know, simulated: what its Airbyte connectors would emit, sync after sync.

North Quay Coffee sells coffee, tea and what goes with it from New York, to people in five countries who pay in
their own currencies. Every entity is a pure function of the seed, its index and the moment it is looked at: no
state is kept, so any sync can be made alone, in the same bytes, in memory that does not grow with the shop.
"""

from .mail import METRICS
from .shop import Shop

__all__ = ["METRICS", "Shop"]
