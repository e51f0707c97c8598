"""What people did with e-mails, by day and mailing."""

import pytest

from clock import at
from mailing import campaign, event, flow

MART = "fct_email_engagement"


@pytest.fixture
def account(lake):
    """An account with a campaign and a flow."""
    lake.given("klaviyo.campaigns", [campaign("C", "Spring")])
    lake.given("klaviyo.flows", [flow("F", "Welcome")])
    return lake


def test_a_day_counts_what_was_done_with_each_mailing(account):
    account.given(
        "klaviyo.events",
        [
            event("E1", "Received Email", by="A", campaign="C"),
            event("E2", "Received Email", by="B", campaign="C"),
            event("E3", "Opened Email", by="A", campaign="C"),
            event("E4", "Opened Email", by="A", campaign="C", on="2026-02-10 18:00"),
            event("E5", "Clicked Email", by="A", campaign="C"),
            event("E6", "Received Email", by="B", flow="F"),
            event("E7", "Opened Email", by="B", campaign="C", on="2026-02-11"),
        ],
    )
    account.build(MART)
    spring = {"channel": "campaign", "mailing_id": "C", "mailing_name": "Spring"}
    account.expect(
        MART,
        [
            {"engagement_date": "2026-02-10", **spring, "received": 2, "opened": 2, "clicked": 1},
            {"engagement_date": "2026-02-11", **spring, "received": 0, "opened": 1, "clicked": 0},
            {"engagement_date": "2026-02-10", "channel": "flow", "mailing_id": "F", "mailing_name": "Welcome"}
            | {"received": 1, "opened": 0, "clicked": 0},
        ],
    )


def test_what_is_no_email_of_a_mailing_is_left_out(account):
    account.given(
        "klaviyo.events",
        [event("E1", "Placed Order", order=9, campaign="C"), event("E2", "Opened Email"), event("E3", "Viewed", flow="F")],
    )  # fmt: skip
    account.build(MART)
    account.expect(MART, [])


def test_a_day_is_the_shops(account):
    midnight = "2026-02-10 00:00"
    account.given(
        "klaviyo.events",
        [
            event("E1", "Opened Email", campaign="C", on=at(midnight, seconds=-1)),
            event("E2", "Opened Email", campaign="C", on=at(midnight)),
        ],
    )
    account.build(MART)
    account.expect(
        MART,
        [{"engagement_date": "2026-02-09", "opened": 1}, {"engagement_date": "2026-02-10", "opened": 1}],
    )


def test_a_mailing_that_no_stream_has_told_of_yet_has_no_name(lake):
    lake.given("klaviyo.events", [event("E", "Opened Email", campaign="C")])
    lake.build(MART)
    lake.expect(MART, [{"mailing_id": "C", "mailing_name": None, "opened": 1}])
    lake.given("klaviyo.campaigns", [campaign("C", "Spring")])
    lake.build(MART)
    lake.expect(MART, [{"mailing_id": "C", "mailing_name": "Spring", "opened": 1}])


def test_a_campaign_and_a_flow_of_the_same_id_are_two(account):
    account.given("klaviyo.flows", [flow("C", "Winback")])
    account.given(
        "klaviyo.events", [event("E1", "Opened Email", campaign="C"), event("E2", "Opened Email", flow="C")]
    )
    account.build(MART)
    account.expect(
        MART,
        [
            {"channel": "campaign", "mailing_id": "C", "mailing_name": "Spring", "opened": 1},
            {"channel": "flow", "mailing_id": "C", "mailing_name": "Winback", "opened": 1},
        ],
    )
