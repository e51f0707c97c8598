"""The demo shop, as its connectors see it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ...landing.configured import configured_catalog
from ...scaffold import TEMPLATE
from . import klaviyo, shopify
from .clock import sync_instant
from .protocol import log, messages
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

# The shop has what the template's models are made for.
_REFERENCES: Final = TEMPLATE / "{{ cookiecutter.name }}" / "orchestration" / "assets" / "streams"

_STREAMS: Final[dict[str, dict[str, Callable[[World], Iterator[dict[str, Any]]]]]] = {
    "shopify": {
        "orders": shopify.orders,
        "customers": shopify.customers,
        "order_refunds": shopify.order_refunds,
        "deleted_products": shopify.deleted_products,
        "products": shopify.products,
    },
    "klaviyo": {
        "profiles": klaviyo.profiles,
        "campaigns": klaviyo.campaigns,
        "flows": klaviyo.flows,
        "events": klaviyo.events,
    },
}

PACING: Final = {source: list(streams)[-1] for source, streams in _STREAMS.items()}
"""The last stream of each source: it always ends in the sync's last second, and so tells which sync it was."""


class Shop:
    """A shop of some size. ``orders`` are made by the first sync, over sixty weeks; each later sync is one week later.

    The same seed and size give the same bytes for any sync, whichever were made before, on any machine.
    """

    def __init__(self, seed: int = 7, orders: int = 5_000) -> None:
        self.seed = seed
        self.orders = orders

    @staticmethod
    def catalog(source: str) -> list[dict[str, Any]]:
        """The AirbyteStreams of ``shopify`` or ``klaviyo``, as ``discover`` prints them."""
        return [
            json.loads((_REFERENCES / source / f"{stream}.json").read_text(encoding="utf-8"))
            for stream in _STREAMS[source]
        ]

    @classmethod
    def configured_catalog(cls, source: str) -> dict[str, Any]:
        """Airbyte's ConfiguredAirbyteCatalog of ``shopify`` or ``klaviyo``: append_dedup, with the connectors' keys and cursors."""
        return configured_catalog(cls.catalog(source))

    def messages(self, source: str, sync: int, *, streams: Collection[str] = ()) -> Iterator[bytes]:
        """What the connector prints in its ``sync``-th run (from 1), of some streams or all: a JSON message a line.

        Memory does not grow with the number of orders beyond the few that are held back to sort the stream
        (those of about two weeks).
        """
        yield log(f"Starting syncing Source{source.title()}")
        world = World(self.seed, self.orders, sync)
        for stream in self.catalog(source):
            name, (cursor,) = stream["name"], stream["default_cursor_field"]
            if not streams or name in streams:
                yield from messages(
                    name, world.now * 1_000, _STREAMS[source][name](world), _state_of(name, cursor)
                )
        yield log(f"Finished syncing Source{source.title()}")

    @staticmethod
    def sync_number(states: Iterable[dict[str, Any]], sources: Iterable[str] = tuple(_STREAMS)) -> int:
        """The sync that comes next: 1 where nothing has landed, and again the last one where it was cut short.

        ``states`` are the landed per-stream states of ``sources``, as a connector is given them. A source of
        which there is none has never landed.
        """
        reached = {PACING[source]: "" for source in sources}
        for state in states:
            name = state["stream"]["stream_descriptor"]["name"]
            if name in reached:
                reached[name] = state["stream"]["stream_state"][
                    "updated_at" if name == "products" else "datetime"
                ]
        return min(_syncs_until(text) for text in reached.values()) + 1


def _syncs_until(text: str) -> int:
    if not text:
        return 0
    instant = int(datetime.fromisoformat(text).timestamp())
    sync = 0
    while sync_instant(sync + 1) - 1 <= instant:
        sync += 1
    return sync


def _state_of(stream: str, cursor: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """How each connector writes its progress."""
    reached = {"cursor": "", "deleted": "", "parent": ""}

    def state(record: dict[str, Any]) -> dict[str, Any]:
        reached["cursor"] = max(reached["cursor"], record.get(cursor) or "")
        if stream == "orders":
            reached["deleted"] = max(reached["deleted"], record.get("deleted_at") or "")
            return {cursor: reached["cursor"], "deleted": {"deleted_at": reached["deleted"]}}
        if stream == "order_refunds":
            reached["parent"] = max(reached["parent"], record.pop("_parent"))
            return {
                cursor: reached["cursor"],
                "orders": {"updated_at": reached["parent"], "deleted": {"deleted_at": ""}},
            }
        if stream == "campaigns":
            part = {
                "partition": {"campaign_type": "email", "archived": "false"},
                "cursor": {cursor: reached["cursor"]},
            }
            return {"use_global_cursor": False, "states": [part], "lookback_window": 1}
        if stream == "flows":
            part = {"partition": {"archived": "false"}, "cursor": {cursor: reached["cursor"]}}
            return {"use_global_cursor": False, "states": [part], "lookback_window": 1}
        return {cursor: reached["cursor"]}

    return state
