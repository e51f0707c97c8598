"""The files of a project for linters (lint_projects.py), as templates."""

from __future__ import annotations

from typing import Final

LAKEKIT: Final = """\
engine = "embedded"

# The dbt project.
dbt = "orchestration"
"""
PROJECT: Final = """\
name: lakehouse
version: "1.0"
profile: lakekit

model-paths: [assets]
macro-paths: [macros]

flags:
  send_anonymous_usage_stats: false

vars:
  # Days are days of this time zone.
  shop_timezone: Europe/Vienna

models:
  lakehouse:
    streams:
      +schema: streams
      +materialized: view
    core:
      +schema: core
      +materialized: incremental
      +incremental_strategy: lakekit_merge
      +on_schema_change: append_new_columns
    marts:
      +schema: marts
      +materialized: table
"""
PROFILE: Final = """\
lakekit:
  target: dev
  outputs:
    dev: {type: duckdb, path: ":memory:", threads: 2}
"""
IGNORED: Final = """\
# Python beside the models belongs to the orchestrator, not to dbt.
**/*.py
"""
SCHEMA_NAMES: Final = """\
{# A layer's schema is its name, whatever the target's. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name or target.schema }}
{%- endmacro %}
"""
DAGSTER: Final = '''\
"""The models of $source, as assets."""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

PROJECT = DbtProject(project_dir=".")


@dbt_assets(manifest=PROJECT.manifest_path, name="$source", select="$select")
def $source(context: AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    yield from dbt.cli(["build"], context=context).stream()
'''
STAGED: Final = """\
$comment
select
$columns,
    updated_at,
    _airbyte_extracted_at
from {{ source("$source", "$stream") }}
"""
CORE: Final = """\
{{ config(unique_key="$key", merge_cursor="updated_at") }}

$comment
with $stream as (
    select *
    from {{ ref("stg_${source}__$stream") }}
    {% if is_incremental() %}
    where _airbyte_extracted_at > (select coalesce(max(_airbyte_extracted_at), 0) from {{ this }})
    {% endif %}
),

ranked as (
    select
        *,
        row_number() over (partition by $key order by updated_at desc, _airbyte_extracted_at desc) as newest
    from $stream
    where $key is not null
),

$other_name as (
    select
        $other_key,
        count(*) as rows_of_it,
        max(updated_at) as last_change
    from {{ ref("$other") }}
    group by $other_key
)

select
    ranked.$key,
$columns,
    extract(year from ranked.updated_at) as changed_in_year,
    trim(both ' ' from ranked.external_reference) as external_reference,
    $literal as origin_of_row,
    $other_name.last_change as ${other_name}_changed_at,
    coalesce($other_name.rows_of_it, 0) as ${other_name}_count,
    ranked.updated_at,
    ranked._airbyte_extracted_at
from ranked
left join $other_name on ranked.$key = $other_name.$other_key
where ranked.newest = 1
    and ranked.external_reference is distinct from '$unwanted'
"""
MART: Final = """\
$comment
with $first_name as (
    select *
    from {{ ref("$first") }}
    where changed_in_year >= $year
),

$second_name as (
    select
        $second_key,
        max(updated_at) as last_change,
        count(*) as changes
    from {{ ref("$second") }}
    group by $second_key
),

{# Amounts of all shops are told in one currency. #}
rates as (
    select currency_id, max(changed_in_year) as rate_year
    from {{ ref("$hub") }}
    group by currency_id
),

joined as (
    select
        $first_name.$first_key as $key,
        $first_name.updated_at at time zone '{{ var("shop_timezone") }}' as changed_at,
        $second_name.changes,
        rates.rate_year
    from $first_name
    left join $second_name on $first_name.$first_key = $second_name.$second_key
    left join rates on $first_name.$first_key = rates.currency_id
)

select
    $key,
    cast(max(changed_at) as date) as last_day,
    date_diff('day', min(changed_at), max(changed_at)) as days,
    sum(coalesce(changes, 0)) as changes,
    case when max(rate_year) is null then $literal else 'known' end as rate,
    count(*) as rows_of_it
from joined
group by $key
"""
COMMENTS: Final = (
    "-- $name: what is sent from the source, joined later.",
    "-- Owned by the $name team; don't select from it without asking.",
    "/* $name\n   union all of the old exports came from an earlier tool */",
    "{# $name: see ref() of the models below it. #}",
    "-- $name {{ '{{' }} not a ref {{ '}}' }}",
)
TEXTS: Final = (
    "'select * from raw.events'",
    "'join us'",
    "'it''s from the shop'",
    "'-- no comment'",
    "'{ref}'",
)
