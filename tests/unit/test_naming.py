"""Names in SQL: those that stand without quotes are names to both engines, wherever one may be."""

from __future__ import annotations

import re
from typing import Final

import duckdb
import pytest
import sqlglot
from sqlglot.dialects import Trino

from lakekit.naming import is_plain, quoted

_EVERYWHERE: Final = """
with {name} as (
    select
        x,
        {name},
        row_number() over (partition by x, {name} order by {name} desc) as place
    from (select 1 as x, 7 as {name}) as given
)

select
    {name}.x,
    {name}.{name},
    {name} as same,
    cast({name} as bigint) as another,
    count(*) as {name}
from {name}
left join (select 1 as x) as other on {name}.x = other.x
where {name} > 1
group by {name}.x, {name}.{name}, {name}
order by {name}.x
"""


def test_a_name_without_quotes_is_one_wherever_it_stands() -> None:
    words = {word for (word,) in duckdb.sql("select keyword_name from duckdb_keywords()").fetchall()}
    words |= {word.lower() for word in (*Trino.Tokenizer.KEYWORDS, *Trino.Generator.RESERVED_KEYWORDS)}
    names = {word for word in words if re.fullmatch("[a-z]+(_[a-z]+)*", word)} | {
        "orders",
        "3ds",
        "two words",
    }
    taken_otherwise = {}
    with duckdb.connect() as database:
        for name in names:
            sql = sqlglot.parse_one(_EVERYWHERE.format(name=quoted(name)), dialect="trino").sql("duckdb")
            rows = database.execute(sql).fetchall()
            if rows != [(1, 7, 7, 7, 1)]:
                taken_otherwise[name] = rows
    assert not taken_otherwise


@pytest.mark.parametrize(
    "name", ["cube", "skip", "trim", "normalize", "recursive", "unnest", "grouping", "localtime"]
)
def test_what_trino_alone_reserves_is_quoted(name: str) -> None:
    assert not is_plain(name)
    assert quoted(name) == f'"{name}"'


def test_other_names_stand_as_they_are() -> None:
    assert quoted("orders") == "orders"
    assert quoted("Orders") == '"Orders"'
    assert quoted('a "b"') == '"a ""b"""'
