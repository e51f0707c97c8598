"""Ready-made checks: each passes on a right model, and fails on a model with exactly the fault that it is for.

A check that never fails is worthless, so every fault here is one that a reviewer could have let through.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from lakekit.errors import UsageError
from lakekit.scaffold import new
from lakekit.settings import Settings
from lakekit.testing import checks, contract
from lakekit.testing.harness import Harness
from lakekit.testing.session import LakeSession
from lakekit.testing.story import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakekit.testing.lake import LakeUnderTest

LATEST = """
    select customer_id, order_id, updated_at, _airbyte_extracted_at
    from (
      select *, row_number() over (partition by customer_id order by updated_at desc, order_id desc) as place
      from {{ ref("stg_shopify__orders") }}
      where customer_id is not null and {{ lakekit.is_new() }}
    ) as placed
    where place = 1
"""
MODELS = {
    # appended to, whatever is there: what was extracted at the watermark comes again
    "appended": """
      {{ config(incremental_strategy="append") }}
      select id as order_id, name, _airbyte_extracted_at from {{ source("shopify", "orders") }}
      where {{ lakekit.is_new() }}
    """,
    # rewrites what does not change, but changes nothing
    "rewritten": """
      {{ config(materialized="table") }}
      select id as order_id, name from {{ source("shopify", "orders") }}
    """,
    # a watermark that leaves out what has the newest row's instant, by a clock of days
    "boundary": """
      {{ config(unique_key="order_id") }}
      select id as order_id, name, date(updated_at) as day from {{ source("shopify", "orders") }}
      {% if is_incremental() %}where date(updated_at) > (select max(day) from {{ this }}){% endif %}
    """,
    "latest_order": '{{ config(unique_key="customer_id", merge_cursor="updated_at") }}' + LATEST,
    "last_order_to_come": '{{ config(unique_key="customer_id") }}' + LATEST,
    # a refund has its order's row again
    "fanned_out": """
      {{ config(materialized="table") }}
      select orders.id as order_id, refunds.id as refund_id
      from {{ source("shopify", "orders") }} as orders
      left join {{ source("shopify", "order_refunds") }} as refunds on refunds.order_id = orders.id
    """,
    # an inner join, where some have none
    "lossy": """
      {{ config(materialized="table") }}
      select distinct orders.id as order_id
      from {{ source("shopify", "orders") }} as orders
      join {{ source("shopify", "order_refunds") }} as refunds on refunds.order_id = orders.id
    """,
    # fails where it selects a column more, which it does of itself
    "unlisted": """
      {{ config(unique_key="order_id", on_schema_change="fail") }}
      select * from (select id as order_id, orders.* from {{ source("shopify", "orders") }} as orders) as all_of_it
    """,
    # tells versions of a record apart by all of its columns, whatever they are
    "fingerprinted": """
      {{ config(materialized="table") }}
      {%- set columns = adapter.get_columns_in_relation(source("shopify", "orders")) %}
      select id as order_id, {{ columns | length }} as fingerprint from {{ source("shopify", "orders") }}
    """,
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeSession]:
    project = tmp_path_factory.mktemp("checks") / "shop"
    new(project, engine="embedded")
    settings = Settings.load(project)
    folder = settings.dbt / "assets" / "core" / "faulty"
    folder.mkdir()
    for name, sql in MODELS.items():
        (folder / f"{name}.sql").write_text(sql)
    opened = LakeSession(settings, Harness(settings, project / ".lakekit" / "testing"), lambda: None)
    yield opened
    opened.close()


@pytest.fixture
def lake(session: LakeSession) -> Iterator[LakeUnderTest]:
    taken = session.take(Place())
    yield taken
    assert session.give_back(taken) == [], "a check left a branch behind"


def order(id_: int, **columns: Any) -> dict[str, Any]:
    return {"id": id_, "name": f"#{id_}", "test": False, **columns}


LINE = {
    "id": 11,
    "quantity": 2,
    "price_set": {"shop_money": {"amount": 5.0}, "presentment_money": {"amount": 5.0}},
}


def test_idempotent(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [order(1, line_items=[LINE]), order(2)])
    assert checks.idempotent(lake, "int_shopify__orders") == 0
    assert checks.idempotent(lake, "rewritten") == 2
    with pytest.raises(
        AssertionError, match=r"(?s)appended is another one when it is built a second time.*2 extra"
    ):
        checks.idempotent(lake, "appended")


def test_order_insensitive(lake: LakeUnderTest) -> None:
    batches = [
        {"shopify.orders": [order(1, customer={"id": 7}, updated_at="2026-01-01T00:00:00Z")]},
        {"shopify.orders": [order(2, customer={"id": 7}, updated_at="2026-01-02T00:00:00Z")]},
        {"shopify.orders": [order(3, customer={"id": 8}, updated_at="2026-01-03T00:00:00Z")]},
    ]
    checks.order_insensitive(lake, "latest_order", batches)
    with pytest.raises(AssertionError) as failure:
        checks.order_insensitive(lake, "last_order_to_come", batches)
    told = str(failure.value)
    assert "order_id: 1 → 2" in told or "order_id: 2 → 1" in told
    assert told.count("lake.given(") == 3


def test_batches_that_contradict_each_other_are_told_apart_from_a_fault(lake: LakeUnderTest) -> None:
    same = "2026-01-01T00:00:00Z"
    batches = [
        {"shopify.orders": [order(1, customer={"id": 7}, updated_at=same, email=f"{n}@example.org")]}
        for n in "ab"
    ]
    checks.order_insensitive(lake, "latest_order", batches)
    with pytest.raises(UsageError, match="different cursors"):
        checks.order_insensitive(lake, "int_shopify__customers", [
            {"shopify.customers": [{"id": 1, "updated_at": same, "first_name": n}]} for n in "ab"
        ])  # fmt: skip


def test_full_refresh_equals_incremental_over_given_batches(lake: LakeUnderTest) -> None:
    batches = [{"shopify.orders": [order(1)]}, {"shopify.orders": [order(2)]}]
    checks.full_refresh_equals_incremental(lake, "rewritten", batches)
    with pytest.raises(AssertionError, match="1 missing") as failure:
        checks.full_refresh_equals_incremental(lake, "boundary", batches)
    assert 'lake.build("boundary")\n    lake.given("shopify.orders", [{' in str(failure.value)


@pytest.mark.parametrize(
    "model", ["int_shopify__customers", "int_shopify__products", "int_shopify__orders", "int_klaviyo__events"]
)
def test_full_refresh_equals_incremental_over_made_batches(lake: LakeUnderTest, model: str) -> None:
    checks.full_refresh_equals_incremental(lake, model, examples=5)


@pytest.mark.parametrize("model", ["int_shopify__order_lines", "int_shopify__orders"])
def test_an_order_that_loses_its_lines_loses_them_in_core(lake: LakeUnderTest, model: str) -> None:
    checks.full_refresh_equals_incremental(lake, model, [
        {"shopify.orders": [order(1, line_items=[LINE]), order(2, line_items=[LINE | {"id": 21}])]},
        {"shopify.orders": [order(1, line_items=[]), order(3)]},
        {"shopify.orders": [order(2, line_items=None)]},
    ])  # fmt: skip


def test_an_order_without_lines_does_not_wait_and_one_with_lines_does(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [order(1, line_items=[LINE])])
    lake.build("int_shopify__orders")
    lines = lake.rows("int_shopify__order_lines")
    lake.given("shopify.orders", [order(2, line_items=[])])
    lake.build("int_shopify__orders")
    lake.expect("int_shopify__orders", [{"order_id": 1, "units": 2}, {"order_id": 2, "units": 0}])
    # The lines stay as they were: as if they were not built before the orders.
    lake.given("shopify.orders", [order(3, line_items=[LINE | {"id": 31}])])
    lake.given("shopify.orders", [order(4, line_items=[])])
    lake.given("int_shopify__order_lines", lines)
    lake.build("int_shopify__orders")
    lake.expect("int_shopify__orders", [{"order_id": 1}, {"order_id": 2}])


def test_what_landed_is_held_against_its_schema_reference(lake: LakeUnderTest) -> None:
    with pytest.raises(AssertionError, match=r"shopify\.order_refunds has not landed"):
        contract.landed(lake, "shopify.order_refunds")
    lake.given("shopify.orders", [order(1)])
    contract.landed(lake, "shopify.orders")
    lake.given("shopify.orders", [order(1, tip=3)], new_columns={"tip": "integer"})
    with pytest.raises(AssertionError) as failure:
        contract.landed(lake, "shopify.orders")
    assert str(failure.value).splitlines() == [
        "shopify.orders has not landed as orders.json says:",
        "  + tip: a bigint that the reference does not have",
    ]
    with lake.branch() as work:
        made = "select cast(null as bigint) as id, 'x' as test, created_at from shopify.orders"
        work.sql(f"create table shopify.customers as {made}")
        with pytest.raises(AssertionError) as failure:
            contract.landed(work, "shopify.customers")
        told = str(failure.value)
        assert "  - email: it is missing" in told
        assert "  - _airbyte_extracted_at: it is missing" in told
        assert "  + test: a varchar that the reference does not have" in told
        assert "  ! id: null in 1 rows, though it is the key" in told


def test_made_batches_find_a_fault_and_are_few(lake: LakeUnderTest) -> None:
    with pytest.raises(AssertionError) as failure:
        checks.full_refresh_equals_incremental(lake, "boundary")
    told = str(failure.value)
    assert told.count("lake.given(") == 2
    assert told.count("'id'") == 2
    assert "'email'" not in told


def test_values_are_of_the_tables_that_a_model_reads(lake: LakeUnderTest) -> None:
    values = {"shopify.products": {"title": st.just("mug")}}
    with pytest.raises(UsageError, match=r"it reads shopify\.orders$"):
        checks.full_refresh_equals_incremental(lake, "latest_order", values=values)


def test_without_hypothesis_the_extra_is_named(lake: LakeUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lakekit.testing.falsify", "lakekit.testing.generate"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(UsageError, match=r"lakekit\[checks\]"):
        checks.full_refresh_equals_incremental(lake, "latest_order")


def test_made_batches_find_what_a_reviewer_would_not(lake: LakeUnderTest) -> None:
    with pytest.raises(AssertionError) as failure:
        checks.full_refresh_equals_incremental(lake, "latest_order")
    told = str(failure.value)
    # An order went from its customer to none: only a rebuild forgets that it was the customer's latest.
    assert "1 extra (0 rows expected, 1 found)" in told
    assert told.count("lake.given(") == 2


def test_no_fan_out(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [order(1), order(2)])
    lake.given("shopify.order_refunds", [{"id": 1, "order_id": 1}])
    checks.no_fan_out(lake, "fanned_out", "order_id")
    checks.no_fan_out(lake, "int_shopify__orders")
    lake.given("shopify.order_refunds", [{"id": 2, "order_id": 1}])
    with pytest.raises(AssertionError, match=r"(?s)order_id: 1 is found 2 times.*they differ in refund_id"):
        checks.no_fan_out(lake, "fanned_out", "order_id")
    with pytest.raises(UsageError, match="no unique_key"):
        checks.no_fan_out(lake, "fanned_out")


def test_no_lost_rows(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [order(1), order(2)])
    lake.given("shopify.order_refunds", [{"id": 1, "order_id": 1}])
    checks.no_lost_rows(lake, "fanned_out", "shopify.orders", {"order_id": "id"})
    checks.no_lost_rows(lake, "lossy", "shopify.orders", {"order_id": "id"}, where="id = 1")
    with pytest.raises(AssertionError, match=r"(?s)1 missing.*- +2 +name: '#2'"):
        checks.no_lost_rows(lake, "lossy", "shopify.orders", {"order_id": "id"})
    with pytest.raises(AssertionError, match="rows of fanned_out are not in lossy"):
        checks.no_lost_rows(lake, "lossy", "fanned_out", "order_id")
    with pytest.raises(UsageError, match="did you mean 'order_id'"):
        checks.no_lost_rows(lake, "lossy", "shopify.orders", {"order_ids": "id"})


def test_a_check_of_nothing_is_refused(lake: LakeUnderTest) -> None:
    """On an empty lake the most faulty model would pass."""
    first = r"has no rows: any model would pass\.\n  try: give shopify\.orders some first: lake\.given"
    with pytest.raises(UsageError, match=f"appended {first}"):
        checks.idempotent(lake, "appended")
    fanned_out = first.replace("give ", r"give shopify\.order_refunds, ")
    with pytest.raises(UsageError, match=f"fanned_out {fanned_out}"):
        checks.no_fan_out(lake, "fanned_out", "order_id")
    with pytest.raises(UsageError, match=f"shopify.orders {first}"):
        checks.no_lost_rows(lake, "lossy", "shopify.orders", {"order_id": "id"})
    with pytest.raises(UsageError, match=f"fanned_out {fanned_out}"):
        checks.no_lost_rows(lake, "lossy", "fanned_out", "order_id")
    lake.given("shopify.orders", [order(1)])
    with pytest.raises(UsageError, match=r"shopify\.orders has no rows where id = 2"):
        checks.no_lost_rows(lake, "lossy", "shopify.orders", {"order_id": "id"}, where="id = 2")
    # A model that is empty though its rows were given has lost them.
    with pytest.raises(AssertionError, match="1 missing"):
        checks.no_lost_rows(lake, "lossy", "shopify.orders", {"order_id": "id"})


def test_survives_new_column(lake: LakeUnderTest) -> None:
    with pytest.raises(UsageError, match="no rows"):
        checks.survives_new_column(lake, "int_shopify__orders", "shopify.orders")
    lake.given("shopify.orders", [order(1, line_items=[LINE]), order(2)])
    checks.survives_new_column(lake, "int_shopify__orders", "shopify.orders")
    with pytest.raises(AssertionError, match=r"(?s)fingerprinted holds other rows.*2 changed"):
        checks.survives_new_column(lake, "fingerprinted", "shopify.orders")
    with pytest.raises(
        AssertionError, match=r"(?s)unlisted does not build once shopify.orders has a column more"
    ):
        checks.survives_new_column(lake, "unlisted", "shopify.orders")


def test_a_lake_is_left_as_it_was(lake: LakeUnderTest) -> None:
    lake.given("shopify.orders", [order(1)])
    before = lake.catalog.ref(lake.ref).hash, lake.touched
    checks.idempotent(lake, "rewritten")
    checks.full_refresh_equals_incremental(lake, "latest_order", [{"shopify.orders": [order(2)]}])
    checks.survives_new_column(lake, "latest_order", "shopify.orders")
    assert (lake.catalog.ref(lake.ref).hash, lake.touched) == before
