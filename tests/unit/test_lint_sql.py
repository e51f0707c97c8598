"""What the blocks of Jinja in a file of SQL say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakekit.lint import sql


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{% if a %} select 1", "'{% if %}' is never ended"),
        ("select 1 {%- endif -%}", "'{% endif %}' ends nothing that is open"),
        ("{% if a %}{% for b in c %}{% endif %}{% endfor %}", "'{% endif %}' ends nothing that is open"),
        ("{% set a = 1 %}{% set b %} 1 {% endset %}{%- if a -%} 1 {%- else -%} 2 {%- endif -%}", None),
        ("{% raw %}{% if %}{% endraw %} {# {% if %} #}", None),
    ],
)
def test_blocks_end_as_they_begin(text: str, why: str | None) -> None:
    broken = sql.read(text, is_model=True, is_staging=False).broken
    assert (broken.why if broken else None) == why


def test_a_snapshot_is_known_by_its_blocks_name() -> None:
    read = sql.read("{%- snapshot old -%} select 1 {% endsnapshot %}", is_model=False, is_staging=False)
    assert read.named == "old"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "call", ["source('a', 'b' }}", "config(a={'b': 1} c=2) }}", "ref('a' ] ) }}", "config(a=[1 }, ) }}"]
)
def test_a_call_that_never_closes_comes_to_an_end(call: str) -> None:
    sql.read(f"select 1 from {{{{ {call} where 1", is_model=True, is_staging=False)


@pytest.mark.timeout(60)
@given(parts=st.lists(st.sampled_from(["ref", "config", *"()[]{},:=a ", "'b'"])))
def test_any_call_comes_to_an_end(parts: list[str]) -> None:
    text = "".join(parts)
    sql.read(f"{{{{ config({text}) }}}} {{{{ ref({text} }}}}", is_model=True, is_staging=True)


@pytest.mark.parametrize(
    "given",
    [
        "meta={'a': {'b': 1}}, materialized='table'",
        "meta={'a': {'b': {'c': '}}'}}}, materialized='table'",
        "{'meta': {'a': {}}, 'materialized': 'table'}",
    ],
)
def test_a_mapping_in_a_mapping_ends_no_block(given: str) -> None:
    read = sql.read(f"{{{{ config({given}) }}}} select 1", is_model=True, is_staging=False)
    assert read.config["materialized"] == "table"
    assert read.config["meta"]["a"] is not None
