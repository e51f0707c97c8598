"""Campaigns and flows in core."""

import pytest

from clock import at
from mailing import campaign, flow


@pytest.mark.parametrize(
    ("stream", "mailing", "key", "first", "then"),
    [("campaigns", campaign, "campaign_id", "Draft", "Sent"), ("flows", flow, "flow_id", "draft", "live")],
)
def test_a_mailing_is_renamed_and_goes_out(lake, stream, mailing, key, first, then):
    model = f"int_klaviyo__{stream}"
    lake.given(f"klaviyo.{stream}", [mailing("M", "Hello", status=first), mailing("N", "Bye", status=first)])
    lake.build(model)
    lake.given(f"klaviyo.{stream}", [mailing("M", "Good morning", status=then)])
    lake.build(model)
    lake.expect(
        model,
        [
            {key: "M", "name": "Good morning", "status": then, "created_at": at("2026-01-02")},
            {key: "N", "name": "Bye", "status": first, "created_at": at("2026-01-02")},
        ],
    )
