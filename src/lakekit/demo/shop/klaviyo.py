"""The Klaviyo connector's streams: what each sync reads, in the order of the cursors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clock import DAY, sync_instant
from .mail import AFTER, BEFORE, KNOWN_BEFORE
from .protocol import in_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .mail import Event
    from .world import World

_CHANGES_FOR = 26 * DAY
"""A profile changes for the last time this long after the order that it came with."""


def profiles(world: World) -> Iterator[dict[str, Any]]:
    """The filter is strict here: nothing is repeated."""
    if world.before is None:
        yield world.mail.profile_record(b"reader", -1, (sync_instant(-66),), sync_instant(-66))
    for updated, index, kind, times in in_order(_profiles(world)):
        yield world.mail.profile_record(kind, index, times, updated)


def campaigns(world: World) -> Iterator[dict[str, Any]]:
    since = world.mail.campaigns(world.before)[-1][0] if world.before else 0
    for updated, number in world.mail.campaigns(world.now):
        if updated >= since:
            yield world.mail.campaign_record(number, updated)


def flows(world: World) -> Iterator[dict[str, Any]]:
    since = world.mail.flows(world.before)[-1][0] if world.before else 0
    for updated, number in world.mail.flows(world.now):
        if updated >= since:
            yield world.mail.flow_record(number, updated)


def events(world: World) -> Iterator[dict[str, Any]]:
    """From the last second of the sync before: its digest comes again. Some events come twice, as at a page's seam."""
    for _, owner, place, event in in_order(_events(world)):
        record = world.mail.event_record(event, (owner, place))
        yield record
        if place == 0 and owner % 97 == 0:
            yield record


def _profiles(world: World) -> Iterator[tuple[int, list[tuple[int, int, bytes, tuple[int, ...]]]]]:
    for index in world.indexes(_CHANGES_FOR, KNOWN_BEFORE):
        entries = []
        for kind, times in world.mail.people(index):
            past = [time for time in times if time <= world.now]
            if past and max(past) > (world.before or 0):
                entries.append((max(past), index, kind, times))
        yield world.lives.created(index) - KNOWN_BEFORE, entries


def _events(world: World) -> Iterator[tuple[int, list[tuple[int, int, int, Event]]]]:
    since = world.before - 1 if world.before else 0
    digests = range(world.sync - 1 if world.before else world.sync - 58, world.sync + 1)
    # Digests first: there is one a week, and they are held until their time has come.
    yield (
        0,
        [(event.instant, -week - 100, 0, event) for week in digests for event in [world.mail.digest(week)]],
    )
    for index in world.indexes(AFTER, BEFORE):
        yield (
            world.lives.created(index) - BEFORE,
            [
                (event.instant, index, place, event)
                for place, event in enumerate(world.mail.events(index))
                if since <= event.instant <= world.now
            ],
        )
