"""Small models that show what SQL and Jinja look like in the wild, and which tables each names by hand.

In the texts, `@@` stands on both sides of every table that a linter must report; `CASES` has them without the marks.
Names with a part that only Jinja knows (`{{ target.schema }}.orders`), catalogs of the engine, files and stages
are left alone, and so is a plain name where a macro may have made a CTE of that name: no report is better than
a false one.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Case(NamedTuple):
    """A model, and its hard-coded tables as (name as written, line, column), counted from 1."""

    name: str
    sql: str
    tables: list[tuple[str, int, int]]


_MARKED = re.compile(r"@@(.+?)@@")

# What refs, sources and CTEs look like.
_CTES = {
    "a model that is one ref": "select * from {{ ref('orders') }}",
    "a source": "select * from {{ source('shop', 'orders') }} as o",
    "a ref of another project, with a version": "select * from {{ ref('shop', 'orders', v=2) }}",
    "whitespace control around a ref": "select * from {{- ref('orders') -}}\nwhere true",
    "a method called on a ref": "select * from {{ ref('orders').include(database=false) }} o",
    "ref through builtins": "select * from {{ builtins.ref('orders') }}",
    "the model itself": "select * from {{ ref('a') }} where id > (select max(id) from {{ this }})",
    "a ref in parentheses": "select * from (\n    {{ ref('orders') }}\n) o",
    "a ref in double quotes": 'select * from {{ ref("orders") }}',
    "a ref over several lines": "select * from {{\n    ref(\n        'orders'\n    )\n}} o",
    "an import CTE": "with orders as (select * from {{ ref('stg_orders') }}) select * from orders",
    "CTEs in a chain": (
        "with a as (select * from {{ ref('x') }}),\nb as (select * from a)\n, c as (select * from b)\n"
        "select * from c join a on a.id = c.id left join b using (id)"
    ),
    "a CTE in other letter case": "WITH Orders AS (SELECT * FROM {{ ref('x') }}) SELECT * FROM ORDERS JOIN orders o2",
    "a quoted CTE": 'with "Orders" as (select * from {{ ref(\'x\') }}) select * from "Orders"',
    "a CTE quoted in one place only": "with \"orders\" as (select * from {{ ref('x') }}) select * from orders",
    "a CTE in backticks": "with `orders` as (select * from {{ ref('x') }}) select * from `orders`",
    "a CTE in brackets": "with [orders] as (select * from {{ ref('x') }}) select * from [orders]",
    "a CTE with columns": "with t (id, n) as (select 1, 2) select * from t",
    "a CTE with columns, over lines": "with t\n(\n    id,\n    n\n)\nas\n(select 1, 2)\nselect * from t",
    "a materialized CTE": "with t as materialized (select 1 as id) select * from t",
    "a CTE that is not materialized": "with t as not materialized (select 1 as id) select * from t",
    "a recursive CTE": "with recursive t as (select 1 as n union all select n + 1 from t where n < 9) select * from t",
    "recursion without the keyword": (
        "with t as (\n    select id, parent_id from {{ ref('staff') }}\n    union all\n"
        "    select s.id, s.parent_id from {{ ref('staff') }} s join t on s.parent_id = t.id\n)\nselect * from t"
    ),
    "a CTE inside a CTE": (
        "with outer_one as (\n    with inner_one as (select * from {{ ref('x') }}),\n"
        "    second as (select * from inner_one)\n    select * from second\n)\nselect * from outer_one"
    ),
    "a CTE inside a CTE sees the one before": (
        "with a as (select 1 as id), b as (with c as (select * from a) select * from c join a using (id)) select * from b"
    ),
    "a CTE in a subquery": "select * from (with t as (select 1 as id) select * from t) q",
    "a CTE seen from a subquery": (
        "with t as (select 1 as id)\nselect *, (select max(id) from t) as top from {{ ref('x') }}\n"
        "where id in (select id from t) and exists (select 1 from t)"
    ),
    "CTEs named by keywords": (
        "with source as (select * from {{ ref('x') }}), final as (select * from source), "
        "renamed as (select * from final), joined as (select * from renamed), unioned as (select * from joined), "
        "windowed as (select * from unioned) select * from windowed"
    ),
    "a comment before the CTE's parenthesis": "with t as -- once\n/* or twice */ (select 1 as id) select * from t",
    "a CTE next to brackets without spaces": "with t as(select 1 as id)select*from(select*from t)q",
    "a set operation of CTEs": (
        "with a as (select 1 as id), b as (select 2 as id)\n"
        "select id from a union all select id from b except select id from a intersect select id from b"
    ),
    "with that starts no CTE": (
        "select * from {{ ref('x') }} with (nolock) join {{ ref('y') }} with (nolock) on true\nwith no schema binding"
    ),
}

# What Jinja can hide or make.
_JINJA = {
    "nothing": "",
    "only a comment of Jinja": "{# select * from raw.orders #}",
    "only a macro": "{{ dbt_utils.union_relations(relations=[ref('a'), ref('b')]) }}",
    "a relation from a macro": "select * from {{ dbt_utils.date_spine('day') }} d join {{ my_rows(1) }} r on true",
    "a relation from a macro in parentheses": "select * from ({{ get_rows(ref('a')) }}) r",
    "a relation from a variable": "{% set rel = ref('a') %}\nselect * from {{ rel }} join {{ var('table') }} on true",
    "a keyword argument called from": "select {{ dbt_utils.star(from=ref('a'), except=['b']) }} from {{ ref('a') }}",
    "text about tables in arguments": "select {{ note('read from raw.orders') }} as n from {{ ref('a') }}",
    "a query in a hook": '{{ config(pre_hook="delete from raw.orders where true") }}\nselect 1 as id',
    "a config over lines with braces": (
        "{{\n  config(\n    meta={'a': {'from': 'raw.orders'}},\n    tags=['x']\n  )\n}}\nselect * from {{ ref('a') }}"
    ),
    "the end of an expression inside a string": "select {{ f('}} from raw.orders') }} from {{ ref('a') }}",
    "the end of a statement inside a string": "{% set x = '%} from raw.orders' %}select * from {{ ref('a') }}",
    "a query in a string of Jinja": (
        "{% set newest = run_query('select max(id) from raw.orders') %}\nselect * from {{ ref('a') }}"
    ),
    "a dynamic schema": "select * from {{ target.schema }}.orders",
    "a dynamic database": "select * from {{ env_var('DB') }}.raw.orders o join {{ database }}.raw.items i on true",
    "a dynamic part inside of quotes": 'select * from "{{ target.database }}"."raw"."orders"',
    "a dynamic part inside of backticks": "select * from `{{ target.project }}.raw.orders`",
    "a dynamic suffix": "select * from raw.orders_{{ var('region') }} o",
    "a dynamic prefix": "select * from {{ chain }}_lake.core.events e join raw_{{ x }}.orders o on true",
    "a dynamic middle": "select * from raw.fact_{{ chain }}_orders",
    "a dynamic last part": "select * from raw.{{ table_name }}",
    "a schema chosen by a branch": "select * from {% if prod %}raw{% else %}dev{% endif %}.orders",
    "a suffix chosen by a branch": "select * from raw.orders{% if prod %}_all{% endif %} o",
    "a ref chosen by a branch": "select * from {% if a %}{{ ref('a') }}{% else %}{{ ref('b') }}{% endif %} t",
    "a CTE chosen by a branch": (
        "with a as (select 1 as id), b as (select 2 as id)\nselect * from {% if x %}a{% else %}b{% endif %}"
    ),
    "a CTE that only one branch has": (
        "with a as (select * from {{ ref('a') }})\n{% if is_incremental() %}, latest as (select max(t) as t from a)\n"
        "{% endif %}\nselect a.* from a {% if is_incremental() %} cross join latest {% endif %}"
    ),
    "the word with in either branch": (
        "{% if is_incremental() %}\nwith newest as (select 1 as id), rows_in as (\n{% else %}\nwith rows_in as (\n"
        "{% endif %}\nselect * from {{ ref('a') }} {% if is_incremental() %} cross join newest {% endif %}\n)\n"
        "select * from rows_in"
    ),
    "a CTE closed in another branch": (
        "with a as (\nselect * from {{ ref('a') }}\n{% if x %}\n), b as (select * from a)\n{% else %}\n), b as (select 1)\n"
        "{% endif %}\n, c as (select * from b)\nselect * from c"
    ),
    "refs from a loop": (
        "{% for t in ['a', 'b'] %}\nselect * from {{ ref(t) }}\n{% if not loop.last %}union all{% endif %}\n{% endfor %}"
    ),
    "refs with commas from a loop": (
        "select * from {% for t in ts %}{{ ref(t) }}{% if not loop.last %}, {% endif %}{% endfor %}"
    ),
    "CTEs from a loop": (
        "with\n{% for t in ts %}\n{{ t }} as (select * from {{ ref(t) }}),\n{% endfor %}\n"
        "final as (select * from orders join customers using (id))\nselect * from final"
    ),
    "CTEs from a macro alone": "{{ simple_cte([('orders', 'stg_orders')]) }}\n\nselect * from orders",
    "CTEs from a macro, then more": (
        "{{ simple_cte([('orders', 'stg_orders')]) }}\n, paid as (select * from orders)\nselect * from paid join orders"
    ),
    "a macro after the word with": "with {{ import_ctes(['a']) }}, b as (select * from a) select * from b join a using (id)",
    "a macro that ends the CTEs": (
        "with source as (select * from {{ ref('x') }})\n\n{{ deduplicate('source') }}\n\nselect * from most_recent"
    ),
    "a macro in place of the last CTE": "with a as (select * from {{ ref('x') }}),\n{{ clean('a') }}\nselect * from cleaned",
    "a macro in place of a CTE's parentheses": (
        "with latest as {{ latest_rows(ref('x'), 'id') }},\nother as {{ latest_rows(ref('y'), 'id') }}\n"
        "select * from latest join other using (id)"
    ),
    "a macro in place of a CTE's query": "with days as (\n    {{ dbt_utils.date_spine('day') }}\n)\nselect * from days",
    "a macro that makes all but the end": "{{ snapshot_base(source=source('s', 't'), key='id') }}\n\nselect * from final",
    "a block that reads a CTE of the model": (
        "{% set part %}select id from base where kind = 1{% endset %}\n"
        "with base as (select * from {{ ref('x') }})\nselect * from ({{ part }}) p"
    ),
    "a block of columns": "{% set cols %}a, b as from_b{% endset %}select {{ cols }} from {{ ref('x') }}",
    "raw text that looks like a tag": (
        "select * from {{ ref('x') }} where a like '{% raw %}{%from raw.orders{% endraw %}' or b like '{% raw %}{#{% endraw %}'"
    ),
    "a comment of Jinja that begins in a comment of SQL": (
        "-- {# the old one\nselect * from raw.orders\n#}\nselect * from {{ ref('orders') }}"
    ),
    "tags inside a comment of Jinja": "{# {% if x %} from raw.orders {{ #}\nselect * from {{ ref('orders') }}",
    "an apostrophe in a comment of Jinja": "{# don't #}\nselect 'x' as a from {{ ref('orders') }}",
    "a dependency in a comment": "-- depends_on: {{ ref('x') }}\nselect 1 as id",
    "a ref in a comment": "select * from -- {{ ref('old') }}\n    {{ ref('new') }}",
    "a macro after the table": "select * from {{ ref('x') }} where true {{ only_new('ts') }} {{ dbt_utils.group_by(2) }}",
    "a type from a macro": "select cast(a as {{ dbt.type_string() }}) as a, 0.{{ n }} as b from {{ ref('x') }}",
}

# Where `from`, `join` and commas bring no table, and where what they bring is none.
_SQL = {
    "extract": "select extract(year from o.day), EXTRACT ( MONTH\n  FROM day ) from {{ ref('orders') }} o",
    "extract from a function": "select extract(hour from date_trunc('day', max(o.at))) from {{ ref('orders') }} o",
    "extract from a difference": "select extract(day from o.closed - o.opened) / 7 from {{ ref('orders') }} o",
    "trim both": "select trim(both ' ' from o.name), trim(leading from o.name) from {{ ref('orders') }} o",
    "trim characters": "select trim('x' from o.name), trim(both '|' from concat(a, b)) from {{ ref('orders') }} o",
    "substring": "select substring(o.name from 2 for 3), substring(note from '[0-9]+') from {{ ref('orders') }} o",
    "overlay": "select overlay(o.name placing 'x' from 2 for 1) from {{ ref('orders') }} o",
    "is distinct from": (
        "select a.x is distinct from b.x as changed from {{ ref('a') }} a join {{ ref('b') }} b\n"
        "on a.id is not distinct from b.id and a.y IS NOT\n  DISTINCT FROM b.y"
    ),
    "a column named from, in quotes": 'select t."from", "from" as sender, lower("from") from {{ ref(\'t\') }} t',
    "a column named from, in backticks": "select `from`, t.`from` from {{ ref('t') }} t",
    "a column named from, behind a dot": "select t.from as sender from {{ ref('t') }} t where t.from = '0x0'",
    "a key named from": "select t.log:from::string as a, t.log['from'] from {{ ref('t') }} t",
    "a column named from, bare": "select case when from = to then 1 end as same, from, to from {{ ref('t') }}",
    "names that end or begin with from": "select valid_from -- at\n, from_date, date_from from {{ ref('t') }} t",
    "a string": "select 'taken from raw.orders' as note, 'it''s from raw.orders' from {{ ref('a') }}",
    "a string with a backslash": "select 'it\\'s from raw.orders' as note from {{ ref('a') }}",
    "a string that is a backslash": "select split(path, '\\') as parts, 'x' as y from {{ ref('a') }}",
    "a string over lines": "select 'one\nfrom raw.orders\njoin raw.items' as note from {{ ref('a') }}",
    "a string in double quotes": "select concat(\"fewer than last year from shop \", x) from {{ ref('a') }}",
    "a string in three quotes": 'select """\njoin raw.orders "now" \n""" as note from {{ ref(\'a\') }}',
    "a raw string": "select regexp_extract(x, r'from\\s+raw\\.orders') from {{ ref('a') }}",
    "a string in dollars": "select $$select 'x' from raw.orders$$ as q, $q$ join raw.b $q$ from {{ ref('a') }}",
    "a path in JSON": "select json_query(x, '$.source.from.id') from {{ ref('a') }}",
    "a comment to the end of the line": "-- from raw.orders, it's old\nselect 1 as id -- join raw.items\nfrom {{ ref('a') }}",
    "a comment in the middle": "select * /* from raw.orders\njoin raw.items */ from /* here */ {{ ref('a') }}",
    "a comment in a comment": "/* old: /* the shop */\nselect * from raw.orders\n*/ select * from {{ ref('a') }}",
    "a name struck out by dashes": "select * from ----raw.orders o\n{{ ref('a') }} o",
    "a comment of Snowflake": "// from raw.orders\nselect * from {{ ref('a') }}",
    "a comment of BigQuery": "# from raw.orders\nselect * from {{ ref('a') }}",
    "unnest": "select * from {{ ref('a') }} a cross join unnest(a.xs) as t (x), unnest (a.ys) with ordinality u (y, n)",
    "unnest alone": "select * from unnest(array[1, 2]) t (n)",
    "unnest with offset": "select * from {{ ref('a') }} a, unnest(a.xs) as x with offset as n left join unnest(x.ys) y",
    "arrays of BigQuery": "select * from {{ ref('a') }} t, t.items i join i.parts p left join t.notes",
    "an array of a relation without alias": "select * from {{ ref('orders') }}, orders.items",
    "an array of a CTE": "with t as (select * from {{ ref('a') }}) select * from t, t.items",
    "an array of an outer relation": "select (select count(*) from o.items) as n from {{ ref('orders') }} o",
    "an array of an outer relation, nested": (
        "select array(select as struct i.id, (select max(p) from i.parts as p) as m from o.items i) from {{ ref('a') }} as o"
    ),
    "flatten": "select * from {{ ref('a') }} a, lateral flatten(input => a.xs) f, table(flatten(a.ys)) g",
    "a join with flatten": "select * from {{ ref('a') }} a left join lateral flatten(input => parse_json(a.x), outer => true) f",
    "generated rows": "select seq4() from table(generator(rowcount => 10))",
    "the result of another query": "select * from table(result_scan(last_query_id())) where $1 = 2",
    "a table function over a ref": "select * from table(exclude_columns(input => table({{ ref('a') }}), columns => descriptor(x)))",
    "a lateral subquery": "select * from {{ ref('a') }} a left join lateral (select a.x + 1 as y) l on true",
    "a lateral function": "select * from {{ ref('a') }} a cross join lateral jsonb_array_elements(a.xs) as x",
    "a lateral view": "select * from {{ ref('a') }} a lateral view outer explode(a.xs) t as x lateral view posexplode(t.y) u as p, v",
    "apply": "select * from {{ ref('a') }} a cross apply openjson(a.x) j outer apply (select a.y) q",
    "series": "select * from generate_series(1, 9) g join numbers(10) n on true join range(5) r on true",
    "a function of a schema": "select * from raw.orders_between(1, 2) o join raw.tvf (3) t on true",
    "values in parentheses": "select * from (values (1, 'a'), (2, 'from raw.orders')) as t (id, name)",
    "values bare": "select column1 from values (1), (2)",
    "files of DuckDB": "select * from read_csv('orders.csv', header = true) join 'items.parquet' i using (id)",
    "a stage": "select $1, $2 from @raw.stage/2024/ (file_format => 'csv', pattern => '.*from.*')",
    "a dynamic stage": "select $1 from @{{ env_var('DB') }}.raw.stage s",
    "an array join": "select * from {{ ref('a') }} final array join tags as tag, range(n) as k left array join notes",
    "joins of other engines": (
        "select * from {{ ref('a') }} a left anti join {{ this }} t on true left semi join {{ ref('b') }} b on true\n"
        "asof join {{ ref('c') }} c on true global any left join {{ ref('d') }} d using (id) natural join {{ ref('e') }}"
    ),
    "from first": "from {{ ref('a') }} select * where x > 1",
    "a pivot": "select * from {{ ref('a') }} pivot (sum(x) for y in ('from', 'join')) as p (a, b)",
    "rows of a pattern": (
        "select * from {{ ref('a') }} match_recognize (partition by x order by y pattern (a b+) define b as b.y > a.y) m"
    ),
    "an older state": "select * from {{ ref('a') }} at (offset => -60) a join {{ ref('b') }} for system_time as of now() b on true",
    "a sample": "select * from {{ ref('a') }} t tablesample bernoulli (10) join {{ ref('b') }} sample (10) on true",
    "columns after commas": (
        "select a.x, (select max(b.y) from {{ ref('b') }} b), raw.z from {{ ref('a') }} a join {{ ref('r') }} raw\n"
        "using (id, day) where (a.x, raw.y) in ((1, 2), (3, 4)) group by a.x, raw.z having max(raw.y) > 1\n"
        "qualify row_number() over (partition by a.x, raw.y order by raw.z, a.x) = 1 order by a.x, raw.z limit 10, 20"
    ),
    "named windows": "select 1 as id from {{ ref('a') }} a window w as (partition by a.x), v as (order by a.y, a.z)",
    "conditions with commas": (
        "select 1 as id from {{ ref('a') }} a left join {{ ref('b') }} b on coalesce(a.x, b.x) = 1 and a.y in (b.y, b.z)"
    ),
    "grouping sets": "select a.x, a.y from {{ ref('a') }} a group by grouping sets ((a.x, a.y), (a.x)), rollup (a.z, a.x)",
    "a comma join of refs": "select * from {{ ref('a') }} a, {{ ref('b') }} as b, (select 1 as id) c where a.id = b.id",
    "joins in parentheses": "select * from ({{ ref('a') }} a join {{ ref('b') }} b using (id)) left join {{ ref('c') }} c using (id)",
    "nothing after from": "select * from\nwhere true",
    "nothing after join": "select * from {{ ref('a') }} a left join --{{ ref('b') }} b\non a.id = 1",
    "the standard catalog": "select * from information_schema.tables t join RAW.INFORMATION_SCHEMA.COLUMNS c using (table_name)",
    "the standard catalog in quotes": 'select * from "RAW"."INFORMATION_SCHEMA"."TABLES" join `p.region-eu.INFORMATION_SCHEMA.JOBS`',
    "the catalog of a dynamic database": "select * from {{ target.database }}.information_schema.columns",
    "the catalog of Postgres": "select * from pg_catalog.pg_class c join pg_namespace n on true",
    "the catalog of Trino": "select * from system.runtime.queries",
    "the catalog of SQL Server": "select * from sys.objects",
    "dual": "select 1 as id from dual union all select 2 from DUAL",
    "a semantic view": "tables(\n    orders as {{ ref('orders') }} primary key (id) comment = 'from the shop'\n)",
    "Windows line ends": "with a as (\r\n    select * -- from raw.orders\r\n    from {{ ref('x') }}\r\n)\r\nselect * from a\r\n",
}

# Tables named by hand, in plain and in odd clothes.
_TABLES = {
    "a table": "select * from @@raw.orders@@",
    "a table without schema": "select * from @@stg_orders@@ where true",
    "a table with database and schema": "select *\nfrom @@lake.raw.orders@@ as o\n",
    "four parts": "select * from @@server.lake.raw.orders@@",
    "upper case": "SELECT * FROM @@RAW.ORDERS@@ O JOIN @@Raw.Items@@ I ON TRUE",
    "the word this without braces": "select * from {{ ref('a') }} a left join @@this@@ t on t.id = a.id",
    "quoted names": 'select * from @@"RAW"."Orders of 2024"@@ o join @@"LAKE".raw."ITEMS"@@ i on true',
    "quotes without a space": 'select * from@@"RAW"."ORDERS"@@',
    "backticks around it all": "select * from @@`lake.raw.orders`@@ o",
    "backticks around each part": "select * from @@`lake`.`raw`.`orders`@@ o",
    "brackets": "select * from @@[raw].[Orders]@@ o join @@dbo.[Order Items]@@ i on true",
    "dashes in a project": "select * from @@my-project.raw.orders@@ o",
    "a wildcard table": "select * from @@`raw.events_*`@@ where _table_suffix > '2024'",
    "a table of metadata": 'select * from @@raw."orders$files"@@',
    "a semicolon": "select * from @@raw.orders@@;",
    "a bracket right after": "select * from (select id from @@raw.orders@@) o",
    "a new line before the name": "select *\nfrom\n    @@raw.orders@@\nleft join\n\t@@raw.items@@ i on true",
    "a comment before the name": "select * from -- the raw one\n  @@raw.orders@@ o join /* of\nthem */ @@raw.items@@ i on true",
    "a ref in a comment before the name": "select * from /* {{ ref('orders') }} */ @@raw.orders@@",
    "a ref in a comment of Jinja before the name": "select * from {# ref('orders') #} @@raw.orders@@",
    "beside a ref": "select * from {{ ref('x') }} join @@raw.orders@@ on true",
    "every kind of join": (
        "select * from {{ ref('a') }} a inner join @@raw.b@@ using (id) left outer join @@raw.c@@ using (id)\n"
        "full join @@raw.d@@ using (id) cross join @@raw.e@@ natural join @@raw.f@@ left anti join @@raw.g@@ on true"
    ),
    "second in a comma join": "select * from {{ ref('a') }} a, @@raw.orders@@ o where a.id = o.id",
    "a comma join of tables": "select * from @@raw.a@@, @@raw.b@@ b,\n    @@raw.c@@ as c",
    "a comma join after a subquery": "select * from (select 1 as id, 2 as n) s, @@raw.orders@@",
    "a comma join after a function": "select * from {{ ref('a') }} a, lateral flatten(a.xs) f, @@raw.orders@@ o",
    "in parentheses with a join": "select * from (@@raw.orders@@ o join {{ ref('a') }} a using (id))",
    "in a scalar subquery": "select (select max(id) from @@raw.orders@@) as top, a.x from {{ ref('a') }} a",
    "in a condition": (
        "select * from {{ ref('a') }} a where id in (select id from @@raw.b@@) and not exists (select 1 from @@raw.c@@ c)"
    ),
    "inside extract": "select extract(year from (select max(day) from @@raw.orders@@)) as y from {{ ref('a') }}",
    "after extract": "select extract(year from day) as y from @@raw.orders@@",
    "after trim": "select trim(both ' ' from name) as n from @@raw.orders@@",
    "after is distinct from": "select a.x is distinct from a.y as d from @@raw.orders@@ a",
    "after a column named from": 'select t."from" from @@raw.orders@@ t',
    "in both halves of a union": "select id from @@raw.a@@\nunion all\nselect id from @@raw.b@@",
    "in a CTE": "with o as (select * from @@raw.orders@@) select * from o",
    "in a CTE of its own name": "with orders as (select * from @@orders@@) select * from orders",
    "in a CTE of its own name, quoted": 'with orders as (select * from @@"orders"@@ o) select * from orders',
    "a schema's table with the name of a CTE": "with orders as (select 1 as id) select * from @@raw.orders@@ join orders using (id)",
    "in a nested CTE": "with a as (with b as (select * from @@raw.orders@@) select * from b) select * from a",
    "in a recursive CTE": (
        "with recursive t as (select id from @@raw.staff@@ union all select s.id from @@raw.staff@@ s join t on true)\n"
        "select * from t"
    ),
    "beside a macro's CTEs": "{{ simple_cte([('a', 'stg_a')]) }}\nselect * from a join @@raw.orders@@ o on true",
    "beside a dynamic name": "select * from {{ target.schema }}.orders o join @@raw.items@@ i on true",
    "beside a catalog": "select * from information_schema.tables t cross join @@raw.orders@@",
    "beside an array of it": "select * from @@raw.orders@@ o, o.items i, unnest(i.parts) p",
    "in a block": "{% set q %}\nselect max(id)\nfrom @@raw.orders@@\n{% endset %}\nselect * from {{ ref('a') }}",
    "after a block": "{% set cols %}a, b{% endset %}\nselect {{ cols }} from @@raw.orders@@",
    "after a condition of Jinja": "{% if is_incremental() %}\n{% endif %}\nselect * from @@raw.orders@@",
    "in a branch": (
        "select * from {{ ref('a') }} a\n{% if target.name == 'prod' %}\njoin @@raw.orders@@ o on true\n{% endif %}"
    ),
    "in one branch of two": "select * from {% if dev %} @@raw.orders@@ {% else %} {{ ref('orders') }} {% endif %} o",
    "in both branches": "{% if dev %}select * from @@dev.orders@@{% else %}select * from @@raw.orders@@{% endif %}",
    "in a loop": "{% for x in xs %}select {{ x }} from @@raw.orders@@ {% if not loop.last %}union{% endif %}{% endfor %}",
    "after raw text": "select '{% raw %}{{ x }}{% endraw %}' as t from @@raw.orders@@",
    "after a config over lines": "{{\n    config(\n        materialized='table'\n    )\n}}\n\nselect * from @@raw.orders@@",
    "after expressions on the line": "select {{ a }}, {{ b('x') }} from @@raw.orders@@",
    "after an apostrophe in a comment": "-- don't ask\nselect 'x' as a from @@raw.orders@@ /* it's */ join @@raw.items@@ on true",
    "after an apostrophe in a comment of Jinja": "{# don't #}select * from @@raw.orders@@",
    "after a doubled quote": "select 'it''s' as a from @@raw.orders@@",
    "after dashes in a string": "select '--' as a, '/*' as b from @@raw.orders@@ where c = '*/'",
    "after letters of other scripts": "select 'été 数据 🙂' as a from @@raw.commandes_été@@",
    "with time travel": "select * from @@raw.orders@@ for version as of 3 o join @@raw.items@@ at (offset => -60) on true",
    "with a sample": "select * from @@raw.orders@@ tablesample bernoulli (10) o",
    "with hints": "select * from @@raw.orders@@ with (nolock), @@raw.items@@ as i",
    "from first, by hand": "from @@raw.orders@@ select id",
    "Windows line ends, by hand": "select *\r\nfrom\r\n  @@raw.orders@@ o\r\njoin @@raw.items@@ i on true\r\n",
}


def _case(name: str, marked: str) -> Case:
    sql, tables, taken = "", [], 0
    for found in _MARKED.finditer(marked):
        sql += marked[taken : found.start()]
        tables.append((found[1], sql.count("\n") + 1, len(sql) - sql.rfind("\n")))
        sql += found[1]
        taken = found.end()
    return Case(name, sql + marked[taken:], tables)


CASES = [_case(name, sql) for group in (_CTES, _JINJA, _SQL, _TABLES) for name, sql in group.items()]
