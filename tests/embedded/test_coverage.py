"""Counting what tests exercise: asked of a real engine, and compared with a plain model of SQL's logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakekit import Lake
from lakekit.demo.shop import Shop
from lakekit.scaffold import new
from lakekit.testing.coverage import Coverage, html, text
from lakekit.testing.coverage.probes import canonical, probes

from ..landing import land

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

ORDERS = """
    create table shop.orders as select * from (values
        (1, 'paid', 30, 'ann'), (2, 'paid', 10, 'bob'), (3, 'open', 20, 'ann'), (4, cast(null as varchar), null, null)
    ) as t (id, status, amount, customer)
"""
CUSTOMERS = (
    "create table shop.customers as select * from (values ('ann', 'DE'), ('eve', 'FR')) as t (name, country)"
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    project = new(tmp_path_factory.mktemp("coverage") / "shop", engine="embedded")
    with Lake.connect(project) as main, main.branch("coverage") as lake:
        lake.sql("create schema shop")
        lake.sql(ORDERS)
        lake.sql(CUSTOMERS)
        yield lake


def outcomes(lake: Lake, sql: str) -> dict[str, int]:
    """Rows by outcome, called ``scope kind outcome``; where there are several of one kind, they are numbered."""
    coverage = measured(lake, sql)
    model = coverage.models["m"]
    assert not model.reasons
    found: dict[str, int] = {}
    (statement,) = coverage.statements("m")
    for condition in statement.conditions:
        assert not condition.reason
        taken = {name.rsplit(" ", maxsplit=1)[0] for name in found}
        name = next(
            name
            for n in range(1, 99)
            if (name := f"{condition.scope} {condition.kind}{n if n > 1 else ''}".strip())
            not in {t.removesuffix(" when") for t in taken}
        )
        for outcome in condition.outcomes:
            found[f"{name} {outcome.name}".replace("when ", "when")] = sum(model.rows[outcome.id].values())
    return found


def measured(lake: Lake, sql: str) -> Coverage:
    coverage = Coverage()
    lake.sql(sql)  # what is measured is a statement that runs
    coverage.measure("m", sql, lambda query: lake.sql(query).arrow(), "test")
    return coverage


def reasons(lake: Lake, sql: str) -> list[str]:
    coverage = measured(lake, sql)
    (statement,) = coverage.statements("m")
    assert not statement.reason
    return [
        *(condition.reason for condition in statement.conditions if condition.reason),
        *coverage.models["m"].reasons.values(),
    ]


def test_a_case_whose_else_was_never_hit(lake: Lake) -> None:
    sql = "select case when status is null then 'none' when amount > 0 then 'some' else 'odd' end as x from shop.orders"
    assert outcomes(lake, sql) == {"case when1": 1, "case when2": 3, "case else": 0}


def test_a_case_without_an_else_has_one(lake: Lake) -> None:
    sql = "select case status when 'paid' then 1 when 'open' then 2 end as x from shop.orders"
    assert outcomes(lake, sql) == {"case when1": 2, "case when2": 1, "case else": 1}
    (condition,) = probes(sql)[0].conditions
    assert condition.outcomes[-1].excerpt == "no else: null"


def test_a_where_that_never_rejected(lake: Lake) -> None:
    assert outcomes(lake, "select id from shop.orders where id > 0") == {
        "where passed": 4,
        "where rejected": 0,
    }


def test_what_is_unknown_is_rejected(lake: Lake) -> None:
    sql = "select id from shop.orders where amount > 5"
    assert outcomes(lake, sql) == {"where passed": 3, "where rejected": 1}


def test_a_where_that_lets_all_pass_is_no_condition() -> None:
    assert probes("select id from shop.orders where true") == []
    assert probes("select id from shop.orders where ((true))") == []


def test_a_case_counts_the_rows_that_pass(lake: Lake) -> None:
    sql = "select if(amount > 15, 'big', 'small') as x from shop.orders where status = 'paid'"
    assert outcomes(lake, sql) == {"if when1": 1, "if else": 1, "where passed": 2, "where rejected": 2}


def test_an_if_without_an_else(lake: Lake) -> None:
    assert outcomes(lake, "select if(amount > 15, 1) as x from shop.orders") == {"if when1": 2, "if else": 2}


def test_a_case_in_a_branch_counts_the_rows_that_take_the_branch(lake: Lake) -> None:
    sql = """
        select case
            when status = 'paid' then case when amount > 15 then 'big' else 'small' end
            when case when customer = 'ann' then 1 else 0 end = 1 then 'ann'
            else case when id = 4 then 'last' end
        end as x
        from shop.orders
    """
    assert outcomes(lake, sql) == {
        "case when1": 2,
        "case when2": 1,
        "case else": 1,
        "case2 when1": 1,
        "case2 else": 1,
        "case3 when1": 1,
        "case3 else": 1,
        "case4 when1": 1,
        "case4 else": 0,
    }


def test_inside_an_aggregate_rows_are_counted_and_around_it_groups(lake: Lake) -> None:
    sql = """
        select status, sum(case when amount > 15 then 1 else 0 end) as big,
            case when sum(amount) > 30 then 'a' when count(*) > 5 then 'b' end as size,
            count(*) filter (where customer = 'ann') as anns
        from shop.orders group by 1 having count(*) < 3
    """
    assert outcomes(lake, sql) == {
        "case when1": 2,
        "case else": 2,
        "case2 when1": 1,
        "case2 when2": 0,
        "case2 else": 2,
        "filter passed": 2,
        "filter rejected": 2,
        "having passed": 3,
        "having rejected": 0,
    }


def test_a_filter_keeps_rows_from_its_aggregate(lake: Lake) -> None:
    sql = "select sum(case when id > 1 then 1 end) filter (where status = 'paid') as x from shop.orders"
    assert outcomes(lake, sql) == {"case when1": 1, "case else": 1, "filter passed": 2, "filter rejected": 2}


def test_what_having_asks_of_aggregates_is_asked_of_rows(lake: Lake) -> None:
    sql = """
        select status from shop.orders group by status
        having sum(case when amount > 15 then 1 else 0 end) > 0 and count(*) filter (where id > 3) = 0
    """
    assert outcomes(lake, sql) == {
        "having passed": 2,
        "having rejected": 1,
        "case when1": 2,
        "case else": 2,
        "filter passed": 1,
        "filter rejected": 3,
    }


def test_a_case_that_groups(lake: Lake) -> None:
    sql = """
        select case when amount > 15 then 'big' else 'small' end as size, count(*) as n
        from shop.orders group by case when amount > 15 then 'big' else 'small' end
    """
    found = outcomes(lake, sql)
    assert found == {"case when1": 2, "case else": 2, "case2 when1": 2, "case2 else": 2}


def test_subtotals_are_groups(lake: Lake) -> None:
    sql = "select case when status is null then 'all' else status end as x, count(*) as n from shop.orders where id < 4 group by rollup (status)"
    found = outcomes(lake, sql)
    assert (found["case when1"], found["case else"]) == (1, 2)


def test_windows(lake: Lake) -> None:
    sql = """
        select case when row_number() over (partition by customer order by id) = 1 then 'first' else 'later' end as x,
            case when sum(amount) over w > 30 then 1 end as y
        from shop.orders where id < 4 window w as (partition by customer)
    """
    found = outcomes(lake, sql)
    assert found["case when1"], found["case else"] == (2, 1)
    assert (found["case2 when1"], found["case2 else"]) == (2, 1)


def test_windows_over_groups(lake: Lake) -> None:
    sql = """
        select status, case when rank() over (order by sum(amount) desc) = 1 then 'top' else 'rest' end as x
        from shop.orders where status is not null group by status
    """
    found = outcomes(lake, sql)
    assert (found["case when1"], found["case else"]) == (1, 1)


def test_every_arm_of_a_union_is_a_query(lake: Lake) -> None:
    sql = """
        select id from shop.orders where amount > 15
        union all (select id from shop.orders where amount > 100 except select 1 as id)
    """
    assert outcomes(lake, sql) == {
        "1 where passed": 2,
        "1 where rejected": 2,
        "2.1 where passed": 0,
        "2.1 where rejected": 4,
    }


def test_ctes_within_ctes(lake: Lake) -> None:
    sql = """
        with a as (
            with b as (select * from shop.orders where status = 'paid'),
            c (key, cost) as (select id, amount from b where amount > 15)
            select cost from c where cost < 0
        ),
        d as (select * from (select cost from a where cost is null) as e)
        select * from d where cost > 1 -- the last word is a comment"""
    assert outcomes(lake, sql) == {
        "a.b where passed": 2,
        "a.b where rejected": 2,
        "a.c where passed": 1,
        "a.c where rejected": 1,
        "a where passed": 0,
        "a where rejected": 1,
        "d.e where passed": 0,
        "d.e where rejected": 0,
        "where passed": 0,
        "where rejected": 0,
    }


def test_outer_joins(lake: Lake) -> None:
    sql = """
        select * from shop.orders left join shop.customers as c on customer = c.name
        inner join (select 1 as one) as s on c.country = 'DE'
    """
    assert outcomes(lake, sql) == {"join matched": 2, "join unmatched": 2}
    sql = "select * from shop.orders as o full outer join (select * from shop.customers) c on o.customer = c.name"
    assert outcomes(lake, sql) == {"join matched": 2, "join left only": 2, "join right only": 1}
    sql = "select * from shop.orders o right join shop.customers c on o.customer = c.name where true"
    assert outcomes(lake, sql) == {"join matched": 2, "join unmatched": 1}
    assert probes("select * from shop.orders as o left join unnest(o.items) as i (x) on true") == []


def test_a_query_in_an_expression(lake: Lake) -> None:
    sql = "select id, (select max(id) from shop.orders where amount > 15) as top from shop.orders"
    assert outcomes(lake, sql) == {"top where passed": 2, "top where rejected": 2}


def test_a_query_that_depends_on_the_rows_around_it_is_not_measured(lake: Lake) -> None:
    sql = "select id from shop.orders as o where exists (select 1 from shop.customers as c where c.name = o.customer)"
    (reason,) = reasons(lake, sql)
    assert reason.startswith("it may depend on the rows around it: ")


def test_what_cannot_be_asked_by_itself_is_not_measured(lake: Lake) -> None:
    lambdas = "select transform(array[1, 2], x -> case when x > 1 then 1 else 0 end) as x from shop.orders"
    assert reasons(lake, lambdas) == ["it stands in a lambda"]
    condition = (
        "select * from shop.orders as o inner join shop.customers as c on if(o.id > 1, o.customer = c.name)"
    )
    assert reasons(lake, condition) == ["it stands in FROM, before there are rows to count"]


def test_a_refused_condition_takes_no_other_with_it(lake: Lake) -> None:
    sql = "select case when id > 1 then 1 else 0 end as a, case when id > 1 then 1 else 0 end as b from shop.orders"

    def run(query: str) -> pa.Table:
        if "lakekit_1" in query or asked.append(query) or len(asked) == 1:
            raise RuntimeError("no room\nat all")
        return lake.sql(query).arrow()

    asked: list[str] = []
    coverage = Coverage()
    coverage.measure("m", sql, run, "test")
    model = coverage.models["m"]
    first, second = coverage.statements("m")[0].conditions
    assert first.id != second.id
    assert model.reasons == {first.id: "no room at all"}
    assert [sum(model.rows[outcome.id].values()) for outcome in second.outcomes] == [3, 1]


def test_a_statement_that_cannot_be_read_fails_nothing(lake: Lake) -> None:
    coverage = Coverage()
    coverage.measure("m", "select (1", lambda query: lake.sql(query).arrow(), "test")
    assert coverage.statements("m")[0].reason
    assert "not measured" in text(coverage)


def test_a_branch_of_trino_s_is_known_by_its_meaning() -> None:
    at_main = 'select 1 as x from "lake"."core"."a" where y > 1'
    assert canonical(at_main.replace('"lake"', "lake_test_1a2b3c4d")) == at_main
    assert canonical("select 1 as x from tpch.tiny.orders") == "select 1 as x from tpch.tiny.orders"


def test_conditions_keep_their_ids_where_a_statement_grows() -> None:
    first = probes("with a as (select * from s.t) select case when x then 1 end as y from a")
    later = probes("with a as (select * from s.t\n where z > 1\n) select  case when X then 1 end as y from a")
    assert first[0].conditions[0].id in {one.id for probe in later for one in probe.conditions}


# A model of SQL's logic: expressions as nested tuples, rendered to SQL and evaluated by hand.
COLUMNS = ("a", "b", "c")
values = st.one_of(st.none(), st.integers(0, 2))
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, values)), max_size=8)


def leaves() -> st.SearchStrategy[Any]:
    column = st.tuples(st.just("column"), st.sampled_from(COLUMNS))
    return st.one_of(column, column, st.tuples(st.just("literal"), values))


def cases(depth: int) -> st.SearchStrategy[Any]:
    within = numbers(depth - 1)
    return st.tuples(
        st.just("case"),
        st.one_of(st.none(), within),
        st.lists(st.tuples(st.one_of(conditions(depth - 1), within), within), min_size=1, max_size=3),
        st.sampled_from(["none", "else"]),
        within,
    )


def numbers(depth: int) -> st.SearchStrategy[Any]:
    return st.one_of(cases(depth), leaves()) if depth else leaves()


def conditions(depth: int) -> st.SearchStrategy[Any]:
    within = numbers(depth)
    compared = st.one_of(
        st.tuples(st.sampled_from([">", "="]), within, within), st.tuples(st.just("is null"), within)
    )
    if not depth:
        return compared
    below = conditions(depth - 1)
    return st.one_of(
        compared,
        st.tuples(st.just("not"), below),
        st.tuples(st.sampled_from(["and", "or"]), below, below),
    )


CONDITIONS = {">", "=", "is null", "not", "and", "or"}


class Oracle:
    """Writes an expression, and counts for each of its cases, in the order of the text, which branch was taken."""

    def __init__(self) -> None:
        self.counts: list[list[int]] = []
        self.places: dict[str, int] = {}

    def sql(self, node: Any, path: str = "") -> str:
        match node:
            case ("column", name):
                return str(name)
            case ("literal", value):
                return f"cast({'null' if value is None else value} as bigint)"
            case ("case", operand, arms, default, otherwise):
                self.places[path] = len(self.counts)
                self.counts.append([0] * (len(arms) + 1))
                written = "case " + (self.sql(operand, path + "o") if operand else "")
                for n, (when, then) in enumerate(arms):
                    written += f" when {self.sql(self.when(operand, when), f'{path}w{n}')}"
                    written += f"\n then {self.sql(then, f'{path}t{n}')}"
                return written + (
                    f" else {self.sql(otherwise, path + 'e')} end" if default == "else" else " end"
                )
            case ("is null" | "not" as sign, one):
                inner = self.sql(one, path + "l")
                return f"(not {inner})" if sign == "not" else f"({inner} is null)"
            case (sign, left, right):
                return f"({self.sql(left, path + 'l')} {sign} {self.sql(right, path + 'r')})"
        raise AssertionError(node)

    @staticmethod
    def when(operand: Any, when: Any) -> Any:
        """What fits: a condition, or a number where there is an operand to compare with."""
        if operand and when[0] in CONDITIONS:
            return ("literal", 1)
        return when if operand or when[0] in CONDITIONS else ("=", when, when)

    def value(self, node: Any, row: dict[str, Any], path: str = "") -> Any:  # noqa: C901 - one case a kind
        match node:
            case ("column", name):
                return row[name]
            case ("literal", value):
                return value
            case ("case", operand, arms, default, otherwise):
                counts = self.counts[self.places[path]]
                subject = self.value(operand, row, path + "o") if operand else None
                for n, (when, then) in enumerate(arms):
                    condition = self.value(self.when(operand, when), row, f"{path}w{n}")
                    holds = subject is not None and condition == subject if operand else condition is True
                    if holds:
                        counts[n] += 1
                        return self.value(then, row, f"{path}t{n}")
                counts[-1] += 1
                return self.value(otherwise, row, path + "e") if default == "else" else None
            case ("is null", one):
                return self.value(one, row, path + "l") is None
            case ("not", one):
                value = self.value(one, row, path + "l")
                return None if value is None else not value
            case (sign, one, other):
                left, right = self.value(one, row, path + "l"), self.value(other, row, path + "r")
                if sign in {"and", "or"}:
                    decisive = sign == "or"
                    if decisive in (left, right):
                        return decisive
                    return None if left is None or right is None else not decisive
                if left is None or right is None:
                    return None
                return left > right if sign == ">" else left == right
        raise AssertionError(node)


def literal(row: dict[str, Any]) -> str:
    return ", ".join(f"cast({'null' if row[name] is None else row[name]} as bigint)" for name in COLUMNS)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(table=rows, selected=cases(3), summed=cases(2), condition=conditions(2))
def test_counted_as_a_plain_model_counts(
    lake: Lake, table: Any, selected: Any, summed: Any, condition: Any
) -> None:
    source = (
        " union all ".join(f"select {literal(row)}" for row in table)
        or f"select {literal(dict.fromkeys(COLUMNS))} where false"
    )
    oracles = [Oracle() for _ in range(3)]
    expressions = [selected, summed, condition]
    one, two, three = (oracle.sql(node) for oracle, node in zip(oracles, expressions, strict=True))
    sql = f"""
        with t (a, b, c) as ({source}),
        u as (select {one} as x, a, b, c from t where {three})
        select a, sum({two}) as s from u group by a
    """
    passed = [row for row in table if oracles[2].value(condition, row) is True]
    for row in passed:
        oracles[0].value(selected, row)
        oracles[1].value(summed, row)
    coverage = measured(lake, sql)
    model = coverage.models["m"]
    assert not model.reasons
    (statement,) = coverage.statements("m")
    found = [
        [sum(model.rows[outcome.id].values()) for outcome in one.outcomes]
        for one in statement.conditions
        if one.kind == "case"
    ]
    assert found == [*oracles[0].counts, *oracles[2].counts, *oracles[1].counts]
    wheres = [one for one in statement.conditions if one.scope == "u" and one.kind == "where"]
    assert [sum(model.rows[o.id].values()) for o in wheres[0].outcomes] == [
        len(passed),
        len(table) - len(passed),
    ]


def test_every_condition_of_the_template_s_models_is_measured(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    import sqlglot
    from sqlglot import exp

    project = new(tmp_path_factory.mktemp("template") / "shop", engine="embedded")
    shop = Shop(orders=60, seed=3)
    coverage = Coverage()
    with Lake.connect(project) as main, main.branch("work") as lake:
        for sync in (1, 2):
            land(lake, shop, sync)
            models = [node for node in lake.build().nodes if node.kind == "model"]
            for node in models:
                coverage.measure(node.name, node.query, lambda q: lake.sql(q).arrow(), f"sync {sync}")
        columns = {
            node.name: lake.sql(f"select * from {node.schema}.{node.name} limit 0").columns for node in models
        }
    coverage.known(columns)
    for name, model in coverage.models.items():
        assert model.reasons == {}, name
        for statement in coverage.statements(name):
            assert statement.reason == ""
            assert [one for one in statement.conditions if one.reason] == []
            tree = sqlglot.parse_one(statement.sql, dialect="trino")
            # sqlglot's own tree has the very same conditions; `where (true or true)` is none.
            cases = sum(one.kind in {"case", "if"} for one in statement.conditions)
            assert cases == len(list(tree.find_all(exp.Case)))
            wheres = [where for where in tree.find_all(exp.Where) if where.find(exp.Column)]
            assert sum(one.kind in {"where", "filter"} for one in statement.conditions) == len(wheres)
            # A row that is unnested has nothing else that it could match.
            sides = sum(
                join.side in {"LEFT", "RIGHT", "FULL"} and not isinstance(join.this, exp.Unnest)
                for join in tree.find_all(exp.Join)
            )
            assert sum(one.kind == "join" for one in statement.conditions) == sides
            for condition in statement.conditions:
                assert all(outcome.id in model.rows for outcome in condition.outcomes)
    assert len(coverage.models) == len(models) == 24
    assert "int_klaviyo__events" in text(coverage)
    assert html(coverage, "shop").startswith("<!doctype html>")
