"""What happens to an order, and when: a pure function of its index, so any moment of any order can be told alone."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from .clock import DAY, HOUR, WEEK, Calendar, sync_instant

if TYPE_CHECKING:
    from .chance import Chance

LIFETIME: Final = 65 * DAY
"""Nothing happens to an order after this many seconds: a later sync need not look further back."""

READING: Final = 300
"""Seconds a sync takes to read; the deletions are asked for at its end, after the orders."""


class Life(NamedTuple):
    """Instants in epoch seconds; ``refunds`` holds (instant, share): share 1 gives everything back."""

    number: int
    created: int
    visible: int
    paid: int
    fulfilled: int | None
    cancelled: int | None
    refunds: tuple[tuple[int, float], ...]
    touched: int | None
    deleted: int | None
    is_test: bool
    times: tuple[int, ...]
    """When the record changed (its ``updated_at`` values), ascending."""

    def version(self, as_of: int) -> int | None:
        """``updated_at`` as the shop shows it at ``as_of``; none where it shows no such order."""
        if self.deleted is not None and self.deleted <= as_of:
            return None
        latest = None
        for time in self.times:
            if time > as_of:
                break
            latest = time
        return latest


class Lives:
    """The lives of all orders.

    Most of what happens is drawn order by order. Besides, every week has its certain events, picked by week:
    a refund, a cancellation, a deletion, a deletion while the sync is reading, an import of an order that was
    taken offline weeks ago, and a remark that is added in the last second before the sync. So even a small
    shop's sync has one of each.
    """

    def __init__(self, chance: Chance, calendar: Calendar, weeks: int) -> None:
        self._chance = chance
        self._calendar = calendar
        self._picks: dict[int, dict[str, int]] = {}
        for week in range(-58, weeks + 1):
            draws = chance.draws(b"week", week)
            end, start = sync_instant(week), sync_instant(week - 1)
            for number, (what, oldest, newest, at) in enumerate((
                ("touched", 48 * DAY, 20 * DAY, end - 1),
                ("refund", 20 * DAY, 10 * DAY, start + HOUR + int(draws[8] * 6 * DAY)),
                ("deleted", 40 * DAY, 9 * DAY, start + HOUR + int(draws[9] * 6 * DAY)),
                ("raced", 6 * DAY, DAY, end + READING // 2),
                ("cancelled", 14 * DAY, 7 * DAY, start + HOUR + int(draws[10] * 2 * DAY)),
                ("visible", 35 * DAY, 9 * DAY, start + HOUR + int(draws[11] * 6 * DAY)),
            )):  # fmt: skip
                low, high = calendar.count(end - oldest), calendar.count(end - newest)
                start_at = low + int(draws[number] * (high - low))
                free = (i for i in chain(range(start_at, high), range(low, start_at)) if i not in self._picks)
                if (index := next(free, None)) is not None:
                    self._picks[index] = {what: at}

    def count(self, instant: int) -> int:
        """Orders up to ``instant``, by index."""
        return self._calendar.count(instant)

    def created(self, index: int) -> int:
        return self._calendar.instant(index + self._chance.draws(b"order", index)[0])

    def life(self, index: int) -> Life:  # noqa: C901  (one branch for each thing that can happen)
        d = self._chance.draws(b"order", index)
        created = self._calendar.instant(index + d[0])
        picked = self._picks.get(index)
        visible = created
        cancelled = touched = deleted = None
        fulfilled: int | None = created + int((0.5 + 3 * d[4]) * DAY)
        # Some pay by invoice.
        paid = created if d[5] < 0.95 else created + HOUR + int(d[6] * 25 * DAY)
        refunds: tuple[tuple[int, float], ...] = ()
        if d[7] < 0.018:
            cancelled = created + int((0.5 + 20 * d[8]) * HOUR)
        elif d[7] < 0.085:
            refunds = (_refund(created, d[8], d[9]),)
            if d[10] < 0.2:
                refunds = (*refunds, (refunds[0][0] + DAY + int(d[11] * 15 * DAY), d[12]))
        if picked:
            # A picked order has no other adventures: what was promised for the week must come true.
            refunds, cancelled = (), picked.get("cancelled")
            touched, visible = picked.get("touched"), picked.get("visible", created)
            deleted = picked.get("deleted", picked.get("raced"))
            if "refund" in picked:
                refunds = ((picked["refund"], 0.3 + d[9]),)
        elif d[13] < 0.0008:
            deleted = created + int((1 + 38 * d[14]) * DAY)
        elif d[13] < 0.003:
            visible = created + int((1 + 30 * d[14]) * DAY)
        elif d[13] < 0.06:
            touched = created + int((4 + 20 * d[14]) * DAY)
        if cancelled is not None:
            fulfilled = None
            if d[11] < 0.6:
                refunds = ((cancelled, 2.0),)
        events = {created, paid, fulfilled, cancelled, touched, *(time for time, _ in refunds)}
        times = tuple(sorted({max(time, visible) for time in events if time is not None}))
        return Life(index, created, visible, paid, fulfilled, cancelled, refunds, touched, deleted,
                    d[15] < 0.006 and not picked, times)  # fmt: skip


def _refund(created: int, when: float, share: float) -> tuple[int, float]:
    return created + 3 * DAY + int(when * 4 * WEEK), 0.3 + share
