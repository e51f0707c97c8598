"""The e-mail account: campaigns, flows, profiles and what they did, in Klaviyo's JSON:API form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from .clock import DAY, HOUR, OPENING, WEEKS_BEFORE_FIRST_SYNC, midnight, sync_instant, utc, week_of
from .orders import order_id
from .people import Person, person

if TYPE_CHECKING:
    from .basket import Baskets
    from .chance import Chance
    from .life import Lives

METRICS: Final = {
    "Received Email": "RcvEm1",
    "Opened Email": "OpnEm2",
    "Clicked Email": "ClkEm3",
    "Placed Order": "PlcOr4",
}
"""Metric ids by name, the same in every demo account."""

BEFORE: Final = 13 * DAY
"""An order's earliest e-mail comes at most this long before it."""
AFTER: Final = 9 * DAY
"""And its last this long after it."""
KNOWN_BEFORE: Final = 31 * DAY
"""Profiles are made at most this long before their owner's first order."""

_API: Final = "https://a.klaviyo.com/api"
_FLOWS: Final = (("Welcome Series", "List"), ("Abandoned Cart", "Metric"), ("Post-Purchase Thank You", "Metric"), ("Customer Winback", "Metric"), ("Weekly Team Digest", "List"))  # fmt: skip
_THEMES: Final = ("New harvest is in", "Brew better at home", "Back in stock", "The tea table", "Weekend offer", "Meet the growers", "Gifts under $50", "Limited edition", "Ask a barista")  # fmt: skip
_WINDOW: Final = 5 * DAY


class Event(NamedTuple):
    """Something that a person did; ``campaign`` and ``flow`` are numbers, at most one of them is set."""

    instant: int
    metric: str
    kind: bytes
    person: int
    campaign: int | None = None
    flow: int | None = None
    order: int | None = None


class Mail:
    """The account. Everything but the flows and campaigns follows from an order's index."""

    def __init__(self, chance: Chance, lives: Lives, baskets: Baskets) -> None:
        self._chance = chance
        self._lives = lives
        self._baskets = baskets

    # -- campaigns and flows: two of the former a week, five of the latter --

    @staticmethod
    def sent(campaign: int) -> int:
        """Tuesdays at ten, Fridays at half past nine, shop time."""
        day = OPENING + timedelta(weeks=campaign // 2, days=1 if campaign % 2 == 0 else 4)
        return midnight(day) + (10 * HOUR if campaign % 2 == 0 else 9 * HOUR + HOUR // 2)

    def campaigns(self, as_of: int) -> list[tuple[int, int]]:
        """(``updated_at``, number) of every campaign that exists."""
        number, found = 0, []
        while (sent := self.sent(number)) - 3 * DAY <= as_of:
            found.append((max(t for t in (sent - 3 * DAY, sent - DAY, sent + 1_200) if t <= as_of), number))
            number += 1
        return sorted(found)

    def flows(self, as_of: int) -> list[tuple[int, int]]:
        """(``updated``, number) of every flow: each week somebody works on one of them."""
        week = week_of(as_of)
        found = []
        for number in range(len(_FLOWS)):
            edits = [
                sync_instant(w - 1) + 2 * DAY + 5 * HOUR
                for w in range(week, week - 6, -1)
                if w % len(_FLOWS) == number
            ]
            found.append((max(t for t in edits if t <= as_of), number))
        return sorted(found)

    def latest_campaign(self, instant: int) -> int:
        number = 2 * (week_of(instant) - 2 + WEEKS_BEFORE_FIRST_SYNC) + 3
        while number > 0 and self.sent(number) + 60 > instant:
            number -= 1
        return number

    # -- people --

    def people(self, index: int) -> list[tuple[bytes, tuple[int, ...]]]:
        """Who joins around order ``index``: (kind, instants at which the profile changed)."""
        d = self._chance.draws(b"profile", index)
        ordered = self._lives.created(index)
        found: list[tuple[bytes, tuple[int, ...]]] = []
        root = self._baskets.root(index)
        kind = b"guest" if root is None else b"buyer"
        if root in (None, index) and person(self._chance, kind, index).in_klaviyo:
            joined = ordered - int((13 + 18 * d[0]) * DAY)
            later = (ordered + int(25 * d[2] * DAY),) if d[1] < 0.3 else ()
            found.append((kind, (joined, ordered + 30, *later)))
        if d[3] < 0.15:
            found.append((b"reader", (ordered,)))
        return found

    def profile_id(self, kind: bytes, number: int) -> str:
        return "01" + self._chance.token(b"p:" + kind, number, 24)

    # -- events --

    def events(self, index: int) -> list[Event]:
        """All that happens by e-mail around order ``index``, at the edges of the attribution window too."""
        d = self._chance.draws(b"touch", index)
        ordered = self._lives.created(index)
        life = self._lives.life(index)
        root = self._baskets.root(index)
        kind, number = (b"guest", index) if root is None else (b"buyer", root)
        found: list[Event] = []
        if person(self._chance, kind, number).in_klaviyo and not life.is_test:
            found.append(Event(ordered, "Placed Order", kind, number, order=index))
            if d[0] < 0.5:
                found += self._touch(d, ordered, kind, number)
            if d[7] < 0.3:
                thanks = ordered + 7 * DAY
                found.append(Event(thanks, "Received Email", kind, number, flow=2))
                if d[7] < 0.14:
                    found.append(Event(thanks + int(d[8] * DAY), "Opened Email", kind, number, flow=2))
        if any(who == b"reader" for who, _ in self.people(index)):
            found.append(Event(ordered + 300, "Received Email", b"reader", index, flow=0))
            if d[9] < 0.5:
                found.append(
                    Event(ordered + 300 + int(d[10] * 2 * DAY), "Opened Email", b"reader", index, flow=0)
                )
        return found

    def _touch(self, d: tuple[float, ...], ordered: int, kind: bytes, number: int) -> list[Event]:
        edge = d[1]
        if edge < 0.2:
            # Just outside, on and inside either end of the window.
            opened = ordered - (_WINDOW + 1, _WINDOW, _WINDOW - 1, 1, 0, -1)[int(edge * 30)]
        else:
            opened = ordered - 300 - int(d[2] ** 2 * 8 * DAY)
        campaign = self.latest_campaign(opened) if d[3] < 0.6 else None
        flow = None if campaign is not None else (1, 0, 3)[int(d[4] * 3)]
        received = self.sent(campaign) + 20 if campaign is not None else opened - 600 - int(d[5] * 3 * HOUR)
        found = [
            Event(received, "Received Email", kind, number, campaign, flow),
            Event(opened, "Opened Email", kind, number, campaign, flow),
        ]
        if d[6] < 0.45:
            # Some click in the very second in which they open: only the id tells the two apart.
            found.append(
                Event(opened + (0 if d[6] < 0.08 else 25), "Clicked Email", kind, number, campaign, flow)
            )
        return found

    def digest(self, week: int) -> Event:
        """The team's own copy of its digest, in the last second before the sync."""
        return Event(sync_instant(week) - 1, "Received Email", b"reader", -1, flow=4)

    # -- records --

    def campaign_record(self, number: int, updated: int) -> dict[str, Any]:
        sent = self.sent(number)
        status = "Sent" if updated >= sent else "Scheduled" if updated >= sent - DAY else "Draft"
        identity = self.campaign_id(number)
        day = datetime.fromtimestamp(sent, UTC).date().isoformat()
        return {
            "type": "campaign", "id": identity,
            "attributes": {
                "name": f"{day} {_THEMES[number * 5 % len(_THEMES)]}", "status": status, "archived": False,
                "audiences": {"included": ["NwsLtr"], "excluded": []}, "send_options": {"use_smart_sending": True},
                "tracking_options": {"is_tracking_opens": True, "is_tracking_clicks": True, "add_tracking_params": True},
                "send_strategy": {"method": "static"}, "created_at": utc(sent - 3 * DAY),
                "scheduled_at": utc(sent - DAY) if status != "Draft" else None, "updated_at": utc(updated),
                "send_time": utc(sent) if status != "Draft" else None, "channel": "email",
            },
            "links": {"self": f"{_API}/campaigns/{identity}/"},
            "relationships": {
                "campaign-messages": _many("campaigns", identity, "campaign-messages", [("campaign-message", identity + "M")]),
                "tags": _many("campaigns", identity, "tags", []),
            },
            "updated_at": utc(updated),
        }  # fmt: skip

    def flow_record(self, number: int, updated: int) -> dict[str, Any]:
        name, trigger = _FLOWS[number]
        identity = self.flow_id(number)
        live = number != 3 or updated > sync_instant(1)
        return {
            "type": "flow", "id": identity,
            "attributes": {
                "name": name, "status": "live" if live else "draft", "archived": False, "created": utc(sync_instant(1 - WEEKS_BEFORE_FIRST_SYNC) + number * DAY),
                "updated": utc(updated), "trigger_type": trigger,
            },
            "links": {"self": f"{_API}/flows/{identity}/"},
            "relationships": {
                "flow-actions": _many("flows", identity, "flow-actions", [("flow-action", str(88_100 + number))]),
                "tags": _many("flows", identity, "tags", []),
            },
            "updated": utc(updated),
        }  # fmt: skip

    def profile_record(
        self, kind: bytes, number: int, times: tuple[int, ...], updated: int
    ) -> dict[str, Any]:
        who = person(self._chance, kind, number)
        identity = self.profile_id(kind, number)
        town, province, _, postcode = who.town
        return {
            "type": "profile", "id": identity,
            "attributes": {
                "email": who.klaviyo_email, "phone_number": None, "external_id": None, "first_name": who.first, "last_name": who.last,
                "organization": None, "locale": who.country.locale, "title": None, "image": None, "created": utc(times[0]), "updated": utc(updated),
                "last_event_date": utc(updated),
                "location": {
                    "address1": None, "address2": None, "city": town, "country": who.country.name, "latitude": None, "longitude": None,
                    "region": province, "zip": postcode, "timezone": None, "ip": None,
                },
                "properties": {"Accepts Marketing": who.subscribed},
            },
            "links": {"self": f"{_API}/profiles/{identity}/"},
            "relationships": {name: {"links": _links("profiles", identity, name)} for name in ("lists", "segments")},
            "updated": utc(updated),
        }  # fmt: skip

    def event_record(self, event: Event, identity_of: tuple[int, int]) -> dict[str, Any]:
        """``identity_of``: the order's index (or the week's number) and the event's place among its events."""
        identity = self._chance.token(b"event", identity_of[0] * 16 + identity_of[1], 11)
        profile = self.profile_id(event.kind, event.person)
        when = utc(event.instant)
        return {
            "type": "event", "id": identity,
            "attributes": {
                "timestamp": event.instant, "event_properties": self._properties(event), "datetime": when,
                "uuid": str(UUID(int=event.instant << 64 | identity_of[0] % 2**32 << 16 | identity_of[1])),
            },
            "links": {"self": f"{_API}/events/{identity}/"},
            "relationships": {
                "profile": {"data": {"type": "profile", "id": profile}, "links": _links("events", identity, "profile")},
                "metric": {"data": {"type": "metric", "id": METRICS[event.metric]}, "links": _links("events", identity, "metric")},
                "attributions": _many("events", identity, "attributions", []),
            },
            "datetime": when,
        }  # fmt: skip

    def _properties(self, event: Event) -> dict[str, Any]:
        if event.order is not None:
            basket = self._baskets.basket(event.order, event.instant)
            return {
                "$event_id": str(order_id(event.order)), "$value": basket.total.paid / 100, "$currency_code": basket.currency.code,
                "ItemNames": [line.title for line in basket.lines], "ItemCount": sum(line.quantity for line in basket.lines),
                "$extra": {"order_number": event.order + 1001},
            }  # fmt: skip
        who: Person = person(self._chance, event.kind, event.person)
        common = {"Recipient Email Address": who.klaviyo_email, "Email Domain": who.email.split("@")[1]}
        if event.flow is not None:
            flow = self.flow_id(event.flow)
            return {"Subject": _FLOWS[event.flow][0], "$message": f"{flow}-1", "$flow": flow, **common}
        assert event.campaign is not None
        return {
            "Subject": _THEMES[event.campaign * 5 % len(_THEMES)],
            "$message": self.campaign_id(event.campaign),
            **common,
        }

    def campaign_id(self, number: int) -> str:
        return "01" + self._chance.token(b"campaign", number, 24)

    def flow_id(self, number: int) -> str:
        return self._chance.token(b"flow", number, 6)


def _links(kind: str, identity: str, name: str) -> dict[str, str]:
    return {
        "self": f"{_API}/{kind}/{identity}/relationships/{name}/",
        "related": f"{_API}/{kind}/{identity}/{name}/",
    }


def _many(kind: str, identity: str, name: str, members: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "data": [{"type": what, "id": which} for what, which in members],
        "links": _links(kind, identity, name),
    }
