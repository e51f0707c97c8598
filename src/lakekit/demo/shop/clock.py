"""The shop's calendar: when syncs run, when each order is made, and how instants are written."""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = 3_600
DAY: Final = 86_400
WEEK: Final = 7 * DAY

TIMEZONE: Final = ZoneInfo("America/New_York")
OPENING: Final = date(2025, 1, 6)
WEEKS_BEFORE_FIRST_SYNC: Final = 60
SYNC_HOUR: Final = 5
"""Syncs run on Mondays at five in the morning, shop time. The second one's week loses an hour to daylight saving."""

_WEEKDAYS: Final = (1.12, 1.02, 0.98, 1.0, 1.05, 0.86, 1.18)
_MONTHS: Final = (0.82, 0.86, 0.93, 0.97, 1.05, 0.98, 0.9, 0.92, 1.0, 1.06, 1.3, 1.42)
_HOURS: Final = (12, 6, 3, 2, 2, 4, 9, 18, 28, 38, 46, 52, 56, 52, 48, 46, 46, 50, 58, 70, 78, 72, 48, 26)
_DAY_CURVE: Final = tuple(total / sum(_HOURS) for total in accumulate(_HOURS, initial=0))


def midnight(day: date) -> int:
    """Epoch seconds of the local day's first instant."""
    return int(datetime(day.year, day.month, day.day, tzinfo=TIMEZONE).timestamp())


def sync_instant(sync: int) -> int:
    """When sync number ``sync`` (from 1) looks at the shop, in epoch seconds."""
    day = OPENING + timedelta(weeks=WEEKS_BEFORE_FIRST_SYNC + sync - 1)
    return int(datetime(day.year, day.month, day.day, SYNC_HOUR, tzinfo=TIMEZONE).timestamp())


def week_of(instant: int) -> int:
    """The number of the week that ends with the next sync instant; sync ``n`` ends week ``n``."""
    week = (instant - sync_instant(1)) // WEEK + 2
    # Daylight saving moves the edges by an hour.
    if instant > sync_instant(week):
        return week + 1
    if instant <= sync_instant(week - 1):
        return week - 1
    return week


@lru_cache(maxsize=65_536)
def local(instant: int) -> str:
    """As Shopify's REST interface writes it: with the shop's offset of that day."""
    return datetime.fromtimestamp(instant, TIMEZONE).isoformat()


@lru_cache(maxsize=65_536)
def utc(instant: int) -> str:
    """As the bulk queries and Klaviyo write it."""
    return datetime.fromtimestamp(instant, UTC).isoformat()


class Calendar:
    """Which order is made when: the ``n`` orders of the first sync follow a curve of growth, season, week and day.

    The curve's mass is one number per order; order ``i`` sits somewhere in [i, i + 1). So an order's instant
    and the number of orders up to an instant are both one look-up, and orders are made in the order of their index.
    """

    def __init__(self, orders: int, weeks: int) -> None:
        days = 7 * (WEEKS_BEFORE_FIRST_SYNC + weeks) + 1
        self._midnights = [midnight(OPENING + timedelta(days=day)) for day in range(days + 1)]
        masses = list(accumulate((_day_weight(day) for day in range(days)), initial=0.0))
        self._masses = masses
        scale = orders / self._mass(sync_instant(1))
        self._masses = [mass * scale for mass in masses]

    def instant(self, place: float) -> int:
        """Epoch seconds at which the curve's mass reaches ``place``."""
        day = bisect_right(self._masses, place) - 1
        share = (place - self._masses[day]) / (self._masses[day + 1] - self._masses[day])
        hour = min(bisect_right(_DAY_CURVE, share) - 1, 23)
        part = (share - _DAY_CURVE[hour]) / (_DAY_CURVE[hour + 1] - _DAY_CURVE[hour])
        length = self._midnights[day + 1] - self._midnights[day]
        return self._midnights[day] + int((hour + part) / 24 * length)

    def count(self, instant: int) -> int:
        """Orders whose place lies before ``instant``; the last of them may be made at or just after it."""
        return math.ceil(round(self._mass(instant), 6))

    def _mass(self, instant: int) -> float:
        if instant <= self._midnights[0]:
            return 0.0
        day = bisect_right(self._midnights, instant) - 1
        length = self._midnights[day + 1] - self._midnights[day]
        hours = (instant - self._midnights[day]) / length * 24
        hour = int(hours)
        share = _DAY_CURVE[hour] + (_DAY_CURVE[hour + 1] - _DAY_CURVE[hour]) * (hours - hour)
        return self._masses[day] + (self._masses[day + 1] - self._masses[day]) * share


def _day_weight(number: int) -> float:
    day = OPENING + timedelta(days=number)
    growth = 1 + number / 700
    return growth * _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1] * _event(day)


def _event(day: date) -> float:
    thanksgiving = date(day.year, 11, 1) + timedelta(days=(3 - date(day.year, 11, 1).weekday()) % 7 + 21)
    since = (day - thanksgiving).days
    if 0 <= since <= 4:
        return (1.3, 3.1, 1.9, 1.8, 2.6)[since]
    if (day.month, day.day) in {(2, 12), (2, 13)}:
        return 1.4
    return 0.35 if (day.month, day.day) == (12, 25) else 1.0
