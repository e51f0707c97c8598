"""A project for lakekit, and what its rivals' projects have to be like (harness_rivals.py), of any size.

Each entity is three models: staged (a view), merged (incremental, of what is new) and counted (a table); its test is of
the merged one. A rival's test has two inputs, what came and what the model holds, and looks at what its SELECT answers;
lakekit's lands and builds twice, and looks at the table after the merge.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from string import Template
from typing import TYPE_CHECKING, Any, Final

from lakekit.scaffold import new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MODELS_OF_AN_ENTITY: Final = 3
FLOOR: Final = -1
"""What is below it, no model keeps: editing a model is to lower it."""
SKY: Final = 1_000_000
"""A floor over all amounts: a test that passes with it does not look."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contender:
    """Whose project it is: how to make it, how to write an entity's merged model, how to test some entities."""

    name: str
    packages: tuple[str, ...]
    """What to install, in an environment of its own; nothing: this one."""
    make: Callable[[Path, Path, int], None]
    """In a new folder, with an environment's interpreter, so many entities."""
    write: Callable[[Path, int, int], None]
    """In a project's folder, an entity's merged model with some floor."""
    command: Callable[[Path, Sequence[int]], list[str]]
    passed: re.Pattern[str]
    """Where in the output is how many tests have passed."""


# What comes: five orders, then three of them again (one cancelled) and two more.
def rows(entity: int, ids: Iterable[int], day: int, cancelled: int = 0) -> list[Row]:
    return [
        {
            "id": id_,
            "amount": f"{entity + id_ + day}.50",
            "status": "cancelled" if id_ == cancelled else "paid",
            "updated_at": f"2026-01-{day:02}T00:00:00Z",
        }
        for id_ in ids
    ]


def first(entity: int, day: int = 1) -> list[Row]:
    return rows(entity, range(1, 6), day)


def later(entity: int, day: int = 2) -> list[Row]:
    return rows(entity, range(3, 8), day, cancelled=3)


def staged(of: list[Row]) -> list[Row]:
    return [{("order_id" if name == "id" else name): value for name, value in row.items()} for row in of]


def merged(of: list[Row]) -> list[Row]:
    return [row | {"is_cancelled": row["status"] == "cancelled"} for row in staged(of)]


def write(file: Path, text: str, **given: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(Template(text).substitute(given) if given else text, encoding="utf-8")


# lakekit

_LAKEKIT_STAGED: Final = """\
select
    id as order_id,
    cast(amount as decimal(18, 2)) as amount,
    status,
    updated_at,
    _airbyte_extracted_at
from {{ source("shop", "orders_$n") }}
"""
_LAKEKIT_MERGED: Final = """\
{{ config(unique_key="order_id", merge_cursor="updated_at") }}

with orders as (
    {{ lakekit.dedupe(
        ref("stg_shop__orders_$n"),
        key="order_id",
        order_by="updated_at desc, _airbyte_extracted_at desc",
        where=lakekit.is_new()
    ) }}
)

select order_id, amount, status, status = 'cancelled' as is_cancelled, updated_at, _airbyte_extracted_at
from orders
where amount > $floor
"""
_LAKEKIT_COUNTED: Final = """\
select cast(updated_at at time zone 'UTC' as date) as day, count(*) as orders, sum(amount) as amount
from {{ ref("int_shop__orders_$n") }}
where not is_cancelled
group by 1
"""
_LAKEKIT_TEST: Final = """\
from decimal import Decimal

FIRST = $first
LATER = $later
MERGED = $merged


def test_orders_$n(lake):
    lake.given("shop.orders_$n", FIRST)
    lake.build("int_shop__orders_$n")
    lake.given("shop.orders_$n", LATER)
    lake.build("int_shop__orders_$n")
    lake.expect("int_shop__orders_$n", MERGED)
"""
_REFERENCE: Final = {
    "name": "",
    "source_defined_primary_key": [["id"]],
    "default_cursor_field": ["updated_at"],
    "json_schema": {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "amount": {"type": ["null", "string"]},
            "status": {"type": ["null", "string"]},
            "updated_at": {"type": ["null", "string"], "format": "date-time"},
        },
    },
}


def expected(of: list[Row]) -> str:
    """Rows as Python: amounts are decimals there, and instants are left out."""
    shown = (
        ", ".join(
            f"{name!r}: " + (f"Decimal({value!r})" if name == "amount" else repr(value))
            for name, value in row.items()
            if name != "updated_at"
        )
        for row in of
    )
    return "[" + ", ".join(f"{{{row}}}" for row in shown) + "]"


def kept_then(entity: int) -> list[Row]:
    """The merged table after both syncs."""
    return merged(first(entity)[:2] + later(entity))


def make_lakekit(folder: Path, _: Path, entities: int) -> None:
    new(folder)
    assets = folder / "orchestration" / "assets"
    for replaced in (assets, folder / "orchestration" / "tests", folder / "tests"):
        rmtree(replaced, ignore_errors=True)
    streams = assets / "streams" / "shop"
    tables = "".join(f"      - name: orders_{n}\n" for n in range(entities))
    write(
        streams / "_shop__sources.yml", f"sources:\n  - name: shop\n    schema: shop\n    tables:\n{tables}"
    )
    for n in range(entities):
        write(streams / f"orders_{n}.json", json.dumps(_REFERENCE | {"name": f"orders_{n}"}, indent=1))
        write(streams / f"stg_shop__orders_{n}.sql", _LAKEKIT_STAGED, n=n)
        write(assets / "marts" / f"fct_orders_{n}.sql", _LAKEKIT_COUNTED, n=n)
        write_lakekit(folder, n, FLOOR)
        write(
            folder / "tests" / f"test_orders_{n}.py",
            _LAKEKIT_TEST,
            n=n,
            first=first(n),
            later=later(n),
            merged=expected(kept_then(n)),
        )


def write_lakekit(folder: Path, entity: int, floor: int) -> None:
    core = folder / "orchestration" / "assets" / "core" / "shop"
    write(core / f"int_shop__orders_{entity}.sql", _LAKEKIT_MERGED, n=entity, floor=floor)


def pytest_of(python: Path, entities: Sequence[int]) -> list[str]:
    return [str(python), "-m", "pytest", "-q", *(f"tests/test_orders_{n}.py" for n in entities)]


PYTEST_PASSED: Final = re.compile(r"^(\d+) passed", re.MULTILINE)
LAKEKIT: Final = Contender("lakekit", (), make_lakekit, write_lakekit, pytest_of, PYTEST_PASSED)


def environment(contender: Contender, folder: Path) -> Path:
    """The interpreter of a contender's own virtual environment, made where it is not there yet."""
    if not contender.packages:
        return Path(sys.executable)
    place = folder / "-".join(re.findall(r"[\w.]+", " ".join(contender.packages)))
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *contender.packages], check=True)
        (place / "ready").touch()
    return python
