"""What the blocks of Jinja in a file of SQL say."""

from __future__ import annotations

import pytest

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
