"""Which e-mail earned a sale: the last one that was opened or clicked before it, within the window."""

import pytest

from clock import VARS, at
from mailing import campaign, event, flow, profile
from shop import line, order

MART = "fct_email_attribution"
WINDOW = VARS["attribution_window_days"]
BOUGHT = "2026-02-10 12:00"


@pytest.fixture
def shop(lake):
    """A shop where Ann, who gets e-mails, has bought something."""
    lake.given("klaviyo.profiles", [profile("P", "ann@example.com")])
    lake.given("klaviyo.campaigns", [campaign("C", "Spring")])
    lake.given("klaviyo.flows", [flow("F", "Welcome")])
    bought = order(
        1, line((26, 20), discounts=((2.6, 2),)), on=BOUGHT, email="Ann@example.com", currency="CAD"
    )
    lake.given("shopify.orders", [bought])
    return lake


def test_a_campaign_earns_the_sale_after_it(shop):
    shop.given("klaviyo.events", [event("E", "Clicked Email", on="2026-02-09", campaign="C")])
    shop.build(MART)
    shop.expect(
        MART,
        [
            {
                "order_id": 1,
                "order_date": "2026-02-10",
                "currency": "CAD",
                "channel": "campaign",
                "campaign_id": "C",
                "campaign_name": "Spring",
                "flow_id": None,
                "flow_name": None,
                "event_id": "E",
                "touched_at": at("2026-02-09"),
                "revenue": "23.40",
                "shop_revenue": "18.00",
            }
        ],
    )


def test_a_flow_earns_the_sale_after_it(shop):
    shop.given("klaviyo.events", [event("E", "Opened Email", on="2026-02-09", flow="F")])
    shop.build(MART)
    shop.expect(
        MART,
        [
            {
                "order_id": 1,
                "channel": "flow",
                "campaign_id": None,
                "campaign_name": None,
                "flow_id": "F",
                "flow_name": "Welcome",
            }
        ],
    )


def test_a_sale_without_an_email_before_it_was_earned_by_none(shop):
    shop.build(MART)
    nothing = {"campaign_id": None, "flow_id": None, "event_id": None, "touched_at": None}
    shop.expect(MART, [{"order_id": 1, "channel": "none", "revenue": "23.40", **nothing}])


@pytest.mark.parametrize(
    ("when", "earns"),
    [
        (at(BOUGHT, days=-WINDOW), False),
        (at(BOUGHT, days=-WINDOW, microseconds=1), True),
        (at(BOUGHT, seconds=-1), True),
        (at(BOUGHT), True),
        (at(BOUGHT, microseconds=1), False),
    ],
    ids=["a window before", "within it", "a second before", "that moment", "after"],
)
def test_only_an_email_within_the_window_earns(shop, when, earns):
    shop.given("klaviyo.events", [event("E", "Opened Email", on=when, campaign="C")])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "channel": "campaign" if earns else "none"}])


@pytest.mark.parametrize(
    ("metric", "earns"),
    [("Opened Email", True), ("Clicked Email", True), ("Received Email", False), ("Placed Order", False), ("Unknown1", False)],
)  # fmt: skip
def test_only_an_email_that_was_opened_or_clicked_earns(shop, metric, earns):
    shop.given("klaviyo.events", [event("E", metric, on="2026-02-09", campaign="C")])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "event_id": "E" if earns else None}])


def test_the_last_email_earns(shop):
    shop.given(
        "klaviyo.events",
        [
            event("E1", "Clicked Email", on="2026-02-08", campaign="C"),
            event("E2", "Opened Email", on="2026-02-09", flow="F"),
        ],
    )
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "channel": "flow", "event_id": "E2"}])


def test_of_two_emails_of_one_moment_the_greater_id_earns(shop):
    shop.given(
        "klaviyo.events",
        [
            event("E2", "Opened Email", on="2026-02-09", flow="F"),
            event("E1", "Opened Email", on="2026-02-09"),
        ],
    )
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "event_id": "E2"}])


def test_an_open_that_was_told_late_earns_the_sale_after_all(shop):
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "channel": "none"}])
    shop.given("klaviyo.events", [event("E", "Opened Email", on="2026-02-09", campaign="C")])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "channel": "campaign"}])


def test_an_email_to_someone_else_earns_nothing(shop):
    shop.given("klaviyo.profiles", [profile("Q", "bob@example.com"), profile("R", None)])
    shop.given(
        "klaviyo.events",
        [
            event("E1", "Opened Email", by="Q", on="2026-02-09", campaign="C"),
            event("E2", "Opened Email", by="R", on="2026-02-09", campaign="C"),
            event("E3", "Opened Email", by="nobody", on="2026-02-09", campaign="C"),
        ],
    )
    shop.given("shopify.orders", [order(2, line(5), on=BOUGHT, email=None)])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "channel": "none"}, {"order_id": 2, "channel": "none"}])


def test_one_email_may_earn_several_sales(shop):
    shop.given("shopify.orders", [order(2, line(5), on="2026-02-11", email="ann@example.com")])
    shop.given("klaviyo.events", [event("E", "Opened Email", on="2026-02-09", campaign="C")])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "event_id": "E"}, {"order_id": 2, "event_id": "E"}])


def test_a_campaign_that_was_never_read_earns_without_a_name(shop):
    shop.given("klaviyo.events", [event("E", "Opened Email", on="2026-02-09", campaign="D")])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 1, "channel": "campaign", "campaign_id": "D", "campaign_name": None}])


def test_what_is_no_sale_is_left_out(shop):
    shop.build(MART)
    shop.given("shopify.orders", [{"id": 1, "cancelled_at": at("2026-02-11")}, order(2, line(5))])
    shop.build(MART)
    shop.expect(MART, [{"order_id": 2}])


def test_an_email_of_a_later_sync_earns_a_later_sale_alone(shop):
    shop.given("klaviyo.events", [event("E1", "Opened Email", on="2026-02-09", campaign="C")])
    shop.build(MART)
    shop.given("klaviyo.events", [event("E2", "Clicked Email", on="2026-02-13", flow="F")])
    shop.given("shopify.orders", [order(2, line(10), on="2026-02-14", email="ann@example.com")])
    shop.build(MART)
    shop.expect(
        MART,
        [
            {"order_id": 1, "channel": "campaign", "campaign_name": "Spring", "event_id": "E1"},
            {"order_id": 2, "channel": "flow", "flow_name": "Welcome", "event_id": "E2", "revenue": 10},
        ],
    )
