"""The columns of a query: against the template's own models, and against what DuckDB says of made-up ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import jinja2
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from lakekit.lint.columns import Columns, read

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = sorted((Path(__file__).parents[2] / "template").glob("*/orchestration/assets/**/*.sql"))
TABLES = {"t": ("a", "b"), "u": ("b", "c")}


def known(table: str) -> Columns | None:
    return frozenset(TABLES[table]) if table in TABLES else None


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("select a, t.b, x.y.z from t", "a b z"),
        ("select a as x, b y, count(*) n, count(*), 1, 'text' from t", "x y n"),
        ('select a as "X y", `b` from t', "X y|b"),
        ("select distinct a from t", "a"),
        ("select case when a then b else c end as m, case a when 1 then 2 end from t", "m"),
        ("select extract(year from a) y, trim(both from b) as z from t", "y z"),
        ("select a is distinct from b as changed from t", "changed"),
        ("select cast(a as date), a and b, not a, a is null from t", ""),
        ("select a::date as d, b[1] as e, c -> 'x' as f from t", "d e f"),
        ("select (a), (t.b), (1), (a, b), (select c from u), () from t", "a b"),
        ("select order.a, group.b, order from t order by 1", "a b order"),
        ("select * from t", "a b"),
        ("select *, 1 as z from t join u using (b)", "a b c z"),
        ("select t.*, u.c from t left join u on t.b = u.b", "a b c"),
        ("select x.* from u, t as x where true", "a b"),
        ("select * from (select a as q from nowhere) as s", "q"),
        ("select * from unnest(array[1]) with ordinality as i (n, o)", "n o"),
        ("select * from t cross join unnest(t.a) as i (n)", "a b n"),
        ("with c as (select a from t), d (x) as (select * from c) select * from d", "x"),
        ("with recursive r (n) as (select 1 union all select n + 1 from r) select * from r", "n"),
        ("with t as (select 1 as z) select * from t", "z"),
        ("with c as (with c as (select 1 as z) select * from c) select * from c", "z"),
        ("(select a from t) union all select b from t", "a"),
        ("select a from t union select c from u order by 1", "a"),
        ("table t", "a b"),
        ("select a from t -- , b\n/* , c */ {# , d #} limit 1", "a"),
        ("{{ config(x=1) }} {% set y = 2 %} select a from {{ ref('m') }}", "a"),
        ("{% set y %} select b {% endset %} select a from t", "a"),
        ("select a from t {% if is_incremental() %} where b > (select max(b) from {{ this }}) {% endif %}", "a"),
        ("select * from t {% if x %} where a {% endif %}", "a b"),
        ("select case {% for i in x %} when {{ i }} then 1 {% endfor %} end as m from t", "m"),
        ("select {{ clean('a') }} as a, {{ x }}.b as c from t", "a c"),
        ("{% for x in y %} select a, b from {{ x }} {% if not loop.last %} union all {% endif %} {% endfor %}", "a b"),
    ],
)  # fmt: skip
def test_columns_are_told(query: str, columns: str) -> None:
    expected = columns.lower().split("|") if "|" in columns else columns.split()
    assert read(query, known) == frozenset(expected)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "select",
        "select from t",
        "values (1)",
        "select * from nowhere",
        "select * from t join nowhere on true",
        "select nowhere.* from t",
        "select * from {{ source('a', 'b') }}",
        "select * from {{ schema }}.t",
        "select *",
        "select * except (a) from t",
        "select x.* as (a, b) from t",
        "select {{ dbt_utils.star(ref('t')) }} from t",
        "select a, {{ columns }} from t",
        "select a, sum(b) as {{ name }} from t",
        "select a, sum(b) as x_{{ name }} from t",
        "select a, sum(b) as {{ name }}_x from t",
        'select a as "{{ name }}" from t',
        "select a {% if x %}, b {% endif %} from t",
        "select a, {% for x in y %} b as c, {% endfor %} d from t",
        "select {% for x in y %} sum({{ x }}) as {{ x }} {{ ',' if not loop.last }} {% endfor %} from t",
        "{% if x %} select a from t {% else %} select b from t {% endif %}",
        "select * from t {% if x %} join u on true {% endif %}",
        "{{ macro() }}",
        "with c as ({{ macro() }}) select * from c",
        "with {{ ctes() }} select a from t",
        "select a from t)",
        "select a::date from t",
        "select {FILTER_PARAMS.x}, a from t",
        "with recursive r as (select * from r) select * from r",
        "(" * 200 + "select a from t" + ")" * 200,
    ],
)
def test_what_cannot_be_told_is_not(query: str) -> None:
    assert read(query, known) is None


def test_common_tables_are_read_once_each() -> None:
    chain = ["c0 as (select a from t)"]
    chain += [f"c{n} as (select x.*, y.* from c{n - 1} as x, c{n - 1} as y)" for n in range(1, 60)]
    assert read(f"with {', '.join(chain)} select * from c59", known) == {"a"}
    chain = ["c0 as (select a from t)", *(f"c{n} as (select * from c{n - 1})" for n in range(1, 2000))]
    assert read(f"with {', '.join(chain)} select * from c1999", known) in (None, {"a"})


class Anything(jinja2.ChainableUndefined):
    """What dbt has, as something that stands wherever a table or a value may."""

    def __call__(self, *_, **__):
        return self

    def __str__(self) -> str:
        return "(select 1)"

    def __iter__(self):
        return iter([("key", "value")])

    __add__ = __radd__ = __call__


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_models_of_the_template_are_told_as_sqlglot_tells_them(path: Path) -> None:
    text = path.read_text()
    rendered = jinja2.Environment(undefined=Anything, extensions=["jinja2.ext.do"]).from_string(text).render()
    rendered = rendered.removeprefix("(select 1)") if text.startswith("{{ config") else rendered
    expected = {name.lower() for name in sqlglot.parse_one(rendered, dialect="trino").named_selects}
    assert read(text, lambda _: None) == expected


NAMES = ("p", "q", "r")


@st.composite
def queries(draw: st.DrawFn, tables: tuple[str, ...] = tuple(TABLES), depth: int = 2) -> str:
    """A query that DuckDB can run; its common tables are of all tables that it sees."""
    commons = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True)) if depth else []
    defined, seen = [], tables
    for name in commons:
        defined.append(f"{name} as ({draw(queries(seen, depth - 1))})")
        seen = tuple(dict.fromkeys((*seen, name)))
    sources = draw(st.lists(st.sampled_from(seen), min_size=1, max_size=2))
    clauses, aliases = [], []
    for number, table in enumerate(sources):
        inner = f"({draw(queries(seen, depth - 1))})" if depth and draw(st.booleans()) else table
        aliases.append(f"s{number}")
        clauses.append(f"{inner} {draw(st.sampled_from(['', 'as ']))}s{number}")
    items = draw(
        st.lists(
            st.one_of(
                st.just("*"),
                st.sampled_from(aliases).map("{}.*".format),
                st.sampled_from(NAMES).map("count(1) over (partition by 1, 2) {}".format),
                st.sampled_from(NAMES).map("case when 1 is distinct from 2 then 3 end as {}".format),
                st.sampled_from(NAMES).map('(select 1 as z from (values (1)) v (w)) as "{}"'.format),
            ),
            min_size=1,
            max_size=3,
        )
    )
    joined = draw(st.sampled_from([", ", " cross join ", " left join "]))
    on = " on true" if "left" in joined and len(clauses) > 1 else ""
    tail = draw(st.sampled_from(["", " where true", " order by 1", " limit 3"]))
    distinct = draw(st.sampled_from(["", "distinct "]))
    with_ = f"with {', '.join(defined)} " if defined else ""
    return f"{with_}select {distinct}{', '.join(items)} from {joined.join(clauses)}{on}{tail}"


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, columns in TABLES.items():
            connection.execute(f"create table {name} ({', '.join(f'{one} int' for one in columns)})")
        yield connection


@given(query=queries())
@settings(max_examples=200, deadline=None)
def test_columns_are_duckdbs(query: str, database: duckdb.DuckDBPyConnection) -> None:
    described = database.sql(query)
    # Names that come twice are numbered by DuckDB.
    expected = {re.sub(r"(_\d+)+$", "", name) for name in described.columns}
    assert read(query, known) == expected


@given(text=st.text(alphabet="select from with as () , * . a t {{ }} {% if %} ' \" \n union"))
def test_no_text_is_too_strange(text: str) -> None:
    read(text, known)
    read(f"select {text} from t", known)
    read(f"with c as ({text}) select * from c", known)
