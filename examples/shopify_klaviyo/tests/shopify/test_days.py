"""Days are the shop's: of its time zone, whatever that does with its clocks."""

import pytest

from clock import at
from shop import line, order, refund, returned

DAYS = {
    "2026-02-10": "2026-02-09",
    "2026-01-01": "2025-12-31",
    "2028-02-29": "2028-02-28",
    "2026-03-08": "2026-03-07",  # clocks go forward in New York
    "2026-03-09": "2026-03-08",
    "2026-11-01": "2026-10-31",  # and back
    "2026-11-02": "2026-11-01",
    "2026-03-29": "2026-03-28",  # forward in Berlin
    "2026-03-30": "2026-03-29",
    "2026-10-25": "2026-10-24",  # and back
    "2026-10-26": "2026-10-25",
}


@pytest.mark.parametrize(("day", "before"), DAYS.items())
def test_an_order_is_of_the_day_that_the_shops_clock_says(lake, day, before):
    midnight = f"{day} 00:00"
    lake.given(
        "shopify.orders",
        [
            order(1, line(10), on=at(midnight, seconds=-1)),
            order(2, line(10), on=at(midnight)),
            order(3, line(10), on=at(f"{day} 23:59")),
        ],
    )
    lake.build("int_shopify__orders")
    lake.expect(
        "int_shopify__orders",
        [
            {"order_id": 1, "order_date": before},
            {"order_id": 2, "order_date": day},
            {"order_id": 3, "order_date": day},
        ],
    )


@pytest.mark.parametrize(("day", "before"), DAYS.items())
def test_a_refund_is_of_the_day_that_the_shops_clock_says(lake, day, before):
    midnight = f"{day} 00:00"
    lake.given(
        "shopify.order_refunds",
        [
            refund(1, returned(1), of=1, on=at(midnight, microseconds=-1)),
            refund(2, returned(1), of=1, on=at(midnight)),
        ],
    )
    lake.build("int_shopify__refunds")
    lake.expect(
        "int_shopify__refunds",
        [{"refund_id": 1, "refund_date": before}, {"refund_id": 2, "refund_date": day}],
    )
