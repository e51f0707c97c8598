"""Values out of tests: from whatever holds them, into what a column holds, exactly or not at all."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from lakekit.errors import UsageError
from lakekit.testing.values import Misfit, arrow_table, convert, plain, rows_of, type_name

from .arrow_values import column_types, values_of

if TYPE_CHECKING:
    from pathlib import Path

ZONED = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(18, 2)
LINE = pa.struct([("sku", pa.string()), ("price", MONEY)])


@pytest.mark.parametrize(
    ("value", "type_", "held"),
    [
        ("30.00", MONEY, Decimal("30.00")),
        (30, MONEY, Decimal("30.00")),
        (30.1, MONEY, Decimal("30.10")),
        ("3e1", MONEY, Decimal("30.00")),
        (Decimal("30.000"), MONEY, Decimal("30.00")),
        ("0e500", MONEY, Decimal("0.00")),
        ("2026-01-03T00:00:00Z", ZONED, datetime(2026, 1, 3, tzinfo=UTC)),
        ("2026-01-03 02:00:00.5+02:00", ZONED, datetime(2026, 1, 3, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-03 00:00:00.000000000 UTC", ZONED, datetime(2026, 1, 3, tzinfo=UTC)),
        ("2026-01-03T01:00:00", ZONED, datetime(2026, 1, 3, 1, tzinfo=UTC)),
        (datetime(2026, 1, 3), ZONED, datetime(2026, 1, 3, tzinfo=UTC)),
        ("2026-01-03", pa.timestamp("us"), datetime(2026, 1, 3)),
        (date(2026, 1, 3), pa.timestamp("us"), datetime(2026, 1, 3)),
        ("2026-01-03", pa.date32(), date(2026, 1, 3)),
        (datetime(2026, 1, 3), pa.date32(), date(2026, 1, 3)),
        ("09:08", pa.time64("us"), time(9, 8)),
        ("09:08:07.123456", pa.time64("us"), time(9, 8, 7, 123456)),
        ("TRUE", pa.bool_(), True),
        ("7", pa.int64(), 7),
        (7.0, pa.int64(), 7),
        (3, pa.float64(), 3.0),
        ("1e3", pa.float64(), 1000.0),
        ("-Infinity", pa.float64(), -math.inf),
        ({"a": [1, "ü"]}, pa.string(), '{"a":[1,"ü"]}'),
        ([], pa.large_string(), "[]"),
        (UUID(int=7), pa.string(), "00000000-0000-0000-0000-000000000007"),
        ("c0ffee", pa.binary(), b"\xc0\xff\xee"),
        (b"\x00", pa.binary(), b"\x00"),
        (["1", None], pa.list_(pa.int64()), [1, None]),
        (
            '[{"price": 1234567890123456.78}]',
            pa.list_(LINE),
            [{"sku": None, "price": Decimal("1234567890123456.78")}],
        ),
        (("a", 1), LINE, {"sku": "a", "price": Decimal("1.00")}),
        ({"a": "1"}, pa.map_(pa.string(), pa.int64()), [("a", 1)]),
        ([[1, "x"]], pa.map_(pa.int64(), pa.string()), [(1, "x")]),
        (pa.scalar(5), pa.int64(), 5),
        ("x", pa.dictionary(pa.int32(), pa.string()), "x"),
    ],
)
def test_python_and_text_mean_the_same(value: Any, type_: pa.DataType, held: Any) -> None:
    found = convert(value, type_)
    assert found == held
    assert type(found) is type(held)
    [stored] = arrow_table([{"c": value}], pa.schema([("c", type_)]), what="t").column("c").to_pylist()
    assert stored == held


@pytest.mark.parametrize(
    ("value", "type_", "reason"),
    [
        ("30.005", MONEY, "more than 2 decimal places"),
        (0.1 + 0.2, MONEY, "more than 2 decimal places"),
        ("12345678901234567", MONEY, "more than 16 digits before the point"),
        ("1e999999", MONEY, "more than 16 digits"),
        ("1e-999999", MONEY, "decimal places"),
        ("NaN", MONEY, "not finite"),
        ("12,50", MONEY, "not a number"),
        ("1_000", pa.int64(), "not a number"),
        (True, pa.int64(), "boolean"),
        (1.5, pa.int64(), "not a whole number"),
        (2**63, pa.int64(), "not from"),
        (-1, pa.uint8(), "not from 0 to 255"),
        ("1e999", pa.float64(), "too large"),
        (1e300, pa.float32(), "too large"),
        (1, pa.bool_(), "give True or False"),
        ("yes", pa.bool_(), "give True or False"),
        (1, pa.string(), "give text"),
        ({"a": Decimal(1)}, pa.string(), "cannot be JSON"),
        ("yesterday", ZONED, "reads like 2026-01-31T23:59:59Z"),
        ("2026-02-30", ZONED, "day"),
        ("2026-01-03T00:00:00.0000001Z", ZONED, "finer than a microsecond"),
        ("2026-01-03T00:00:00.001Z", pa.timestamp("s", "UTC"), "finer than the column's unit"),
        ("2026-01-03T00:00:00Z", pa.timestamp("us"), "has a zone"),
        (datetime(2026, 1, 3, tzinfo=UTC), pa.timestamp("us"), "has a zone"),
        ("2026-01-03T10:00:00", pa.date32(), "time of day"),
        (20260103, pa.date32(), "give a date"),
        (time(1, tzinfo=UTC), pa.time64("us"), "has a zone"),
        ("9:08", pa.time64("us"), "reads like"),
        ("25:00", pa.time64("us"), "hour"),
        ("0001-01-01T00:00:00+01:00", ZONED, "years 1 to 9999"),
        ("1e99999999999999999999", MONEY, "not a number"),
        ("1e99999999999999999999", pa.int64(), "not a number"),
        ("xyz", pa.binary(), "hexadecimal"),
        (b"ab", pa.binary(3), "2 bytes, not 3"),
        ("a,b", pa.list_(pa.string()), "not JSON"),
        ([1, "x"], pa.list_(pa.int64()), "item 2 is 'x', no bigint"),
        ({"skuu": 1}, LINE, "did you mean 'sku'"),
        ([1], LINE, "1 values for the fields sku, price"),
        ({"price": "x"}, LINE, "field 'price' is 'x', no decimal"),
        ([[1, 2], [1, 3]], pa.map_(pa.int64(), pa.int64()), "all different"),
        (7, pa.map_(pa.int64(), pa.int64()), "give a dict"),
        (7, pa.null(), "no value but null"),
    ],
)
def test_what_does_not_fit_exactly_is_refused(value: Any, type_: pa.DataType, reason: str) -> None:
    with pytest.raises(Misfit, match=reason):
        convert(value, type_)
    with pytest.raises(UsageError) as caught:
        arrow_table([{"c": None}, {"c": value}], pa.schema([("c", type_)]), what="shopify.orders")
    assert str(caught.value).startswith(
        f"Row 2 of shopify.orders: {value!r} is no value for 'c' ({type_name(type_)})."
    )


@given(st.data())
def test_every_value_survives_its_text(data: st.DataObject) -> None:
    type_ = data.draw(column_types)
    value = data.draw(values_of(type_))
    [held] = pa.array([value], type=type_).to_pylist()
    text = json.loads(json.dumps(plain(held, type_)))
    [back] = pa.array([convert(text, type_)], type=type_).to_pylist()
    assert repr(plain(back, type_)) == repr(plain(held, type_))
    assert repr(plain(pa.array([convert(held, type_)], type=type_).to_pylist()[0], type_)) == repr(
        plain(held, type_)
    )


@given(st.data(), st.integers(0, 3))
def test_columns_of_nothing_keep_their_types(data: st.DataObject, rows: int) -> None:
    schema = pa.schema([("a", data.draw(column_types)), ("b", data.draw(column_types))])
    table = arrow_table([{}] * rows, schema, what="t")
    assert table.schema == schema
    assert table.to_pylist() == [{"a": None, "b": None}] * rows


def test_an_unknown_column_is_told_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        arrow_table(
            [{"id": 1}, {"Total_prise": 1}],
            pa.schema([("id", pa.int64()), ("total_price", MONEY)]),
            what="shopify.orders",
        )
    assert "Row 2 of shopify.orders names a column 'Total_prise'" in str(caught.value)
    assert "did you mean 'total_price'" in str(caught.value)
    assert "id, total_price" in str(caught.value)


def test_a_required_column_must_have_a_value() -> None:
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False)])
    with pytest.raises(UsageError, match=r"Row 2 of t has no value for 'id'"):
        arrow_table([{"id": 1}, {}], schema, what="t")


def test_types_are_named_as_trino_does() -> None:
    type_ = pa.map_(pa.string(), pa.list_(pa.struct([("at", ZONED), ("n", pa.decimal128(18, 2))])))
    assert type_name(type_) == "map(varchar, array(row(at timestamp(6) with time zone, n decimal(18,2))))"
    assert [type_name(t) for t in (pa.int64(), pa.float64(), pa.timestamp("us"), pa.time64("us"))] == [
        "bigint",
        "double",
        "timestamp(6)",
        "time(6)",
    ]


def test_rows_come_from_mappings_tables_and_whatever_streams_arrow() -> None:
    class Frame:
        def __init__(self, table: pa.Table) -> None:
            self.table = table

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.table.__arrow_c_stream__(requested_schema)

    rows = [{"id": 1, "at": datetime(2026, 1, 3)}, {"id": None, "at": None}]
    table = pa.table({"id": [1, None], "at": pa.array([datetime(2026, 1, 3), None], pa.timestamp("ns"))})
    assert rows_of(rows) == rows
    assert rows_of(row for row in rows) == rows
    assert rows_of(table) == rows
    assert rows_of(Frame(table)) == rows
    assert rows_of([]) == []


def test_a_cell_of_csv_is_null_only_where_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes('\ufeffid,note\r\n1,""\r\n2,\r\n\r\n3,"a, ""b""\nc"\r\n'.encode())
    assert rows_of(file) == [
        {"id": "1", "note": ""},
        {"id": "2", "note": None},
        {"id": "3", "note": 'a, "b"\nc'},
    ]
    assert rows_of(str(file)) == rows_of(file)
    file.write_text("note\na\n\n")
    assert rows_of(file) == [{"note": "a"}, {"note": None}]
    file.write_text("id,note")
    assert rows_of(file) == []
    file.write_text("")
    assert rows_of(file) == []


cells = st.none() | st.text(st.characters(blacklist_categories=["Cs"]))


@given(st.lists(st.fixed_dictionaries({"a": cells, "b": cells})))
def test_csv_reads_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str | None]]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "rows.csv"
    quoted = [
        ["" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in (row["a"], row["b"])]
        for row in rows
    ]
    file.write_bytes("\r\n".join(["a,b", *map(",".join, quoted)]).encode())
    assert rows_of(file) == rows


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    rows = [{"id": 1, "price": 1234567890123456.78}, {"id": 2, "price": None}]
    (tmp_path / "a.json").write_text('[{"id": 1, "price": 1234567890123456.78}, {"id": 2, "price": null}]')
    (tmp_path / "a.jsonl").write_text('{"id": 1, "price": 1234567890123456.78}\n\n{"id": 2, "price": null}\n')
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for suffix in ("json", "jsonl", "parquet"):
        assert rows_of(tmp_path / f"a.{suffix}") == rows
    schema = pa.schema([("id", pa.int64()), ("price", MONEY)])
    exact = arrow_table(rows_of(tmp_path / "a.json"), schema, what="t").to_pylist()
    assert exact[0]["price"] == Decimal("1234567890123456.78")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("orders.cvs", None, "did you mean orders.csv"),
        ("a.txt", "x", "a .csv, .json, .jsonl or .parquet file"),
        ("a.json", "{}", "put it in brackets"),
        ("a.json", "[1]", "Row 1 of .*a.json is no row"),
        ("a.json", "[{]", "line 1 column 3"),
        ("a.jsonl", '{"a": 1}\n{"a"', "Line 2 of .*a.jsonl is not JSON"),
        ("a.csv", "a,b\n1\n", "Line 2 of .*a.csv has 1 cells"),
        ("a.csv", 'a,b\n"x\ny",1\n1,x"y\n', "Line 4 of .*a.csv is not CSV"),
        ("a.csv", 'a,b\n1,"never ends', "Line 2 of .*a.csv is not CSV"),
        ("a.csv", "a,a\n", "name each column once"),
        ("a.csv", "a,\n", "name each column once"),
        ("a.csv", b"a\n\xff\n", "is not UTF-8"),
        ("a.parquet", "x", "is not Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: str | bytes | None, says: str
) -> None:
    (tmp_path / "orders.csv").touch()
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=says):
        rows_of(tmp_path / name)


@pytest.mark.parametrize("given", [7, {"id": 1}, ["x"], [{1: 2}], pa.table([[1], [2]], names=["a", "a"])])
def test_what_is_no_rows_is_refused(given: Any) -> None:
    with pytest.raises(UsageError):
        rows_of(given)


def test_a_zone_of_any_name_is_the_same_instant() -> None:
    noon = datetime(2026, 1, 3, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert (
        convert(noon, ZONED)
        == convert("2026-01-03T12:00:00+0530", ZONED)
        == datetime(2026, 1, 3, 6, 30, tzinfo=UTC)
    )


def test_nothing_heavier_than_pyarrow_is_imported() -> None:
    code = (
        "import sys, lakekit.testing.values, lakekit.testing.compare, lakekit.testing.snapshots; "
        "print([m for m in ('pytest', 'pandas', 'polars', 'duckdb', 'dbt', 'sqlglot', 'pyiceberg', 'pydantic') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
