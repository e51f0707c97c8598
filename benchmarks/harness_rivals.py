"""The rivals' projects: each has the models and the tests of harness_projects, as its users would write them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Final

from .harness_projects import FLOOR, PYTEST_PASSED, Contender, first, later, merged, pytest_of, staged, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .harness_projects import Row


def cases(entity: int) -> list[list[Row]]:
    """What the merged model holds, what comes, and what its SELECT makes of it; without zones, which some have not."""
    return [
        [row | {"updated_at": row["updated_at"].replace("T", " ").rstrip("Z")} for row in of]
        for of in (merged(first(entity)), staged(later(entity)), merged(later(entity)))
    ]


# dbt

_DBT_STAGED: Final = """\
select id as order_id, cast(amount as decimal(18, 2)) as amount, status, updated_at
from {{ source("shop", "orders_$n") }}
"""
_DBT_MERGED: Final = """\
{{ config(materialized="incremental", unique_key="order_id") }}

select order_id, amount, status, status = 'cancelled' as is_cancelled, updated_at
from {{ ref("stg_shop__orders_$n") }}
where amount > $floor
{% if is_incremental() %}
    and updated_at >= (select coalesce(max(updated_at), timestamp '1970-01-01') from {{ this }})
{% endif %}
"""
_DBT_COUNTED: Final = """\
{{ config(materialized="table") }}

select cast(updated_at as date) as day, count(*) as orders, sum(amount) as amount
from {{ ref("int_shop__orders_$n") }}
where not is_cancelled
group by 1
"""
_DBT_PROFILE: Final = """\
rival:
  target: dev
  outputs:
    dev: {type: duckdb, path: lake.duckdb, threads: 2}
"""
# dbt asks the inputs of a unit test for their columns: they must have been built before.
_DBT_BUILT: Final = """\
import duckdb, sys
with duckdb.connect("lake.duckdb") as lake:
    for n in range(int(sys.argv[1])):
        staged = "order_id bigint, amount decimal(18, 2), status varchar, updated_at timestamp"
        lake.execute(f"create table stg_shop__orders_{n} ({staged})")
        lake.execute(f"create table int_shop__orders_{n} ({staged}, is_cancelled boolean)")
"""


def make_dbt(folder: Path, python: Path, entities: int) -> None:
    write(
        folder / "dbt_project.yml",
        "name: rival\nprofile: rival\nflags: {send_anonymous_usage_stats: false}\n",
    )
    write(folder / "profiles.yml", _DBT_PROFILE)
    tables = "".join(f"      - name: orders_{n}\n" for n in range(entities))
    write(folder / "models" / "sources.yml", f"sources:\n  - name: shop\n    tables:\n{tables}")
    for n in range(entities):
        write(folder / "models" / f"stg_shop__orders_{n}.sql", _DBT_STAGED, n=n)
        write(folder / "models" / f"fct_orders_{n}.sql", _DBT_COUNTED, n=n)
        write_dbt(folder, n, FLOOR)
        kept, fresh, answer = cases(n)
        test = {
            "name": f"orders_{n}",
            "model": f"int_shop__orders_{n}",
            "overrides": {"macros": {"is_incremental": True}},
            "given": [
                {"input": f"ref('stg_shop__orders_{n}')", "rows": fresh},
                {"input": "this", "rows": kept},
            ],
            "expect": {"rows": answer},
        }
        # JSON is YAML.
        write(folder / "models" / f"orders_{n}.yml", json.dumps({"unit_tests": [test]}, indent=1))
    subprocess.run([python, "-c", _DBT_BUILT, str(entities)], cwd=folder, check=True)


def write_dbt(folder: Path, entity: int, floor: int) -> None:
    write(folder / "models" / f"int_shop__orders_{entity}.sql", _DBT_MERGED, n=entity, floor=floor)


def dbt_of(python: Path, entities: Sequence[int]) -> list[str]:
    return [
        *(str(python.with_name("dbt")), "test", "--profiles-dir", "."),
        *("--select", *(f"int_shop__orders_{n}" for n in entities)),
    ]


# SQLMesh

_SQLMESH_CONFIG: Final = """\
gateways:
  local:
    connection: {type: duckdb, database: ':memory:'}
default_gateway: local
model_defaults: {dialect: duckdb, start: 2026-01-01}
disable_anonymized_analytics: true
"""
_SQLMESH_STAGED: Final = """\
MODEL (name shop.stg_orders_$n, kind VIEW);

SELECT id AS order_id, amount::DECIMAL(18, 2) AS amount, status, updated_at
FROM raw.orders_$n
"""
# A model that reads itself has to declare its columns.
_SQLMESH_MERGED: Final = """\
MODEL (
  name shop.int_orders_$n,
  kind INCREMENTAL_BY_UNIQUE_KEY (unique_key order_id),
  columns (order_id BIGINT, amount DECIMAL(18, 2), status TEXT, is_cancelled BOOLEAN, updated_at TIMESTAMP)
);

SELECT order_id, amount, status, status = 'cancelled' AS is_cancelled, updated_at
FROM shop.stg_orders_$n
WHERE
  amount > $floor
  AND updated_at >= (
    SELECT COALESCE(MAX(kept.updated_at), '1970-01-01'::TIMESTAMP) FROM shop.int_orders_$n AS kept
  )
"""
_SQLMESH_COUNTED: Final = """\
MODEL (name shop.fct_orders_$n, kind FULL);

SELECT updated_at::DATE AS day, COUNT(*) AS orders, SUM(amount) AS amount
FROM shop.int_orders_$n
WHERE NOT is_cancelled
GROUP BY 1
"""


def make_sqlmesh(folder: Path, _: Path, entities: int) -> None:
    write(folder / "config.yaml", _SQLMESH_CONFIG)
    columns = {"id": "bigint", "amount": "text", "status": "text", "updated_at": "timestamp"}
    raw = [{"name": f"raw.orders_{n}", "columns": columns} for n in range(entities)]
    write(folder / "external_models.yaml", json.dumps(raw, indent=1))
    for n in range(entities):
        kept, fresh, answer = cases(n)
        write(folder / "models" / f"stg_orders_{n}.sql", _SQLMESH_STAGED, n=n)
        write(folder / "models" / f"fct_orders_{n}.sql", _SQLMESH_COUNTED, n=n)
        write_sqlmesh(folder, n, FLOOR)
        test = {
            "model": f"shop.int_orders_{n}",
            "inputs": {
                f"shop.stg_orders_{n}": {"rows": fresh},
                f"shop.int_orders_{n}": {"rows": kept},
            },
            "outputs": {"query": {"rows": answer}},
        }
        write(folder / "tests" / f"test_orders_{n}.yaml", json.dumps({f"test_orders_{n}": test}, indent=1))


def write_sqlmesh(folder: Path, entity: int, floor: int) -> None:
    write(folder / "models" / f"int_orders_{entity}.sql", _SQLMESH_MERGED, n=entity, floor=floor)


def sqlmesh_of(python: Path, entities: Sequence[int]) -> list[str]:
    return [str(python.with_name("sqlmesh")), "test", *(f"tests/test_orders_{n}.yaml" for n in entities)]


# sql-testing-library

_LIBRARY_CONFIG: Final = """\
[sql_testing]
adapter = duckdb

[sql_testing.duckdb]
database = :memory:
"""
_LIBRARY_STAGED: Final = """\
select id as order_id, cast(amount as decimal(18, 2)) as amount, status, updated_at
from orders_$n
"""
_LIBRARY_MERGED: Final = """\
select order_id, amount, status, updated_at, status = 'cancelled' as is_cancelled
from stg_orders_$n
where
    amount > $floor
    and updated_at >= (select coalesce(max(updated_at), timestamp '1970-01-01') from int_orders_$n)
"""
_LIBRARY_COUNTED: Final = """\
select cast(updated_at as date) as day, count(*) as orders, sum(amount) as amount
from int_orders_$n
where not is_cancelled
group by 1
"""
_LIBRARY_TABLES: Final = """\
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sql_testing_library import BaseMockTable, SQLTestCase, sql_test


@dataclass
class Staged:
    order_id: int
    amount: Decimal
    status: str
    updated_at: datetime


@dataclass
class Merged(Staged):
    is_cancelled: bool


class Table(BaseMockTable):
    def __init__(self, name, kind, rows):
        self.name = name
        super().__init__([kind(**row | {"amount": Decimal(row["amount"]), "updated_at": datetime.fromisoformat(row["updated_at"])}) for row in rows])

    def get_database_name(self):
        return "main"

    def get_table_name(self):
        return self.name


def answer(model, *tables):
    @sql_test(mock_tables=list(tables), result_class=Merged)
    def query():
        return SQLTestCase(query=Path("models", f"{model}.sql").read_text(), default_namespace="main")

    return query()
"""
_LIBRARY_TEST: Final = """\
from tables import Merged, Staged, Table, answer

KEPT = $kept
LATER = $later
MERGED = $merged


def test_orders_$n():
    fresh, kept = Table("stg_orders_$n", Staged, LATER), Table("int_orders_$n", Merged, KEPT)
    found = answer("int_orders_$n", fresh, kept)
    assert sorted(found, key=lambda row: row.order_id) == [Merged(**row) for row in Table("", Merged, MERGED).data]
"""


def make_library(folder: Path, _: Path, entities: int) -> None:
    write(folder / "pytest.ini", f"[pytest]\n\n{_LIBRARY_CONFIG}")
    write(folder / "tests" / "tables.py", _LIBRARY_TABLES)
    for n in range(entities):
        write(folder / "models" / f"stg_orders_{n}.sql", _LIBRARY_STAGED, n=n)
        write(folder / "models" / f"fct_orders_{n}.sql", _LIBRARY_COUNTED, n=n)
        write_library(folder, n, FLOOR)
        # It has no type for an instant with a zone.
        kept, fresh, answer = (
            [row | {"updated_at": row["updated_at"].rstrip("Z")} for row in of]
            for of in (merged(first(n)), staged(later(n)), merged(later(n)))
        )
        write(
            folder / "tests" / f"test_orders_{n}.py",
            _LIBRARY_TEST,
            n=n,
            kept=kept,
            later=fresh,
            merged=answer,
        )


def write_library(folder: Path, entity: int, floor: int) -> None:
    write(folder / "models" / f"int_orders_{entity}.sql", _LIBRARY_MERGED, n=entity, floor=floor)


# All rivals run the DuckDB that lakekit runs.
_DUCKDB: Final = "duckdb==1.5.5"

RIVALS: Final = (
    Contender(
        "dbt unit tests",
        ("dbt-core==1.11.16", "dbt-duckdb==1.11.1", _DUCKDB),
        make_dbt,
        write_dbt,
        dbt_of,
        re.compile(r"Done\. PASS=(\d+) WARN=0 ERROR=0 SKIP=0"),
    ),
    Contender(
        "SQLMesh",
        ("sqlmesh==0.236.4", _DUCKDB),
        make_sqlmesh,
        write_sqlmesh,
        sqlmesh_of,
        re.compile(r"Successfully Ran `(\d+)` Tests"),
    ),
    Contender(
        "sql-testing-library",
        ("sql-testing-library[duckdb]==0.23.1", "pytest==9.2.0", _DUCKDB),
        make_library,
        write_library,
        pytest_of,
        PYTEST_PASSED,
    ),
)
