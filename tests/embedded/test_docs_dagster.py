"""docs/dagster.md does what it says: its blocks are files of a fresh project, which loads, runs and publishes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dagster import AssetKey, AssetSelection, DagsterInstance, Definitions

from lakekit import Lake
from lakekit.dagster.testing import run_assets
from lakekit.landing import ConfiguredCatalog
from lakekit.scaffold import new

from . import dagster_project

PAGE = (Path(__file__).parents[2] / "docs/dagster.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project of Shopify's with the files of the page, each of which its first line names, and with a sync landed."""
    made = new(tmp_path / "shop", sources="shopify")
    for name, text in files().items():
        (made / name).write_text(text)
    shop = dagster_project.SHOP
    with Lake.connect(made) as lake:
        lake.land("shopify", ConfiguredCatalog.parse(shop.configured_catalog("shopify")), shop.messages("shopify", sync=1))  # fmt: skip
    return made


def files() -> dict[str, str]:
    named = ((re.match(r"# (orchestration/\S+)\n", block), block) for block in BLOCKS)
    return {found[1]: block.removeprefix(found[0]) for found, block in named if found}


def test_what_the_page_shows_of_a_source_is_what_a_project_has(tmp_path: Path) -> None:
    [shown] = [file for file in files() if file.endswith("shopify.py")]
    assert (new(tmp_path / "shop") / shown).read_text().endswith(files()[shown])


def test_the_blocks_are_a_project_that_runs_and_publishes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = dagster_project.load(project, monkeypatch)
    Definitions.validate_loadable(definitions)
    keys = {key.to_user_string() for key in definitions.resolve_all_asset_keys()}
    assert {"shopify/orders", "marts/fct_daily_sales", "marts/weather", "marts/best_days"} <= keys

    # Python's own assets with what they read, whose checks vouch for the run; then the test that the page shows.
    layers = AssetSelection.key_prefixes(["streams"], ["core"])
    own = AssetSelection.assets(
        *(AssetKey(["marts", name]) for name in ("fct_daily_sales", "weather", "best_days"))
    )
    [tested] = [block for block in BLOCKS if "run_assets" in block]
    with DagsterInstance.ephemeral() as instance:
        assert run_assets(definitions, layers | own, instance=instance).success
    exec(compile(tested, "docs/dagster.md", "exec"), {})
    with Lake.connect(project) as lake:
        assert [row["celsius"] for row in lake.sql("select celsius from marts.weather").rows()] == [4.5]
        best = "select max(gross_sales) as most, count(*) as days from marts.best_days"
        [found] = lake.sql(best).rows()
        assert found["days"] == 10
        assert lake.sql("select max(gross_sales) as most from marts.fct_daily_sales").rows() == [
            {"most": found["most"]}
        ]
    assert len(BLOCKS) == len(files()) + 1
