"""What a test expects of a table, and what it is told where the table is otherwise."""

from __future__ import annotations

import copy
import itertools
import pickle
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lakekit.errors import UsageError
from lakekit.testing.compare import ANY, NOT_NULL, Difference, compare
from lakekit.testing.pairing import match
from lakekit.testing.values import plain

from .arrow_values import column_types, values_of

if TYPE_CHECKING:
    import random

NAN = float("nan")
SCHEMA = pa.schema(
    [
        ("order_id", pa.int64()),
        ("total", pa.decimal128(18, 2)),
        ("rate", pa.float64()),
        ("at", pa.timestamp("us", "UTC")),
        ("is_cancelled", pa.bool_()),
        ("payload", pa.string()),
    ]
)
ORDERS = pa.Table.from_pylist(
    [
        {"order_id": 1, "total": Decimal("30.00"), "rate": 0.1, "at": datetime(2026, 1, 3, tzinfo=UTC), "is_cancelled": True, "payload": '{"b": 1, "a": [true]}'},
        {"order_id": 2, "total": Decimal("5.00"), "rate": NAN, "at": None, "is_cancelled": False, "payload": None},
        {"order_id": 3, "total": None, "rate": None, "at": None, "is_cancelled": None, "payload": "{"},
    ],
    schema=SCHEMA,
)  # fmt: skip


def differs(*args: Any, **options: Any) -> Difference:
    difference = compare(*args, **options)
    assert difference is not None
    return difference


@pytest.mark.parametrize("key", [[], ["order_id"]])
def test_only_what_is_named_is_compared_and_texts_mean_values(key: list[str]) -> None:
    expected = [
        {"order_id": "2", "total": "5", "rate": NAN},
        {
            "order_id": 1,
            "at": "2026-01-03T00:00:00Z",
            "payload": {"a": [True], "b": 1.0},
            "is_cancelled": "true",
        },
        {"order_id": 3, "total": None, "is_cancelled": None, "payload": "{"},
    ]
    assert compare(ORDERS, expected, key=key) is None


def test_an_empty_table_is_expected_by_no_rows() -> None:
    assert compare(SCHEMA.empty_table(), []) is None
    assert compare(ORDERS, [], partial=True) is None
    assert len(differs(ORDERS, []).extra) == 3
    assert differs(ORDERS, []).extra[0].keys() == set(SCHEMA.names)
    assert len(differs(SCHEMA.empty_table(), [{"order_id": 1}]).missing) == 1
    assert compare(ORDERS, [{}, {}, {}]) is None
    assert len(differs(ORDERS, [{}]).extra) == 2


def test_anything_and_anything_but_null() -> None:
    assert (
        compare(ORDERS, [{"order_id": 2, "at": ANY}, {"order_id": 1, "at": NOT_NULL}], partial=True) is None
    )
    [changed] = differs(ORDERS, [{"order_id": 2, "at": NOT_NULL}], key=["order_id"], partial=True).changed
    assert changed.cells[0].expected is NOT_NULL
    assert pickle.loads(pickle.dumps(ANY)) is copy.deepcopy(ANY) is ANY


def test_json_tells_true_from_one() -> None:
    expected = {"order_id": 1, "payload": {"a": [1], "b": 1}}
    assert differs(ORDERS, [expected], partial=True).changed[0].cells[0].column == "payload"
    assert differs(ORDERS, [{"order_id": 3, "payload": {}}], partial=True).changed[0].cells[0].found == "{"


def test_rows_without_a_key_are_counted() -> None:
    table = pa.table({"a": [1, 1, 2]})
    assert compare(table, [{"a": 2}, {"a": 1}, {"a": 1}]) is None
    difference = differs(table, [{"a": 1}, {"a": 2}, {"a": 2}])
    assert [(c.expected, c.found) for row in difference.changed for c in row.cells] == [(2, 1)]
    assert differs(table, [{"a": 1}, {"a": 2}]).extra == ({"a": 1},)


@pytest.mark.parametrize(
    ("tolerance", "fits"),
    [(0, False), (0.1, True), (0.09, False), ({"x": 0.1, "m": 0.1}, True), ({"x": 0.1}, False)],
)
@pytest.mark.parametrize("key", [[], ["id"]])
def test_tolerances_are_absolute_and_by_digits(tolerance: Any, fits: bool, key: list[str]) -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "x": [1.1, 7.0],
            "m": pa.array([Decimal("1.10"), Decimal("7.00")], pa.decimal128(9, 2)),
        }
    )
    expected = [{"id": 1, "x": 1.0, "m": "1.0"}, {"id": 2, "x": 7, "m": 7}]
    assert (compare(table, expected, tolerance=tolerance, key=key) is None) == fits


def test_whole_numbers_are_off_only_where_the_test_says_so() -> None:
    table = pa.table({"id": [1, 2]})
    assert len(differs(table, [{"id": 1}, {"id": 3}], tolerance=5).changed) == 1
    assert compare(table, [{"id": 1}, {"id": 3}], tolerance={"id": 1}) is None


def test_a_tolerance_does_not_reach_null_nan_or_infinity() -> None:
    table = pa.table({"x": pa.array([None, NAN, float("inf")], pa.float64())})
    assert compare(table, [{"x": "Infinity"}, {"x": None}, {"x": NAN}], tolerance=9) is None
    assert len(differs(table, [{"x": 1}, {"x": 1}, {"x": 1}], tolerance=9).changed) == 3


def test_no_row_takes_what_is_the_only_match_of_another() -> None:
    table = pa.table({"x": [1.4, 0.9], "y": [1, 1]})
    assert compare(table, [{"x": 1.0}, {"x": 1.8}], tolerance=0.5) is None
    assert compare(table, [{"y": 1}, {"y": 1, "x": 1.4}]) is None
    many = pa.table({"x": [float(n) for n in reversed(range(300))]})
    assert compare(many, [{"x": n + 0.5} for n in range(300)], tolerance=0.5) is None
    assert len(differs(many, [{"x": n + 0.5} for n in range(1, 301)], tolerance=0.5).changed) == 1


def test_a_value_of_the_wrong_type_is_told_as_such_and_alone() -> None:
    difference = differs(ORDERS, [{"order_id": 1, "total": "thirty"}], key=["order_id"], partial=True)
    [wrong] = difference.types
    assert (wrong.number, wrong.column, wrong.type, wrong.expected) == (1, "total", "decimal(18,2)", "thirty")
    assert not difference.changed
    assert "total is decimal(18,2); expected row 1 has 'thirty' (str): it is not a number" in str(difference)
    assert differs(ORDERS, [{"order_id": "x"}], key=["order_id"], partial=True).missing == ()


def test_doubled_keys_are_told() -> None:
    table = pa.table({"id": [1, 1, 2, 2], "n": [1, 2, 3, 4]})
    difference = differs(table, [{"id": 1, "n": 1}, {"id": 1, "n": 2}], key=["id"], partial=True)
    assert [(d.key, d.times, d.expected) for d in difference.duplicates] == [
        ({"id": 1}, 2, True),
        ({"id": 1}, 2, False),
    ]
    assert "id: 1 is found 2 times" in str(difference)
    assert {d.key["id"] for d in differs(table, [{"id": 1}], key=["id"]).duplicates} == {1, 2}


def test_of_similar_rows_those_with_the_same_id_are_paired() -> None:
    table = pa.table({"id": [1, 2, 3], "n": [20, 10, 30]})
    difference = differs(table, [{"id": 1, "n": 10}, {"id": 2, "n": 20}, {"id": 3, "n": 30}])
    assert [(row.row["id"], [cell.column for cell in row.cells]) for row in difference.changed] == [
        (1, ["n"]),
        (2, ["n"]),
    ]


@pytest.mark.parametrize(
    ("expected", "options", "says"),
    [
        ([{"order": 1}], {}, "did you mean 'order_id'"),
        ([{"order_id": 1}], {"key": ["id"]}, "The key names a column 'id'"),
        (
            [{"order_id": 1}, {"total": 1}],
            {"key": ["order_id"]},
            "Expected row 2 has no value for 'order_id'",
        ),
        ([{"order_id": ANY}], {"key": ["order_id"]}, "told apart by order_id"),
        ([], {"tolerance": {"totl": 1}}, "did you mean 'total'"),
        ([], {"tolerance": {"payload": 1}}, "'payload' cannot have a tolerance"),
        ([], {"tolerance": -1}, "-1 cannot be a tolerance"),
        ([], {"tolerance": NAN}, "nan cannot be a tolerance"),
    ],
)
def test_a_call_that_makes_no_sense(
    expected: list[dict[str, Any]], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        compare(ORDERS, expected, **options)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    types = draw(st.lists(column_types, min_size=1, max_size=3))
    schema = pa.schema([(f"c{n}", type_) for n, type_ in enumerate(types)])
    row = st.fixed_dictionaries({field.name: values_of(field.type) for field in schema})
    return pa.Table.from_pylist(draw(st.lists(row, max_size=5)), schema=schema)


@given(tables(), st.randoms())
def test_a_table_is_what_it_is_in_any_order_and_as_text(table: pa.Table, order: random.Random) -> None:
    rows = table.to_pylist()
    order.shuffle(rows)
    assert compare(table, rows) is None
    texts = [
        {name: plain(value, table.schema.field(name).type) for name, value in row.items()} for row in rows
    ]
    assert compare(table, texts) is None


@given(tables(), st.data())
def test_a_single_changed_cell_is_reported_as_exactly_that(table: pa.Table, data: st.DataObject) -> None:
    assume(table.num_rows)
    number = data.draw(st.integers(0, table.num_rows - 1))
    field = data.draw(st.sampled_from(list(table.schema)))
    rows = table.to_pylist()
    [value] = pa.array([data.draw(values_of(field.type))], type=field.type).to_pylist()
    before, rows[number] = rows[number][field.name], rows[number] | {field.name: value}

    def told(value: Any) -> str:
        return repr(plain(value, field.type))

    difference = compare(table, rows)
    if difference is None:
        assert told(before).replace("-0.0", "0.0") == told(value).replace("-0.0", "0.0")
        return
    [changed] = difference.changed
    [cell] = changed.cells
    assert (cell.column, told(cell.expected), told(cell.found)) == (field.name, told(value), told(before))
    assert not (difference.missing)
    assert not (difference.extra)
    assert not (difference.types)
    assert not (difference.duplicates)
    assert f"1 changed ({table.num_rows} row" in str(difference)


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_by_key_everything_is_accounted_for(found: list[int], expected: list[int]) -> None:
    table = pa.table({"id": pa.array(found, pa.int64())})
    difference = compare(table, [{"id": n} for n in expected], key=["id"])
    if difference is None:
        assert sorted(found) == sorted(set(expected)) == sorted(expected)
        return
    assert {row["id"] for row in difference.missing} == set(expected) - set(found)
    assert {row["id"] for row in difference.extra} == set(found) - set(expected)
    assert sum(d.times for d in difference.duplicates) == sum(
        values.count(n) for values in (found, expected) for n in set(values) if values.count(n) > 1
    )


def test_a_difference_reads_at_a_glance() -> None:
    table = pa.table(
        {
            "order_id": [1, 20, 300, 4],
            "name": ["Zoë", "日本語", None, "x" * 90],
            "total": pa.array([Decimal("30.00"), Decimal("5.00"), None, None], pa.decimal128(18, 2)),
            "tags": [["a"], [], None, None],
        }
    )
    expected = [
        {"order_id": 1, "name": "Zoë", "total": "31", "tags": ["b"]},
        {"order_id": 20, "name": "日本", "total": 5, "tags": []},
        {"order_id": 5, "name": "new", "total": 1, "tags": None},
        {"order_id": 4, "name": "y", "total": "many", "tags": None},
    ]
    assert str(compare(table, expected, key="order_id")).splitlines() == [
        "1 of the wrong type, 3 changed, 1 missing, 1 extra (4 rows expected, 4 found)",
        "! total is decimal(18,2); expected row 4 has 'many' (str): it is not a number",
        "   order_id",
        "~  1         total: 31.00 → 30.00  tags: ['b'] → ['a']",
        "~  20        name: '日本' → '日本語'",
        "~  4         name: 'y' → 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…",
        "-  5         name: 'new'  total: 1.00  tags: null",
        "+  300       name: null  total: null  tags: null",
    ]


def test_wide_letters_keep_columns_aligned_and_many_rows_are_counted() -> None:
    table = pa.table({"name": ["日本語", "é", "e\u0301"] + ["z"] * 60, "n": range(63)})
    lines = str(compare(table, [])).splitlines()
    assert lines[0] == "63 extra (0 rows expected, 63 found)"
    assert lines[2:5] == ["+  '日本語'  0", "+  'é'       1", "+  'e\u0301'       2"]
    assert len(lines) == 23
    assert lines[-1] == "… and 43 more (43 extra)"


def test_a_text_cannot_pass_for_a_null_or_break_the_line() -> None:
    table = pa.table({"id": [1, 2], "t": ["null", "a\nb"]})
    text = str(compare(table, [{"id": 1, "t": None}, {"id": 2, "t": "a"}], key=["id"]))
    assert "t: null → 'null'" in text
    assert r"t: 'a' → 'a\nb'" in text


@given(st.lists(st.lists(st.integers(0, 5), unique=True), max_size=5))
def test_as_many_are_matched_as_can_be(candidates: list[list[int]]) -> None:
    found = match(candidates)
    assert all(right in candidates[left] for left, right in found.items())
    assert len(set(found.values())) == len(found)
    assert len(found) == max(
        len({left for left, right in pairs if right is not None})
        for choice in itertools.product(*([*of, None] for of in candidates))
        for pairs in [list(enumerate(choice))]
        if len({r for r in choice if r is not None}) == sum(r is not None for r in choice)
    )


@pytest.mark.parametrize("expected", [1000, 3000, 6000])
def test_many_equal_rows_are_matched_quickly(expected: int) -> None:
    table = pa.table({"is_cancelled": [True] * 3000})
    started = time.perf_counter()
    difference = compare(table, [{"is_cancelled": True}] * expected)
    assert (
        time.perf_counter() - started < 5
    )  # 0.05 to 0.5 s on an idle machine; every pair would take a minute
    assert (difference is None) == (expected == 3000)
