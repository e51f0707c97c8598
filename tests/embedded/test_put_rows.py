"""Rows put into a table by key, through either engine's way of doing it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.engine.duckdb import DuckDBEngine
from lakekit.engine.rows import put_through_pyiceberg
from lakekit.errors import QueryFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ORDERS = TableId("shop", "orders")
SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), ("status", pa.string())])


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    catalog = EmbeddedCatalog(tmp_path)
    engine = DuckDBEngine(catalog)
    yield engine
    engine.close()
    catalog.close()


@pytest.fixture(params=["duckdb", "pyiceberg"])
def put(engine: DuckDBEngine, request: pytest.FixtureRequest) -> Callable[..., None]:
    def put(rows: pa.Table, key: Sequence[str] = ("id",), ref: str = "main") -> None:
        if request.param == "duckdb":
            engine.put_rows(ref, ORDERS, rows, key)
        else:
            put_through_pyiceberg(engine.catalog.iceberg(ref), ORDERS, rows, key)

    return put


def orders(*rows: tuple[Any, ...]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


def held(engine: DuckDBEngine, order: str = "id") -> list[tuple[Any, ...]]:
    rows = engine.execute("main", f"select * from shop.orders order by {order}").to_pylist()
    return [tuple(row.values()) for row in rows]


def test_rows_take_the_place_of_those_with_their_key(engine: DuckDBEngine, put: Callable[..., None]) -> None:
    put(orders((1, "paid"), (2, "pending")))
    assert held(engine) == [(1, "paid"), (2, "pending")]
    before = engine.catalog.ref("main").hash
    put(orders((2, "paid"), (3, "new")))
    assert held(engine) == [(1, "paid"), (2, "paid"), (3, "new")]
    assert engine.catalog.log("main")[1].hash == before
    put(orders((3, "twice")), ())
    assert held(engine, "id, status") == [(1, "paid"), (2, "paid"), (3, "new"), (3, "twice")]


def test_a_new_table_is_one_commit_and_wants_what_its_schema_wants(
    engine: DuckDBEngine, put: Callable[..., None]
) -> None:
    engine.catalog.relations("main").create_schema("shop")
    before = engine.catalog.ref("main").hash
    put(orders((1, "paid")))
    assert engine.catalog.log("main")[1].hash == before
    schema = engine.catalog.iceberg("main").load_table("shop.orders").schema()
    assert [field.required for field in schema.fields] == [True, False]
    with pytest.raises(QueryFailed, match="null"):
        put(pa.table({"id": pa.array([None], pa.int64()), "status": ["x"]}))
    with pytest.raises(QueryFailed, match="'id'"):
        put(pa.table({"status": ["x"]}), ())
    with pytest.raises(QueryFailed, match="no column 'day'"):
        put(orders((1, "x")), ("day",))


def test_no_rows_make_a_table_too(engine: DuckDBEngine, put: Callable[..., None]) -> None:
    put(orders())
    assert held(engine) == []
    put(orders())
    put(orders((1, "paid")))
    assert held(engine) == [(1, "paid")]


def test_columns_come_and_may_be_left_out(engine: DuckDBEngine, put: Callable[..., None]) -> None:
    put(orders((1, "paid")))
    put(pa.table({"total": [Decimal("1.50")], "id": [2]}))
    assert held(engine) == [(1, "paid", None), (2, None, Decimal("1.50"))]


def test_a_key_may_have_several_columns_and_be_null(engine: DuckDBEngine, put: Callable[..., None]) -> None:
    put(orders((1, "a"), (1, "b"), (1, None)), ("id", "status"))
    put(orders((1, "b"), (1, None), (2, "a")), ("id", "status"))
    assert sorted(map(str, held(engine))) == ["(1, 'a')", "(1, 'b')", "(1, None)", "(2, 'a')"]
    put(orders((9, None)), ("status",))
    assert sorted(map(str, held(engine))) == ["(1, 'a')", "(1, 'b')", "(2, 'a')", "(9, None)"]


def test_a_null_array_of_rows_stays_null_or_is_refused(engine: DuckDBEngine) -> None:
    rows = pa.table({"id": [1, 2], "lines": pa.array([[{"a": 1}], None])})
    engine.put_rows("main", ORDERS, rows, ["id"])
    assert held(engine) == [(1, [{"a": 1}]), (2, None)]
    with pytest.raises(QueryFailed, match="array of rows that is null"):
        put_through_pyiceberg(engine.catalog.iceberg("main"), ORDERS, rows, ["id"])


def test_types_are_those_that_iceberg_has(engine: DuckDBEngine, put: Callable[..., None]) -> None:
    kinds = pa.schema(
        [
            ("id", pa.int16()),
            ("many", pa.uint64()),
            ("at", pa.timestamp("ns", "Europe/Berlin")),
            ("local", pa.timestamp("s")),
            ("day", pa.date32()),
            ("word", pa.dictionary(pa.int8(), pa.string())),
            ("text", pa.large_string()),
            ("money", pa.decimal128(18, 2)),
            ("list", pa.list_(pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))]))),
            ("map", pa.map_(pa.string(), pa.float32())),
            ("raw", pa.binary()),
            ("flag", pa.bool_()),
        ]
    )
    row = {
        "id": 1, "many": 2**64 - 1, "at": datetime(2026, 1, 31, 12, tzinfo=UTC), "local": datetime(2026, 1, 1),
        "day": date(2026, 1, 31), "word": "w", "text": "t", "money": Decimal("1.25"),
        "list": [{"a": 1, "b": ["x"]}], "map": [("k", 0.5)], "raw": b"\x00", "flag": True,
    }  # fmt: skip
    put(pa.Table.from_pylist([row], kinds))
    put(pa.Table.from_pylist([row, {"id": 2, "list": []}], kinds))
    found, empty = engine.execute("main", "select * from shop.orders order by id").to_pylist()
    assert found == row | {"many": Decimal(2**64 - 1)}
    assert [value for value in empty.values() if value is not None] == [2, []]
    with pytest.raises(QueryFailed, match="no type"):
        put(pa.table({"id": pa.array([1], pa.int16()), "other": [None]}))


def test_rows_go_into_tables_of_branches_only(engine: DuckDBEngine) -> None:
    engine.put_rows("main", ORDERS, orders((1, "paid")), ["id"])
    commit = engine.catalog.ref("main").hash
    with pytest.raises(UsageError, match="Nothing can be changed"):
        engine.put_rows(commit, ORDERS, orders((2, "paid")), ["id"])
    engine.execute("main", "create view shop.v as select 1 as id")
    with pytest.raises(QueryFailed, match="is a view"):
        engine.put_rows("main", TableId("shop", "v"), orders((2, "paid")), ["id"])
