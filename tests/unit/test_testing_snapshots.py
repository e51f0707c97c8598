"""Expectations in files: the same bytes for the same rows, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.errors import UsageError
from lakekit.testing.compare import compare
from lakekit.testing.snapshots import path_for, read, write

from .arrow_values import column_types, values_of

if TYPE_CHECKING:
    import random

ROWS: list[dict[str, Any]] = [
    {"total": Decimal("5.00"), "id": 2, "at": None, "name": "ü"},
    {"total": None, "id": 10, "at": datetime(2026, 1, 3, tzinfo=UTC), "name": None},
]
SCHEMA = pa.schema(
    [
        ("total", pa.decimal128(9, 2)),
        ("id", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("name", pa.string()),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    schema = pa.schema([("a", draw(column_types)), ("b", draw(column_types))])
    row = st.fixed_dictionaries({field.name: values_of(field.type) for field in schema})
    return pa.Table.from_pylist(draw(st.lists(row, max_size=5)), schema=schema)


def test_a_row_is_a_line_and_the_key_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "a.json"
    write(file, pa.Table.from_pylist(ROWS, schema=SCHEMA), ["id"])
    assert file.read_text() == (
        "[\n"
        '{"id": 2, "at": null, "name": "ü", "total": "5.00"},\n'
        '{"id": 10, "at": "2026-01-03T00:00:00Z", "name": null, "total": null}\n'
        "]\n"
    )
    assert [path.name for path in file.parent.iterdir()] == ["a.json"]


def test_no_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.json", SCHEMA.empty_table(), ["id"])
    assert (tmp_path / "a.json").read_text() == "[]\n"
    assert read(tmp_path / "a.json") == []


@given(tables(), st.randoms())
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, table: pa.Table, order: random.Random
) -> None:
    file = tmp_path_factory.mktemp("snapshots") / "a.json"
    write(file, table, [])
    assert compare(table, read(file)) is None
    before = file.read_bytes()
    assert before.count(b"\n") == (table.num_rows + 2 if table.num_rows else 1)
    places = list(range(table.num_rows))
    order.shuffle(places)
    write(file, table.take(pa.array(places, pa.int64())).select(["b", "a"]), [])
    assert file.read_bytes() == before


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.json"
    file.write_text("[]\n")

    def fail(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        write(file, pa.Table.from_pylist(ROWS, schema=SCHEMA))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert file.read_text() == "[]\n"


def test_a_missing_snapshot_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--lake-update"):
        read(tmp_path / "a.json")
    with pytest.raises(UsageError, match="did you mean 'id'"):
        write(tmp_path / "a.json", SCHEMA.empty_table(), ["idd"])


def test_paths_are_beside_the_test_and_differ_where_names_do() -> None:
    test = Path("tests/shop/test_orders.py")
    assert path_for(test, "test_refund[embedded-1]", "fct_daily_sales") == Path(
        "tests/shop/__snapshots__/test_orders/test_refund[embedded-1].fct_daily_sales.json"
    )
    names = ["test[a/b]", "test[a b]", "test[a-b]", "test[../../b]", "test[é]", "t" * 300, "t" * 301, "", "."]
    paths = [path_for(test, name, "m") for name in names]
    assert len(set(paths)) == len(names)
    assert all(path.parent == test.parent / "__snapshots__" / "test_orders" for path in paths)
    assert all(len(path.name.encode()) < 200 for path in paths)
