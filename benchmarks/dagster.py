"""The scaffolded project under Dagster, against the same models through dagster-dbt as its documentation shows it.

Loading definitions is measured with a manifest that is there already, in turn, in processes of their own. A run of one
mart and its checks is launched in a `dagster dev`, and timed from the launch to its end: stock with `prepare_if_dev`,
stock with a manifest that is there already, and lakekit, which also makes a branch, audits and publishes.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.dagster_server import dagster_dev

from lakekit import Lake
from lakekit.dagster import manifest
from lakekit.dbt import prepared
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog
from lakekit.scaffold import new
from lakekit.settings import Settings

from .measure import alone, keep, spread, table

if TYPE_CHECKING:
    from .measure import Run

LOAD: Final = (
    "from orchestration.definitions import definitions; "
    "definitions.get_repository_def().load_all_definitions()"
)
MART: Final = ["marts", "dim_products"]
STOCK: Final = """
from pathlib import Path
from dagster import AssetExecutionContext, Definitions
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

FOLDER = Path(__file__).parent
PROJECT = DbtProject(project_dir=FOLDER, profiles_dir=FOLDER)
$prepare

def group(name, select):
    @dbt_assets(manifest=PROJECT.manifest_path, project=PROJECT, select=select, name=name)
    def build(context: AssetExecutionContext, dbt: DbtCliResource):
        yield from dbt.cli(["build"], context=context).stream()
    return build

definitions = Definitions(
    assets=[
        group("shopify", "streams.shopify core.shopify"),
        group("klaviyo", "streams.klaviyo core.klaviyo"),
        group("marts", "marts"),
    ],
    resources={"dbt": DbtCliResource(project_dir=PROJECT)},
)
"""


def projects(folder: Path) -> dict[str, Path]:
    """The contenders' projects: the same models, built once on main, over a small shop's data."""
    shop = Shop(seed=5, orders=80)
    ours = new(folder / "lakekit")
    with Lake.connect(ours) as lake:
        for source in ("shopify", "klaviyo"):
            lake.land(
                source,
                ConfiguredCatalog.parse(shop.configured_catalog(source)),
                shop.messages(source, sync=1),
            )
        with lake.branch() as work:
            work.build()
            work.publish()
    manifest(ours)
    found = {"lakekit": ours}
    for name, prepare in {
        "dagster-dbt, the manifest prepared": "",
        "dagster-dbt": "PROJECT.prepare_if_dev()",
    }.items():
        stock = Path(shutil.copytree(ours, folder / name.replace(", ", "-").replace(" ", "-"), symlinks=True))
        dbt = stock / "orchestration"
        (dbt / "definitions.py").write_text(STOCK.replace("$prepare", prepare))
        (dbt / "target").mkdir(exist_ok=True)
        shutil.copy(prepared(Settings.load(ours)).json, dbt / "target" / "manifest.json")
        found[name] = stock
    return found


def load(contenders: dict[str, Path], runs: int) -> str:
    names = [name for name in contenders if name != "dagster-dbt"]
    found: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(runs + 1):
        for name in names:
            one = alone([sys.executable, "-W", "ignore", "-c", LOAD], contenders[name])
            if number:  # the first writes bytecode
                found[name].append(one)
    base = median(one.cpu for one in found[names[-1]])
    return table(
        ("definitions are loaded", "seconds", "of the processor", "times", "peak, MiB"),
        [
            (
                name,
                spread((one.seconds for one in of), 2),
                spread((one.cpu for one in of), 2),
                f"{median(one.cpu for one in of) / base:.2f}",
                spread((one.peak for one in of), 0),
            )
            for name, of in found.items()
        ],
    )


def launch(contenders: dict[str, Path], runs: int) -> str:
    found: dict[str, list[float]] = {}
    for name, project in contenders.items():
        with dagster_dev(project, project.parent / f"{project.name}-home") as server:
            for _ in range(runs):
                started = time.monotonic()
                over = server.over(server.launch([MART]))
                if over["status"] != "SUCCESS":
                    raise RuntimeError(server.log.read_text()[-4000:])
                found.setdefault(name, []).append(time.monotonic() - started)
    base = median(found["lakekit"])
    return table(
        ("one mart through `dagster dev`, launch to end", "seconds", "times lakekit's"),
        [(name, spread(of), f"{median(of) / base:.1f}") for name, of in found.items()],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        contenders = projects(Path(folder))
        keep("dagster: definitions", load(contenders, runs))
        keep("dagster: a run", launch(contenders, runs))


if __name__ == "__main__":
    main()
