"""``lakekit demo``."""

from __future__ import annotations

import shlex
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from . import options, output
from .build import narrator, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..dbt import Node
    from ..demo.story import Outcome
    from ..landing import Progress


@click.command()
@click.option(
    "--dir", "directory", type=click.Path(path_type=Path), default=Path("lakekit-demo"), show_default=True
)
@click.option("--orders", type=click.IntRange(min=1), help="Orders in the first sync.  [default: 5000]")
@click.option("--seed", type=int, help="Another seed is another shop.  [default: 7]")
@options.engine
@options.as_json
def demo(
    directory: Path, orders: int | None, seed: int | None, engine: options.EngineName | None, as_json: bool
) -> None:
    """Watch a shop's data become tested, published marts.

    Makes a project, lands a first sync of a Shopify and a Klaviyo account, builds and tests the models on a
    branch and publishes it; then the same for the week after, incrementally. Run it again in the same folder
    for one more week.

    \b
    lakekit demo                       DuckDB on Iceberg: nothing to start
    lakekit demo --engine trino        Trino, Nessie and S3 as child processes (no Docker, no Java)
    """
    from ..demo.story import play

    started = time.monotonic()
    outcome = play(directory, _Terminal(), engine=engine, orders=orders, seed=seed)
    seconds = time.monotonic() - started
    if as_json:
        output.print_json(outcome_as_dict(outcome, seconds))
    else:
        _show(outcome, seconds)


class _Terminal:
    """Tells the story on standard error: a spinner while a step runs, a line when it is done."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            with output.doing(name) as self._say:
                self._built = narrator(self._say)
                yield
        except BaseException:
            output.progress.print(f"[red]✗[/red] {name}", highlight=False)
            raise
        output.progress.print(
            f"[green]✓[/green] {name} [dim]{time.monotonic() - started:.1f} s[/dim]", highlight=False
        )

    def landing(self, progress: Progress) -> None:
        self._say(f"{progress.stream}: {progress.records:,} records")

    def starting(self, what: str) -> None:
        self._say(what)

    def built(self, node: Node, total: int) -> None:
        self._built(node, total)
        if not node.ok and node.status != "skipped":
            output.progress.print(
                f"[red]✗[/red] {node.kind} {node.name}: {escape(node.message)}", highlight=False
            )


def outcome_as_dict(outcome: Outcome, seconds: float) -> dict[str, object]:
    """The JSON form of a demo's outcome."""
    return {
        "project": str(outcome.project),
        "engine": outcome.engine,
        "seconds": round(seconds, 3),
        "steps": [{"step": name, "seconds": round(spent, 3)} for name, spent in outcome.seconds.items()],
        "syncs": [
            {"sync": sync.number, "landed": sync.landed, "build": sync.build, "published": sync.published}
            for sync in outcome.syncs
        ],
        "daily_sales": outcome.daily_sales,
        "top_products": outcome.top_products,
        "log": [{"hash": hash_, "message": message} for hash_, message in outcome.log],
    }


def _show(outcome: Outcome, seconds: float) -> None:
    for title, rows in (("Daily sales (USD)", outcome.daily_sales), ("Top products", outcome.top_products)):
        output.console.print()
        output.show(list(rows[0]) if rows else [], [list(row.values()) for row in rows], title=title)
    output.console.print()
    output.show(
        ("commit", "what"), [(hash_[:12], message) for hash_, message in outcome.log], title="The log of main"
    )
    output.console.print()
    output.show(
        ("step", "seconds"),
        [(name, f"{spent:.1f}") for name, spent in [*outcome.seconds.items(), ("in all", seconds)]],
        title="Time",
    )
    output.console.print()
    for sync in outcome.syncs:
        if sync.build:
            output.console.print(f"sync {sync.number}: {summary(sync.build)}", highlight=False)
    output.console.print(
        f"\nThe project is in [bold]{outcome.project}[/bold]. What to try next:\n", highlight=False
    )
    for line in _next_steps(outcome):
        output.console.print(f"  {line}", highlight=False)


def _next_steps(outcome: Outcome) -> list[str]:
    lakekit = output.command()
    steps = [
        f"cd {shlex.quote(str(outcome.project))}",
        f'{lakekit} sql "select * from marts.dim_customers order by lifetime_value desc limit 5"',
        f"{lakekit} build --branch try --no-publish    # edit a model in orchestration/assets first",
        f"{lakekit} branch diff try                    # what your edit changed",
        f"{lakekit} demo --dir .                       # one more week of data",
    ]
    stop = f"{lakekit} down                               # stop the stack"
    return [*steps, stop] if outcome.engine == "trino" else steps
