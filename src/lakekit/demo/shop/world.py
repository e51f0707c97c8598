"""Everything that one sync can see."""

from __future__ import annotations

from .basket import Baskets
from .catalogue import Catalogue
from .chance import Chance
from .clock import DAY, WEEKS_BEFORE_FIRST_SYNC, Calendar, sync_instant
from .life import Lives
from .mail import Mail

_AHEAD = 6
"""Weeks of the future that cast their shadow: people read and join before they buy."""


class World:
    """The shop as sync ``sync`` finds it, at ``now``; the one before it looked at ``before`` (none for the first).

    Longer worlds only add to shorter ones, so every sync can be made without those before it.
    """

    def __init__(self, seed: int, orders: int, sync: int) -> None:
        self.sync = sync
        self.now = sync_instant(sync)
        self.before = sync_instant(sync - 1) if sync > 1 else None
        self.chance = Chance(seed)
        self.calendar = Calendar(orders, sync + _AHEAD)
        self.catalogue = Catalogue(self.chance, sync + _AHEAD)
        self.lives = Lives(self.chance, self.calendar, sync + _AHEAD)
        per_day = orders / (7 * WEEKS_BEFORE_FIRST_SYNC)
        self.baskets = Baskets(self.chance, self.catalogue, self.lives, per_day)
        self.mail = Mail(self.chance, self.lives, self.baskets)
        self.shop_url = "north-quay-coffee"

    def indexes(self, back: int, ahead: int = 0) -> range:
        """Orders made from ``back`` seconds before the sync before this one until ``ahead`` seconds after this one."""
        first = 0 if self.before is None else self.calendar.count(self.before - back - DAY)
        return range(max(first - 1, 0), self.calendar.count(self.now + ahead))
