"""Counting what tests exercise: the same numbers on either engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakekit.testing.coverage import Coverage

if TYPE_CHECKING:
    from lakekit import Lake

ORDERS = """
    create table shop.orders as select * from (values
        (1, 'paid', 30, 'ann'), (2, 'paid', 10, 'bob'), (3, 'open', 20, 'ann'), (4, cast(null as varchar), null, null)
    ) as t (id, status, amount, customer)
"""
CUSTOMERS = (
    "create table shop.customers as select * from (values ('ann', 'DE'), ('eve', 'FR')) as t (name, country)"
)

# A statement, and for each of its outcomes, in the order of its text, how many rows have it.
STORIES = {
    "select id from lake.shop.orders where id > 1": [3, 1],
    """select case when status = 'paid' then case when amount > 15 then 1 else 2 end else if(id = 4, 3) end as x
       from shop.orders where id > 1""": [1, 2, 0, 1, 1, 1, 3, 1],
    """select status, sum(case when amount > 15 then 1 end) filter (where id < 3) as n,
           case when sum(amount) > 30 then 'a' when count(*) > 5 then 'b' end as size
       from shop.orders group by 1 having count(*) < 2 and max(case when id = 4 then 1 else 0 end) = 0""": (
        [1, 1, 2, 2, 0, 0, 1, 1, 2, 1, 3]
    ),
    """select case when sum(amount) over w > 30 then 'often' else 'once' end as x
       from shop.orders where id < 4 window w as (partition by customer)""": [2, 1, 3, 1],
    """select status, case when rank() over (order by sum(amount) desc) = 1 then 'top' else 'rest' end as x
       from shop.orders where status is not null group by status""": [1, 1, 3, 1],
    """select case when grouping(status) = 1 then 'all' else status end as x, count(*) as n
       from shop.orders where id < 4 group by rollup (status)""": [1, 2, 3, 1],
    """with a as (with b (key, cost) as (select id, amount from shop.orders where status = 'paid') select cost from b),
       d as (select cost from a where cost > 15 union all select 1 as cost from a where cost > 1000)
       select * from (select * from d where cost is not null) as e where cost = 1 -- no more""": (
        [2, 2, 1, 1, 0, 2, 1, 0, 0, 1]
    ),
    "select o.id from shop.orders as o full join shop.customers c on o.customer = c.name": [2, 2, 1],
    "select orders.id from shop.orders left join shop.customers on customer = name": [2, 2],
    """select customer from shop.orders right join (select name from shop.customers) as c on customer = c.name
       where (select max(id) from shop.orders where amount > 15) = 3""": [2, 1, 3, 0, 2, 2],
}


def test_rows_are_counted_alike(lake: Lake) -> None:
    with lake.branch() as work:
        work.sql("create schema shop")
        work.sql(ORDERS)
        work.sql(CUSTOMERS)
        for sql, expected in STORIES.items():
            work.sql(sql)  # what is measured is a statement that runs
            coverage = Coverage()
            coverage.measure("m", sql, lambda query: work.sql(query).arrow(), "test")
            model = coverage.models["m"]
            assert model.reasons == {}
            (statement,) = coverage.statements("m")
            found = [
                sum(model.rows[outcome.id].values())
                for condition in statement.conditions
                for outcome in condition.outcomes
            ]
            assert found == expected, sql
        # What depends on the rows around it is refused, and recorded.
        coverage = Coverage()
        correlated = "select id from shop.orders as o where exists (select 1 from shop.customers as c where c.name = o.customer)"
        coverage.measure("m", correlated, lambda query: work.sql(query).arrow(), "test")
        (reason,) = coverage.models["m"].reasons.values()
        assert reason.startswith("it may depend on the rows around it")
