"""Klaviyo's records as it sends them: profiles, what they did, and the e-mails that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clock import VARS, Row, text

if TYPE_CHECKING:
    from datetime import datetime

METRICS = {name: number for number, name in VARS["klaviyo_metrics"].items()}
"""The ids of this account's metrics, by name."""


def profile(number: str, email: str | None = None, *, country: str | None = None, **attributes: Any) -> Row:
    """A profile: someone that e-mails are sent to."""
    said = {"email": email, "created": text("2026-01-02"), "location": {"country": country}, **attributes}
    return {"id": number, "attributes": said}


def event(
    number: str,
    metric: str,
    by: str = "P",
    *,
    on: str | datetime = "2026-02-10",
    campaign: str | None = None,
    flow: str | None = None,
    order: int | None = None,
) -> Row:
    """What a profile did; a metric that the project does not name is its own id."""
    properties: Row = {}
    if campaign:
        properties["$message"] = campaign
    if flow:  # an e-mail of a flow names the flow's own message
        properties |= {"$flow": flow, "$message": f"{flow}-message"}
    if order:
        properties["$event_id"] = str(order)
    return {
        "id": number,
        "datetime": text(on),
        "attributes": {"event_properties": properties},
        "relationships": {
            "profile": {"data": {"type": "profile", "id": by}},
            "metric": {"data": {"type": "metric", "id": METRICS.get(metric, metric)}},
        },
    }


def campaign(number: str, name: str = "Spring", *, status: str = "Sent") -> Row:
    """A mailing that is sent once."""
    return {"id": number, "attributes": {"name": name, "status": status, "created_at": text("2026-01-02")}}


def flow(number: str, name: str = "Welcome", *, status: str = "live") -> Row:
    """An automatic mailing."""
    return {"id": number, "attributes": {"name": name, "status": status, "created": text("2026-01-02")}}
