"""What `given` does to a source's table, beside whatever else has been done to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lakekit.errors import UsageError
from lakekit.scaffold import new

from ..sessions import worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakekit.testing.lake import LakeUnderTest

    from ..sessions import Worker

CUSTOMER = "shopify.customers"
STANDING = "int_shopify__customers"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with worker(new(tmp_path_factory.mktemp("template") / "shop", engine="embedded")) as one:
        yield one


@pytest.fixture
def lake(shop: Worker) -> LakeUnderTest:
    return shop.lake()


def test_a_later_sync_is_later_though_the_clock_stands_still(lake: LakeUnderTest) -> None:
    lake.now = "2026-02-01T00:00:00Z"
    for email in ("a@x.com", "b@x.com"):
        lake.given(CUSTOMER, [{"id": 1, "email": email}])
        lake.build(STANDING)
    lake.expect(STANDING, [{"customer_id": 1, "email": "b@x.com"}])


def test_a_sync_after_the_clock_was_let_go_is_later_than_one_before(lake: LakeUnderTest) -> None:
    lake.now = "2026-06-01T00:00:00Z"
    lake.given(CUSTOMER, [{"id": 1, "email": "a@x.com"}])
    lake.now = None
    lake.given(CUSTOMER, [{"id": 1, "email": "b@x.com"}])
    lake.expect(CUSTOMER, [{"id": 1, "email": "b@x.com"}])


def test_a_sync_of_long_ago_is_extracted_long_ago(lake: LakeUnderTest) -> None:
    lake.now = "2020-01-01T00:00:00Z"
    lake.given(CUSTOMER, [{"id": 1}])
    lake.expect(CUSTOMER, [{"id": 1, "_airbyte_extracted_at": 1577836800000, "updated_at": "2020-01-01"}])


def test_what_was_loaded_in_between_is_not_forgotten(lake: LakeUnderTest) -> None:
    lake.given(CUSTOMER, [{"id": 1, "email": "old@x.com"}])
    newer = {"id": 1, "email": "new@x.com", "updated_at": datetime(2026, 5, 1, tzinfo=UTC)}
    lake.load(CUSTOMER, [newer], cursor="updated_at")
    lake.given(CUSTOMER, [{"id": 1, "first_name": "Ann", "updated_at": "2026-05-02T00:00:00Z"}])
    lake.expect(CUSTOMER, [{"id": 1, "email": "new@x.com", "first_name": "Ann"}])


def test_rows_can_be_given_to_a_table_that_has_landed(lake: LakeUnderTest) -> None:
    lake.load(CUSTOMER, [{"id": 1, "email": "a@x.com", "updated_at": datetime(2026, 1, 1, tzinfo=UTC)}])
    lake.given(CUSTOMER, [{"id": 2, "email": "b@x.com"}])
    lake.expect(CUSTOMER, [{"id": 1, "email": "a@x.com"}, {"id": 2, "email": "b@x.com"}])


def test_a_view_of_the_clock_moves_with_it(lake: LakeUnderTest) -> None:
    lake.now = "2026-02-01"
    lake.given(CUSTOMER, [{"id": 1}])
    lake.build(STANDING)
    lake.now = "2026-02-05"
    built = [node.name for node in lake.build(STANDING).nodes]
    assert "stg_shopify__customers" in built  # it may have read the clock


def test_columns_that_one_test_adds_are_not_another_tests(lake: LakeUnderTest) -> None:
    with lake.branch() as other:
        other.given(CUSTOMER, [{"id": 1, "shoe": 44}], new_columns={"shoe": "integer"})
        other.given("stg_shopify__customers", [{"customer_id": 1}])
    lake.given("stg_shopify__customers", [{"customer_id": 1}])
    assert "shoe" not in lake.columns("stg_shopify__customers")


def test_a_model_that_was_not_built_again_is_told(lake: LakeUnderTest) -> None:
    lake.given(CUSTOMER, [{"id": 1, "email": "a@x.com"}])
    lake.build(STANDING)
    lake.given(CUSTOMER, [{"id": 1, "email": "b@x.com"}])
    with pytest.raises(AssertionError, match="has not been built since"):
        lake.expect(STANDING, [{"customer_id": 1, "email": "b@x.com"}])


def test_a_table_without_its_source_is_no_model(lake: LakeUnderTest) -> None:
    with pytest.raises(UsageError, match=r"shopify\.customers"):
        lake.given("customers", [{"id": 1}])


def test_a_models_row_has_its_key(lake: LakeUnderTest) -> None:
    with pytest.raises(UsageError, match="has no 'customer_id'"):
        lake.given(STANDING, [{"email": "a@x.com"}])


@pytest.mark.parametrize("now", ["", 0, "tomorrow"])
def test_the_clock_is_stopped_at_an_instant(lake: LakeUnderTest, now: object) -> None:
    with pytest.raises(UsageError, match="clock cannot be stopped"):
        lake.now = now
