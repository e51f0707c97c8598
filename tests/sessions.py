"""Lakes for tests of models as the pytest plugin hands them out, without pytest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lakekit.settings import Settings
from lakekit.testing.harness import Harness
from lakekit.testing.session import LakeSession
from lakekit.testing.story import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakekit.catalog.protocol import TableId
    from lakekit.testing.lake import LakeUnderTest


class Worker:
    """One test process: its session, whose lakes start empty, and whether it has had to ask dbt."""

    def __init__(self, session: LakeSession, harness: Harness) -> None:
        self.session = session
        self.harness = harness

    @property
    def asked_dbt(self) -> bool:
        return self.harness._dbt is not None

    def lake(self, **of: Any) -> LakeUnderTest:
        return self.session.take(Place(**of))


@contextmanager
def worker(
    project: Path, cache: Path | None = None, *, replay: bool = True, **variables: Any
) -> Iterator[Worker]:
    """A process that tests the models of a project; what it learns stays in ``cache``. Without ``replay`` dbt builds."""
    settings = Settings.load(project)
    harness = Harness(settings, cache or project / ".lakekit" / "testing", variables, replay=replay)
    session = LakeSession(settings, harness, lambda: None)
    try:
        yield Worker(session, harness)
    finally:
        session.close()


def contents(lake: LakeUnderTest, *models: str) -> dict[str, Any]:
    """The place, the schema, how often it was written and, in an order of their own, the rows of models.

    They are all that are there, if none is named.
    """
    there = {entry.id: entry.kind for entry in lake.catalog.entries(lake.ref).values()}
    names = models or [name for name, model in lake.graph.models.items() if model.id in there]
    return {
        name: (
            str(id_),
            str(lake.schema(id_, name)),
            written(lake, id_) if there[id_] == "table" else there[id_],
            sorted(map(repr, lake.rows(name))),
        )
        for name in names
        if (id_ := lake.graph.models[name].id)
    }


def written(lake: LakeUnderTest, table: TableId) -> list[str]:
    """How a table was written: what each of its snapshots did."""
    snapshots = lake.catalog.iceberg(lake.ref).load_table((table.schema, table.name)).snapshots()
    return [snapshot.summary.operation.value for snapshot in snapshots if snapshot.summary]


PROFILES = """
shop:
  target: embedded
  outputs:
    embedded: {type: lakekit, path: "{{ env_var('LAKEKIT_LAKE', 'x') }}", schema: shop, threads: 1}
"""
SHOP = {
    "lakekit.toml": "",
    "orchestration/profiles.yml": PROFILES,
    "orchestration/dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\nvars: {least: 0}\n',
    "orchestration/models/sources.yml": "sources: [{name: shopify, tables: [{name: orders}]}]\n",
    "orchestration/models/streams/shopify/orders.json": """
{"name": "orders", "source_defined_primary_key": [["id"]], "default_cursor_field": ["updated_at"],
 "json_schema": {"properties": {
   "id": {"type": "integer"}, "status": {"type": ["null", "string"]}, "amount": {"type": ["null", "number"]},
   "updated_at": {"type": ["null", "string"], "format": "date-time"}}}}
""",
    "orchestration/models/stg_orders.sql": """
select id as order_id, status, cast(amount as decimal(18, 2)) as amount, updated_at, _airbyte_extracted_at
from {{ source('shopify', 'orders') }}
""",
    "orchestration/models/int_orders.sql": """
{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id') }}
select * from {{ ref('stg_orders') }}
{% if is_incremental() %}
where _airbyte_extracted_at > (select max(_airbyte_extracted_at) from {{ this }})
{% endif %}
""",
    "orchestration/models/fct_sales.sql": """
{{ config(materialized='table') }}
select status, count(*) as orders, sum(amount) as amount from {{ ref('int_orders') }}
where amount >= {{ var('least') }} group by status
""",
}
"""A small project: a view, an incremental model and a mart, over a source of one stream."""


def project_of(folder: Path, files: dict[str, str]) -> Path:
    """A project with those files, in a folder that may have some already."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def model(name: str, sql: str) -> dict[str, str]:
    """A model's file."""
    return {f"orchestration/models/{name}.sql": sql}
