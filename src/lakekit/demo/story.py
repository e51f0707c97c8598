"""The demo: two syncs of a shop go through bronze, streams, core and marts, get tested and are published."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..errors import BuildFailed, LakekitError, UsageError
from ..lake import Lake
from ..landing import ConfiguredCatalog
from ..naming import new_branch_name
from ..scaffold import new
from ..settings import FILE, Settings
from .shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ..dbt import BuildReport, Node
    from ..landing import LandingReport, Progress
    from ..settings import EngineName

SOURCES: Final = ("shopify", "klaviyo")

DAILY_SALES: Final = """
    select sales_date, orders, units, gross_sales, discounts, refunds, net_sales, average_order_value as aov
    from marts.fct_daily_sales
    where currency = 'USD'
    order by sales_date desc
    limit 7
"""

TOP_PRODUCTS: Final = """
    select title, units_sold, orders, shop_gross_sales, last_sold_date
    from marts.dim_products
    order by shop_gross_sales desc, product_id
    limit 5
"""


class Narrator(Protocol):
    """Whoever watches: told of each step, and of what happens inside it."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """A step begins; it ends with the block."""

    def landing(self, progress: Progress) -> None:
        """Records are coming in."""

    def starting(self, what: str) -> None:
        """The stack is being fetched and started."""

    def built(self, node: Node, total: int) -> None:
        """A model or test has finished, one of so many."""


@dataclass(slots=True)
class Sync:
    """One sync's way through the lake."""

    number: int
    landed: dict[str, LandingReport] = field(default_factory=dict)
    build: BuildReport | None = None
    published: str = ""


@dataclass(slots=True)
class Outcome:
    """What the demo did and what there is to see. Seconds a step, in order."""

    project: Path
    engine: EngineName
    syncs: list[Sync]
    seconds: dict[str, float]
    daily_sales: list[dict[str, Any]]
    top_products: list[dict[str, Any]]
    log: list[tuple[str, str]]


def play(
    directory: Path, narrator: Narrator, *, engine: EngineName | None, orders: int | None, seed: int | None
) -> Outcome:
    """Run two syncs in a new project at ``directory``, or one more sync where the demo has been before.

    Raises ``UsageError`` where ``orders`` or ``seed`` differ from an earlier run's, and whatever a step
    raises: the branch that failed is then kept.
    """
    clock = _Clock(narrator)
    if (directory / FILE).is_file() and not _shop_file(Settings.load(directory)).is_file():
        raise UsageError(
            f"{directory} is a project that no demo made.",
            why="the demo would land its orders among yours",
            todo="choose another --dir",
        )
    if not (directory / FILE).is_file():
        with clock.step("make the project"):
            new(directory, engine=engine or "embedded")
    settings = Settings.load(directory, engine=engine)
    shop = _shop(settings, orders, seed)
    if settings.engine == "trino":
        _start_stack(settings, clock)

    with Lake.connect(directory, engine=engine) as lake:
        first = _next_sync(lake, shop)
        syncs = [_sync(lake, shop, number, clock) for number in ((1, 2) if first == 1 else (first,))]
        with clock.step("ask the marts"):
            daily_sales, top_products = lake.sql(DAILY_SALES).rows(), lake.sql(TOP_PRODUCTS).rows()
        log = [(commit.hash, commit.message) for commit in lake.log(8)]
    return Outcome(settings.project, settings.engine, syncs, clock.seconds, daily_sales, top_products, log)


def _sync(lake: Lake, shop: Shop, number: int, clock: _Clock) -> Sync:
    sync = Sync(number)
    for source in SOURCES:
        configured = ConfiguredCatalog.parse(shop.configured_catalog(source))
        with clock.step(f"sync {number}: land {source}"):
            sync.landed[source] = lake.land(
                source, configured, shop.messages(source, sync=number), progress=clock.narrator.landing
            )
    with lake.branch(new_branch_name("build")) as work:
        try:
            with clock.step(f"sync {number}: build and test on branch {work.ref}"):
                sync.build = work.build(on_node=clock.narrator.built)
                if failed := [node.name for node in sync.build.failures]:
                    raise BuildFailed(
                        f"{len(failed)} of {len(sync.build.checks)} checks failed on '{work.ref}'.",
                        why=", ".join(failed),
                        todo=f"main is as it was, and the branch is kept: lakekit branch diff {work.ref}",
                        report=sync.build,
                    )
            with clock.step(f"sync {number}: publish"):
                sync.published = work.publish().hash
        except LakekitError:
            work.keep()
            raise
    return sync


def _next_sync(lake: Lake, shop: Shop) -> int:
    states = [
        state
        for source in SOURCES
        for state in lake.states(source, ConfiguredCatalog.parse(shop.configured_catalog(source)))
    ]
    return shop.sync_number(states)


def _shop(settings: Settings, orders: int | None, seed: int | None) -> Shop:
    """The shop of this project: the same at every run, or later syncs would not follow from earlier ones."""
    file = _shop_file(settings)
    if file.is_file():
        known = json.loads(file.read_text(encoding="utf-8"))
        for name, asked in (("orders", orders), ("seed", seed)):
            if asked is not None and asked != known[name]:
                raise UsageError(
                    f"This demo's shop has {name} {known[name]}, not {asked}.",
                    why=f"an earlier run in {settings.project} made it so",
                    todo=f"leave --{name} out to go on, or choose another --dir",
                )
    else:
        known = {"orders": 5_000 if orders is None else orders, "seed": 7 if seed is None else seed}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known), encoding="utf-8")
    return Shop(**known)


def _shop_file(settings: Settings) -> Path:
    return settings.lake.parent / "demo.json"


def _start_stack(settings: Settings, clock: _Clock) -> None:
    from ..stack import stack_of

    with clock.step("start Trino, Nessie and the S3 store"):
        stack_of(settings).up(report=clock.narrator.starting)


class _Clock:
    def __init__(self, narrator: Narrator) -> None:
        self.narrator = narrator
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        with self.narrator.step(name):
            yield
        self.seconds[name] = time.monotonic() - started
