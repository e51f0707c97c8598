"""A mailing's first sync and a later one, through every model."""

import pytest

from mailing import campaign, event, flow, profile

MART = "fct_email_engagement"


@pytest.fixture
def account(lake):
    """Two syncs of a small account, and a build after each."""
    lake.given("klaviyo.profiles", [profile("A", "ann@example.com"), profile("B", "Bob@Example.com")])
    lake.given("klaviyo.campaigns", [campaign("C", "Spring", status="Draft")])
    lake.given("klaviyo.flows", [flow("F", "Welcome")])
    lake.given(
        "klaviyo.events",
        [
            event("E1", "Received Email", by="A", on="2026-01-30", campaign="C"),
            event("E2", "Opened Email", by="A", on="2026-01-30 14:00", campaign="C"),
            event("E3", "Received Email", by="B", on="2026-01-30", flow="F"),
        ],
    )
    lake.build()
    # The campaign is renamed, Bob clicks and orders, and the boundary record is read once more.
    lake.given("klaviyo.campaigns", [campaign("C", "Spring sale", status="Sent")])
    lake.given(
        "klaviyo.events",
        [
            event("E3", "Received Email", by="B", on="2026-01-30", flow="F"),
            event("E4", "Clicked Email", by="B", on="2026-02-13", flow="F"),
            event("E5", "Placed Order", by="B", on="2026-02-13 13:00", order=5),
        ],
    )
    lake.build()
    return lake


def test_the_marts_after_two_syncs(account):
    account.expect_snapshot(MART, key=["engagement_date", "channel", "mailing_id"])
    account.expect(
        "int_klaviyo__profiles",
        [{"profile_id": "A", "email": "ann@example.com"}, {"profile_id": "B", "email": "bob@example.com"}],
    )


def test_a_second_build_changes_nothing(account):
    before = account.rows(MART)
    built = account.build()
    written = {name: cost.rows_written for name, cost in built.costs.items() if name.startswith("int_")}
    assert set(written.values()) == {0}, written
    account.expect(MART, before)


def test_a_full_refresh_tells_the_same(account):
    before = {name: account.rows(name) for name in account.graph.models if not name.startswith("stg_")}
    account.build(full_refresh=True)
    for name, rows in before.items():
        account.expect(name, rows)
