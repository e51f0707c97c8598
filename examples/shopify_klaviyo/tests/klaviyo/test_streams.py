"""Klaviyo's streams: each staging view renames and casts what was sent, and does nothing else."""

import pytest

from clock import at
from mailing import METRICS, campaign, event, flow, profile

STREAMS = {
    "klaviyo.profiles": (
        profile("P", "Ann@Example.com", country="Canada", first_name="Ann", last_name="Lee"),
        {
            "profile_id": "P",
            "email": "Ann@Example.com",
            "first_name": "Ann",
            "last_name": "Lee",
            "country": "Canada",
            "created_at": at("2026-01-02"),
        },
    ),
    "klaviyo.events": (
        event("E", "Opened Email", by="P", on="2026-02-10", flow="F", order=3),
        {
            "event_id": "E",
            "profile_id": "P",
            "metric_id": METRICS["Opened Email"],
            "event_at": at("2026-02-10"),
            "message_id": "F-message",
            "flow_id": "F",
            "foreign_event_id": "3",
        },
    ),
    "klaviyo.campaigns": (
        campaign("C", "Spring", status="Draft"),
        {"campaign_id": "C", "name": "Spring", "status": "Draft", "created_at": at("2026-01-02")},
    ),
    "klaviyo.flows": (
        flow("F", "Welcome", status="live"),
        {"flow_id": "F", "name": "Welcome", "status": "live", "created_at": at("2026-01-02")},
    ),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_record_is_renamed_and_cast(lake, stream):
    record, row = STREAMS[stream]
    staged = f"stg_{stream.replace('.', '__')}"
    lake.given(stream, [record])
    lake.build(staged)
    lake.expect(staged, [row])


def test_a_record_that_says_little_has_nulls(lake):
    lake.given("klaviyo.events", [{"id": "E"}])
    lake.build("stg_klaviyo__events")
    lake.expect("stg_klaviyo__events", [{"event_id": "E", "profile_id": None, "flow_id": None}])
