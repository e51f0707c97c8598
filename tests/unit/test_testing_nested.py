"""Names inside a JSON column are the source's, too."""

from __future__ import annotations

from typing import Any

import pytest

from lakekit.errors import UsageError
from lakekit.testing.nested import check_inside

LINES = {
    "type": ["null", "array"],
    "items": {
        "type": ["null", "object"],
        "properties": {
            "quantity": {"type": "integer"},
            "price": {"type": "object", "properties": {"amount": {}}},
        },
    },
}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [{"quantity": 1, "price": {"amount": 3}}],
        [None],
        '[{"anything": 1}]',  # JSON written out is as it is
        [{"price": {}}],
    ],
)
def test_what_the_source_may_send(value: Any) -> None:
    check_inside(value, LINES, "Row 1 of shopify.orders: 'line_items'")


def test_a_misspelt_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="item 2 names a column 'quantiti'") as error:
        check_inside([{"quantity": 1}, {"quantiti": 2}], LINES, "Row 1 of shopify.orders: 'line_items'")
    assert "'quantity'" in error.value.todo


def test_one_further_inside_too() -> None:
    with pytest.raises(UsageError, match="item 1: 'price' names a column 'amont'"):
        check_inside([{"price": {"amont": 2}}], LINES, "here")


def test_an_object_is_no_list() -> None:
    with pytest.raises(UsageError, match="is an object") as error:
        check_inside({"quantity": 1}, LINES, "Row 1 of shopify.orders: 'line_items'")
    assert "array or null" in error.value.why


def test_what_the_schema_says_nothing_of_may_be_anything() -> None:
    check_inside({"x": [1, {"y": 2}]}, {"type": "object"}, "here")
    check_inside({"x": 1}, True, "here")
