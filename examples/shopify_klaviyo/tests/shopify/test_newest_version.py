"""Shopify's core: of each key the newest version stands."""

import json
from typing import Any

import pytest

from newest_version import NewestVersion, Version
from shop import line, numbered, returned


def lines(price: float) -> dict[str, Any]:
    return {"line_items": json.dumps(numbered(1, line(price)))}


def returns(price: float) -> dict[str, Any]:
    return {"refund_line_items": json.dumps([returned(price)])}


MODELS = [
    Version(
        "int_shopify__orders",
        "stg_shopify__orders",
        {"order_id": 1},
        "updated_at",
        {"financial_status": "pending"} | lines(10),
        {"financial_status": "paid"} | lines(12),
        {"financial_status": "pending", "gross_amount": 10},
        {"financial_status": "paid", "gross_amount": 12},
    ),
    Version(
        "int_shopify__order_lines",
        "stg_shopify__orders",
        {"order_id": 1},
        "updated_at",
        lines(10),
        lines(12),
        {"unit_price": 10},
        {"unit_price": 12},
    ),
    Version(
        "int_shopify__refunds",
        "stg_shopify__order_refunds",
        {"refund_id": 1},
        "refunded_at",
        returns(10),
        returns(12),
        {"refund_amount": 10},
        {"refund_amount": 12},
    ),
    Version(
        "int_shopify__customers",
        "stg_shopify__customers",
        {"customer_id": 1},
        "updated_at",
        {"first_name": "Ann"},
        {"first_name": "Anna"},
    ),
    Version(
        "int_shopify__products",
        "stg_shopify__products",
        {"product_id": 1},
        "updated_at",
        {"title": "Mug"},
        {"title": "Cup"},
    ),
]


@pytest.mark.parametrize("of", MODELS, ids=lambda of: of.model)
class TestShopify(NewestVersion):
    pass
