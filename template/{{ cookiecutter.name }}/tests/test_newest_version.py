"""Core: of each key the newest version stands, however its versions come.

Bronze holds one row for each id; but where a connector appends, a stream has every version. So core models are given
their streams here as they never should be: several versions at once, and old ones late.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from shop import at, line, numbered, returned


@dataclass
class Version:
    """A core model, and a column of its stream in an old and a new version, with what the model makes of it."""

    stream: str
    key: dict[str, Any]
    cursor: str
    old: dict[str, Any]
    new: dict[str, Any]
    built_old: dict[str, Any] | None = None
    built_new: dict[str, Any] | None = None

    def staged(self, which: str, on: str, extracted: int) -> dict[str, Any]:
        says = {**self.key, self.cursor: at(on), "_airbyte_extracted_at": extracted}
        return says | (self.old if which == "old" else self.new)

    def built(self, which: str) -> dict[str, Any]:
        says = (self.built_old or self.old) if which == "old" else (self.built_new or self.new)
        return self.key | says


def lines(price: float) -> dict[str, Any]:
    return {"line_items": json.dumps(numbered(1, line(price)))}


def returns(price: float) -> dict[str, Any]:
    return {"refund_line_items": json.dumps([returned(price)])}


MODELS = {
    "int_shopify__orders": Version(
        "stg_shopify__orders",
        {"order_id": 1},
        "updated_at",
        {"financial_status": "pending"} | lines(10),
        {"financial_status": "paid"} | lines(12),
        {"financial_status": "pending", "gross_amount": 10},
        {"financial_status": "paid", "gross_amount": 12},
    ),
    "int_shopify__order_lines": Version(
        "stg_shopify__orders",
        {"order_id": 1},
        "updated_at",
        lines(10),
        lines(12),
        {"unit_price": 10},
        {"unit_price": 12},
    ),
    "int_shopify__refunds": Version(
        "stg_shopify__order_refunds",
        {"refund_id": 1},
        "refunded_at",
        returns(10),
        returns(12),
        {"refund_amount": 10},
        {"refund_amount": 12},
    ),
    "int_shopify__customers": Version(
        "stg_shopify__customers",
        {"customer_id": 1},
        "updated_at",
        {"first_name": "Ann"},
        {"first_name": "Anna"},
    ),
    "int_shopify__products": Version(
        "stg_shopify__products", {"product_id": 1}, "updated_at", {"title": "Mug"}, {"title": "Cup"}
    ),
    "int_klaviyo__profiles": Version(
        "stg_klaviyo__profiles",
        {"profile_id": "P"},
        "updated_at",
        {"first_name": "Ann"},
        {"first_name": "Anna"},
    ),
    "int_klaviyo__events": Version(
        "stg_klaviyo__events", {"event_id": "E"}, "event_at", {"profile_id": "P"}, {"profile_id": "Q"}
    ),
    "int_klaviyo__campaigns": Version(
        "stg_klaviyo__campaigns", {"campaign_id": "C"}, "updated_at", {"name": "Spring"}, {"name": "Summer"}
    ),
    "int_klaviyo__flows": Version(
        "stg_klaviyo__flows", {"flow_id": "F"}, "updated_at", {"name": "Welcome"}, {"name": "Hello"}
    ),
}

each_model = pytest.mark.parametrize("model", MODELS)


@each_model
def test_of_two_versions_in_one_batch_the_newer_stands(lake, model):
    of = MODELS[model]
    lake.given(of.stream, [of.staged("new", "2026-02-11", 1), of.staged("old", "2026-02-10", 2)])
    lake.build(model)
    lake.expect(model, [of.built("new")])


@each_model
def test_of_two_versions_of_one_moment_the_one_that_was_read_last_stands(lake, model):
    of = MODELS[model]
    lake.given(of.stream, [of.staged("old", "2026-02-10", 1), of.staged("new", "2026-02-10", 2)])
    lake.build(model)
    lake.expect(model, [of.built("new")])


@each_model
def test_an_old_version_that_comes_late_changes_nothing(lake, model):
    of = MODELS[model]
    lake.given(of.stream, [of.staged("new", "2026-02-11", 1)])
    lake.build(model)
    lake.given(of.stream, [of.staged("old", "2026-02-10", 2)])
    lake.build(model)
    lake.expect(model, [of.built("new")])


@each_model
def test_a_newer_version_replaces_what_was_built(lake, model):
    of = MODELS[model]
    lake.given(of.stream, [of.staged("old", "2026-02-10", 1)])
    lake.build(model)
    lake.expect(model, [of.built("old")])
    lake.given(of.stream, [of.staged("old", "2026-02-10", 1), of.staged("new", "2026-02-11", 2)])
    lake.build(model)
    lake.expect(model, [of.built("new")])


@each_model
def test_what_was_read_before_is_not_written_again(lake, model):
    of = MODELS[model]
    lake.given(of.stream, [of.staged("old", "2026-02-10", 1), of.staged("new", "2026-02-11", 2)])
    lake.build(model)
    assert lake.build(model).costs[model].rows_written == 0
    lake.expect(model, [of.built("new")])
