"""Klaviyo's events in core: what they were, and of which e-mail."""

import pytest

from clock import at
from mailing import METRICS, event

MODEL = "int_klaviyo__events"


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_called_what_the_project_calls_it(lake, metric):
    lake.given("klaviyo.events", [event("E", metric, by="P", on="2026-02-10 09:00", order=1)])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "event_id": "E",
                "profile_id": "P",
                "metric_id": METRICS[metric],
                "metric": metric,
                "event_at": at("2026-02-10 09:00"),
            }
        ],
    )


def test_a_metric_that_the_project_does_not_know_has_no_name(lake):
    lake.given("klaviyo.events", [event("E", "ViewedProduct9")])
    lake.build(MODEL)
    lake.expect(MODEL, [{"event_id": "E", "metric_id": "ViewedProduct9", "metric": None}])


def test_an_email_is_of_a_campaign_or_of_a_flow(lake):
    lake.given(
        "klaviyo.events",
        [
            event("E1", "Opened Email", campaign="C"),
            event("E2", "Opened Email", flow="F"),
            event("E3", "Opened Email"),
        ],
    )
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"event_id": "E1", "campaign_id": "C", "flow_id": None},
            {"event_id": "E2", "campaign_id": None, "flow_id": "F"},
            {"event_id": "E3", "campaign_id": None, "flow_id": None},
        ],
    )


def test_only_a_placed_order_names_its_order(lake):
    lake.given(
        "klaviyo.events",
        [
            event("E1", "Placed Order", order=9),
            event("E2", "Clicked Email", order=9),
            event("E3", "Placed Order"),
        ],
    )
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"event_id": "E1", "order_id": 9},
            {"event_id": "E2", "order_id": None},
            {"event_id": "E3", "order_id": None},
        ],
    )


def test_an_event_that_was_told_late_takes_its_place(lake):
    lake.given("klaviyo.events", [event("E2", "Clicked Email", on="2026-02-12")])
    lake.build(MODEL)
    lake.given("klaviyo.events", [event("E1", "Opened Email", on="2026-02-10")])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {"event_id": "E1", "event_at": at("2026-02-10")},
            {"event_id": "E2", "event_at": at("2026-02-12")},
        ],
    )


def test_an_event_at_the_boundary_of_two_syncs_is_read_twice_and_counted_once(lake):
    boundary = event("E1", "Opened Email", on="2026-02-10")
    lake.given("klaviyo.events", [boundary])
    lake.build(MODEL)
    lake.given("klaviyo.events", [boundary, event("E2", "Clicked Email", on="2026-02-10 12:01")])
    built = lake.build(MODEL)
    assert built.costs[MODEL].rows_written == 1
    lake.expect(MODEL, [{"event_id": "E1"}, {"event_id": "E2"}])
