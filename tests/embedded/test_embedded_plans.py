"""Plans that are kept: used where they hold, and only there; and what a process need not import because of them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.engine.duckdb import DuckDBEngine, plans, shapes
from lakekit.engine.duckdb.session import described
from lakekit.engine.duckdb.statements import run_script
from lakekit.errors import QueryFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Rows = list[tuple[Any, ...]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    yield from opened(tmp_path / "lake", tmp_path / "plans")


def opened(lake: Path, kept: Path) -> Iterator[DuckDBEngine]:
    catalog = EmbeddedCatalog(lake)
    engine = DuckDBEngine(catalog, plans=kept)
    if not catalog.relations("main").has_schema("shop"):
        engine.execute("main", "create schema shop")
    yield engine
    engine.close()
    catalog.close()


def rows(engine: DuckDBEngine, sql: str, ref: str = "main") -> Rows:
    return [tuple(row.values()) for row in engine.execute(ref, sql).to_pylist()]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that had to be worked out."""
    seen: list[str] = []
    make = plans.Plans._write

    def write(self: plans.Plans, key: str, plan: Any) -> None:
        seen.append(type(plan).__name__)
        make(self, key, plan)

    monkeypatch.setattr(plans.Plans, "_write", write)
    return seen


def test_a_statement_is_worked_out_once_for_all_refs_rows_and_processes(
    engine: DuckDBEngine, tmp_path: Path, parsed: list[str]
) -> None:
    statements = (
        "create or replace table shop.t as select 7 / 2 as n, 'a' as word",
        "create or replace view shop.v as select n / 2 as half, word from shop.t",
        "create or replace table memory.lakekit_scratch.batch as select half, word from shop.v",
        "insert into shop.t select cast(half as integer), word from memory.lakekit_scratch.batch",
        "select count(*), max(n) from shop.t",
    )
    first = [engine.execute("main", statement) for statement in statements]
    assert set(parsed) == {"Reading", "Translated", "Stored", "Planned"}
    assert first[-1].to_pydict() == {"_col0": [2], "_col1": [3]}
    engine.catalog.create_branch("work")
    parsed.clear()
    assert [engine.execute("work", statement) for statement in statements] == first
    assert not parsed
    for again in opened(tmp_path / "lake", tmp_path / "plans"):
        assert [again.execute("work", statement) for statement in statements] == first
    assert not parsed


def test_a_plan_holds_for_the_types_that_it_was_made_for(engine: DuckDBEngine) -> None:
    # Trino divides integers to integers, and rounds the quotients of decimals.
    for kind, half in (("7", 3), ("cast(7 as decimal(5, 1))", 3.5), ("7e0", 3.5), ("7", 3)):
        rows(engine, f"create or replace table shop.t as select {kind} as n")
        assert rows(engine, "select n / 2 from shop.t") == [(half,)]
        rows(engine, "create or replace view shop.v as select n / 2 as half from shop.t")
        rows(engine, "create or replace view shop.outermost as select half from shop.v")
        assert rows(engine, "select half from shop.outermost") == [(half,)]
        run_script(engine.session("main"), f"create table memory.lakekit_scratch.s as select {kind} as n")
        assert rows(engine, "select n / 2 from memory.lakekit_scratch.s") == [(half,)]


def test_failures_are_not_kept(engine: DuckDBEngine) -> None:
    for _ in range(2):
        with pytest.raises(QueryFailed, match="t"):
            rows(engine, "select a from shop.t")
        with pytest.raises(QueryFailed, match="cannot be parsed"):
            rows(engine, "select (")
    rows(engine, "create table shop.t as select 1 as a")
    assert rows(engine, "select a from shop.t") == [(1,)]
    rows(engine, "create or replace table shop.t as select 1 as b")
    with pytest.raises(QueryFailed, match="a"):
        rows(engine, "select a from shop.t")
    rows(engine, "drop table shop.t")
    with pytest.raises(QueryFailed, match="t"):
        rows(engine, "select b from shop.t")


def test_a_view_is_planned_and_not_run_when_it_is_made(engine: DuckDBEngine) -> None:
    rows(engine, "create view shop.v as select 1 / 0 as a")
    with pytest.raises(QueryFailed, match="zero"):
        rows(engine, "select a from shop.v")


def test_damaged_files_are_made_anew(engine: DuckDBEngine, tmp_path: Path, parsed: list[str]) -> None:
    rows(engine, "select 1 as a")
    files = [file for file in (tmp_path / "plans").rglob("*") if file.is_file()]
    for n, file in enumerate(files):
        file.write_bytes(b"" if n % 2 else file.read_bytes()[:-3] + b"\xff\xff\xff")
    parsed.clear()
    for again in opened(tmp_path / "lake", tmp_path / "plans"):
        assert rows(again, "select 1 as a") == [(1,)]
    assert parsed
    parsed.clear()
    for again in opened(tmp_path / "lake", tmp_path / "plans"):
        assert rows(again, "select 1 as a") == [(1,)]
    assert not parsed


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "plans").write_text("a file")
    for engine in opened(tmp_path / "lake", tmp_path / "plans"):
        assert rows(engine, "select 1 as a") == [(1,)]


def test_several_threads_share_a_folder(engine: DuckDBEngine) -> None:
    rows(engine, "create table shop.t as select 1 as a")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: rows(engine, f"select a + {n % 5} from shop.t"), range(40)))
    assert found == [[(1 + n % 5,)] for n in range(40)]


def test_the_columns_of_a_table_are_told_as_duckdb_tells_them(engine: DuckDBEngine) -> None:
    rows(
        engine,
        """
        create table shop.t (
            a boolean, b integer, c bigint, d real, e double, f decimal(10, 2), g date, h time(6), i timestamp(6),
            j timestamp(6) with time zone, k varchar, l uuid, m varbinary, "odd Name" row(a varchar, "b c" array(integer)),
            n map(varchar, array(row(x decimal(38, 0)))))
        """,
    )
    entry = engine.catalog.entries("main")[TableId("shop", "t")]
    session = engine.session("main")
    with session.cursor() as cursor:
        asked = described(cursor, "from lake.shop.t")
        told = shapes.table_shape(entry.pointer)
        assert told is not None
        assert [(name, cursor.type(kind)) for name, kind in told] == asked
    assert session.columns(TableId("shop", "t")) == dict(asked)


def test_a_session_stays_valid_when_its_branch_is_pointed_elsewhere(engine: DuckDBEngine) -> None:
    rows(engine, "create table shop.t as select 1 as a")
    rows(engine, "create view shop.v as select a from shop.t")
    rows(engine, "create view shop.outermost as select * from shop.v")
    catalog = engine.catalog
    catalog.create_branch("base")
    catalog.create_branch("slot")
    base = catalog.ref("base")
    for n in range(4):
        target = base.hash if n % 2 else "base"
        assert rows(engine, "select * from shop.outermost", "slot") == [(1,)]
        rows(engine, f"insert into shop.t values ({n + 2})", "slot")
        rows(engine, f"create or replace table shop.u{n} as select {n} as n", "slot")
        if n == 1:
            rows(engine, "create or replace view shop.v as select a, 'x' as word from shop.t", "slot")
        if n == 2:
            rows(engine, "create or replace table shop.t as select 'other' as word, 2 as a", "slot")
        found = rows(engine, "select a from shop.v order by a", "slot")
        assert len(found) == (1 if n == 2 else 2)
        assert len(rows(engine, "select * from shop.outermost", "slot")[0]) == (2 if n == 1 else 1)
        catalog.record_checks("slot", {"unique": False})
        assert catalog.assign("slot", target) == catalog.ref("slot")
        assert catalog.ref("slot").hash == base.hash
        assert catalog.entries("slot") == catalog.entries("base")
        assert not catalog.checks("slot").results
        with pytest.raises(QueryFailed, match=f"u{n}"):
            rows(engine, f"select * from shop.u{n}", "slot")
    # What is written after that is a commit upon the new place, and merges.
    rows(engine, "insert into shop.t values (9)", "slot")
    assert catalog.log("slot")[1].hash == base.hash
    catalog.merge("slot")
    assert rows(engine, "select a from shop.outermost order by a") == [(1,), (9,)]


def test_main_and_commits_are_not_pointed_elsewhere(engine: DuckDBEngine) -> None:
    engine.catalog.create_branch("work")
    for branch in ("main", engine.catalog.ref("main").hash):
        with pytest.raises(UsageError):
            engine.catalog.assign(branch, "work")
    before = engine.catalog.ref("work")
    assert engine.catalog.assign("work", "work") == before


ROUND = """
import sys
from pathlib import Path
import pyarrow as pa
from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.engine.duckdb import DuckDBEngine
from lakekit.engine.duckdb.statements import run_script

catalog = EmbeddedCatalog(Path(sys.argv[1]))
engine = DuckDBEngine(catalog, plans=Path(sys.argv[2]))
catalog.create_branch("work")
orders = TableId("shop", "orders")
scratch = "memory.lakekit_scratch.core__orders__scratch"
def put(*ids):
    engine.put_rows("work", orders, pa.table({"id": list(ids), "total": ["1.50"] * len(ids)}), ["id"])
def do(sql):
    return run_script(engine.session("work"), sql)
for schema in ("streams", "core"):
    do(f"create schema if not exists {schema}")
put(1, 2)
view = "create or replace view streams.orders as select id, cast(total as decimal(18, 2)) as total from shop.orders"
do(view)
model = "select id, total / 2 as half, date_diff('day', date '2026-01-01', date '2026-01-31') as days from streams.orders"
do(f"create or replace table core.orders as {model}")
put(2, 3)
do(view)
do(f"create or replace table {scratch} as {model}")
engine.session("work").columns(TableId("core", "orders"))
do(f'''merge into lake.core.orders as t using {scratch} as s on t.id = s.id
    when matched then update set half = s.half when not matched then insert (id, half, days) values (s.id, s.half, s.days)''')
engine.session("work").drop_scratch("core__orders__scratch")
assert do("select count(*) as n from core.orders").to_pylist() == [{"n": 3}]
catalog.assign("work", "main")
print(" ".join(name for name in ("sqlalchemy", "pyiceberg", "sqlglot", "pydantic") if name in sys.modules))
"""


def test_what_was_worked_out_before_takes_no_parser_and_no_iceberg_library(tmp_path: Path) -> None:
    imported = [
        subprocess.run(
            [sys.executable, "-c", ROUND, str(tmp_path / f"lake{n}"), str(tmp_path / "plans")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for n in range(2)
    ]
    assert imported == ["sqlglot", ""]


def test_arrow_is_all_that_a_put_needs(engine: DuckDBEngine) -> None:
    engine.put_rows("main", TableId("shop", "new"), pa.table({"id": [1]}), ())
    assert rows(engine, "select id from shop.new") == [(1,)]
