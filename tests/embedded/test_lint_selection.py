"""What selections select: the linter's answer against dbt's own, on a project with everything that they may go through."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dbt.cli.main import dbtRunner

from lakekit.lint import opening
from lakekit.lint.lineage import Lineage
from lakekit.lint.selectors import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from lakekit.lint.facts import Facts

PROJECT = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
model-paths: [assets]
flags: {send_anonymous_usage_stats: false}
models:
  shop:
    +tags: all
    streams: {+materialized: view}
    core:
      +materialized: incremental
      shopify: {+tags: [shopify, daily]}
    marts: {+materialized: table}
""",
    "profiles.yml": """
shop:
  target: embedded
  outputs:
    embedded: {type: lakekit, path: "{{ env_var('LAKEKIT_LAKE', 'lake') }}", schema: shop}
""",
    "seeds/countries.csv": "code,name\nde,Germany\n",
    "assets/streams/shopify/_shopify__sources.yml": """
sources:
  - name: shopify
    tables: [{name: orders}, {name: customers}]
""",
    "assets/streams/klaviyo/_klaviyo__sources.yml": "sources: [{name: klaviyo, tables: [{name: events}]}]",
    "assets/streams/shopify/stg_shopify__orders.sql": "select * from {{ source('shopify', 'orders') }}",
    "assets/streams/shopify/stg_shopify__customers.sql": "select * from {{ source('shopify', 'customers') }}",
    "assets/streams/klaviyo/stg_klaviyo__events.sql": "select * from {{ source('klaviyo', 'events') }}",
    "assets/core/shopify/int_shopify__orders.sql": """
{{ config(unique_key='id', tags=['big']) }} select * from {{ ref('stg_shopify__orders') }}
""",
    "assets/core/shopify/int_shopify__customers.sql": """
{{ config(unique_key='id') }} select * from {{ ref('stg_shopify__customers') }} join {{ ref('countries') }} on true
""",
    "assets/core/klaviyo/int_klaviyo__events.sql": """
{{ config(materialized='table') }} select * from {{ ref('stg_klaviyo__events') }}
""",
    "assets/core/_core.yml": """
models:
  - name: int_klaviyo__events
    config: {tags: [hourly]}
    columns:
      - name: customer_id
        data_tests:
          - relationships: {arguments: {to: ref('int_shopify__customers'), field: id}}
""",
    "assets/marts/fct_sales.sql": "select * from {{ ref('int_shopify__orders') }}",
    "assets/marts/fct_mails.sql": "select * from {{ ref('int_klaviyo__events') }} join {{ ref('fct_sales') }} on true",
    "assets/marts/dim_customers.sql": """
select * from {{ ref('int_shopify__customers') }} join {{ ref('old_customers') }} on true
""",
    "assets/marts/_marts.yml": """
models:
  - name: fct_sales
    description: What is sold.
  - name: dim_customers
exposures:
  - name: board
    type: dashboard
    owner: {name: Ada}
    depends_on: [ref('fct_sales'), ref('dim_customers')]
""",
    "assets/audit.sql": "select 1 as id",
    "snapshots/old.sql": """
{% snapshot old_customers %}
{{ config(unique_key='id', strategy='check', check_cols='all') }}
select * from {{ ref('stg_shopify__customers') }}
{% endsnapshot %}
""",
    "tests/marts/sales_are_orders.sql": """
select 1 from {{ ref('fct_sales') }} cross join {{ ref('audit') }}
""",
}

SELECTIONS = (
    "fqn:*", "*", "this", "fct_sales", "fct_*", "*_shopify__*", "shop", "shop.core", "core.shopify", "core",
    "shop.core.shopify.int_shopify__orders", "core.*", "*.shopify.*", "shop.*.shopify", "shop.*.shopify.*", "[ai]*", "int_?hopify__*",
    "cor", "shop.co", "marts.fct_sales.x", "audit", "marts dim_customers", "core,tag:daily", "tag:daily,tag:big core.klaviyo",
    "path:assets/core", "path:assets/core/", "assets/core/shopify", "path:./assets/core", "path:assets/*/shopify", "path:assets/**/shopify",
    "path:assets/**", "path:assets/core/*", "path:assets/marts/fct_*.sql", "path:assets/marts/_marts.yml", "path:assets/co",
    "path:assets/marts/fct_sales.sql", "path:assets/streams path:assets/core", "fct_sales.sql", "file:fct_*", "file:audit",
    "tag:all", "tag:daily", "tag:hour*", "tag:big", "tag:none", "config.materialized:view", "config.materialized:table",
    "config.materialized:incremental", "config.tags:daily", "config.enabled:true", "config.unique_key:id",
    "source:shopify", "source:shopify+", "source:shopify.orders+", "source:*+1", "source:shop.klaviyo.*+", "source:shopify+2",
    "package:shop", "package:this", "package:other", "resource_type:model", "resource_type:seed", "resource_type:seed+", "countries+",
    "old_customers+", "old_customers", "+fct_sales", "1+fct_mails", "2+fct_mails", "fct_sales+", "+fct_sales+", "stg_shopify__orders+1",
    "@stg_shopify__orders", "@stg_klaviyo__events", "@fct_sales", "@source:klaviyo", "tag:hourly+", "+core.klaviyo",
    "+path:assets/core", "+assets/marts", "path:assets/streams/shopify+", "+exposure:board", "+marts", "+sales_are_orders",     "+path:tests", "exposure:board", "test_type:singular", "+old_customers", "+dim_customers", "1+dim_customers", "fct_*+", "1+fct_*",
    "countries+,path:assets/marts", "+fct_sales,core", "@int_shopify__orders,marts", "+resource_type:exposure", "+resource_type:snapshot",
)  # fmt: skip

# What may be a test's or someone else's is taken to select everything: more than dbt, never less.
LOOSE = (
    "+tests",
    "+tag:hourly",
    "+tag:big",
    "+metric:revenue",
    "access:protected",
    "version:latest",
    "group:sales",
)

EXCLUSIONS = (
    "tag:daily", "+fct_sales", "fct_sales+", "path:assets/streams", "@stg_klaviyo__events", "source:shopify+", "core,tag:big", "marts.*",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selections")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def facts(project: Path) -> Facts:
    return opening.load(str(project), str(project))


@pytest.fixture(scope="module")
def dbt(project: Path) -> Callable[..., set[str]]:
    given = ["--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
    before = Path.cwd()
    parsed = dbtRunner().invoke(["parse", *given])
    assert parsed.success, parsed.exception
    manifest = parsed.result

    def ls(*selection: str) -> set[str]:
        asked = [
            "ls",
            *given,
            "--resource-type",
            "model",
            "--output",
            "json",
            "--output-keys",
            "name",
            *selection,
        ]
        answered = dbtRunner(manifest=manifest).invoke(asked)
        os.chdir(before)
        assert answered.success, answered.exception
        return {json.loads(line)["name"] for line in answered.result or []}

    return ls


def ours(facts: Facts, select: str, exclude: str = "") -> set[str]:
    selection = Selection(Lineage(facts), (select,), (exclude,))
    return {model.name for model in facts.models if selection.may_have(model)}


def test_selections_are_dbts(facts: Facts, dbt: Callable[..., set[str]]) -> None:
    found = {select: (ours(facts, select), dbt("--select", select)) for select in SELECTIONS}
    wrong = [
        f"{select}: ours {sorted(a - b)}, dbts {sorted(b - a)}" for select, (a, b) in found.items() if a != b
    ]
    assert not wrong, "\n".join(wrong)


def test_what_files_do_not_tell_selects_more_than_dbt_and_excludes_less(
    facts: Facts, dbt: Callable[..., set[str]]
) -> None:
    for one in LOOSE:
        assert ours(facts, one) >= dbt("--select", one)
        assert ours(facts, "*", one) >= dbt("--select", "*", "--exclude", one)
    assert ours(facts, "state:modified") == ours(facts, "*") == ours(facts, "*", "state:modified")


def test_exclusions_are_dbts(facts: Facts, dbt: Callable[..., set[str]]) -> None:
    found = {
        (select, exclude): (ours(facts, select, exclude), dbt("--select", select, "--exclude", exclude))
        for select in ("*", "core marts", "@stg_shopify__orders")
        for exclude in EXCLUSIONS
    }
    wrong = [
        f"{given}: ours {sorted(a - b)}, dbts {sorted(b - a)}" for given, (a, b) in found.items() if a != b
    ]
    assert not wrong, "\n".join(wrong)
