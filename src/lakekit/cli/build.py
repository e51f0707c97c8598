"""``lakekit build``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.markup import escape

from ..errors import LakekitError, UsageError
from . import options, output

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..dbt import BuildReport, Node
    from ..lake import Lake


@click.command()
@click.argument("select", nargs=-1)
@click.option(
    "--branch", "name", help="Build on this branch (made if it is not there) rather than on a new one."
)
@click.option(
    "--publish/--no-publish", default=True, show_default=True, help="Merge into main once all checks passed."
)
@click.option("--full-refresh", is_flag=True, help="Build incremental models from scratch.")
@options.engine
@options.as_json
def build(
    select: tuple[str, ...],
    name: str | None,
    publish: bool,
    full_refresh: bool,
    engine: options.EngineName | None,
    as_json: bool,
) -> None:
    """Build and test models on a branch, and publish it when every check passed.

    SELECT is dbt's selection syntax; without it everything is built.

    \b
    lakekit build                                  build, test, publish
    lakekit build int_shopify__orders+             one model and all that follows from it
    lakekit build --branch try --no-publish        build, and look before publishing
    lakekit branch diff try && lakekit branch publish try

    When a model or a check fails, main stays as it was, the branch is kept for a look, and the exit code is 1.
    """
    from ..lake import Lake
    from ..naming import MAIN, new_branch_name

    if name == MAIN:
        raise UsageError(
            f"'{MAIN}' is not built in place.",
            why="it is what production reads",
            todo="leave --branch out, or name another",
        )
    with Lake.connect(engine=engine) as lake:
        name = name or new_branch_name("build")
        known = {ref.name for ref in lake.catalog.refs()}
        work = lake.at(name) if name in known else lake.branch(name)
        before = lake.catalog.ref(name).hash
        try:
            report = run(work, " ".join(select), full_refresh=full_refresh)
        except LakekitError as error:
            if lake.catalog.ref(name).hash != before:
                error.todo = f"main is as it was, and the branch is kept: lakekit branch diff {name}"
            elif name not in known:
                lake.delete_branch(name)
            raise
        published = publish and report.ok
        if published:
            work.publish()
            lake.delete_branch(name)
    if as_json:
        output.print_json(
            {"branch": name, "published": published, "seconds": report.seconds, "nodes": report.nodes}
        )
    for failure in report.failures:
        output.progress.print(f"[red]failed[/red] {failure.name}: {escape(failure.message)}", highlight=False)
    if not report.ok:
        output.progress.print(
            f"The branch '{name}' is kept; main is as it was. Look: lakekit branch diff {name}"
        )
        raise click.exceptions.Exit(1)
    where = "published to main" if published else f"on branch '{name}'"
    output.progress.print(f"{summary(report)}, {where}.")


def run(lake: Lake, select: str = "", *, full_refresh: bool = False) -> BuildReport:
    """Build with a line of progress a node on a terminal."""
    with output.progress.status("dbt is reading the project …") as status:
        return lake.build(select, full_refresh=full_refresh, on_node=_narrator(status.update))


def summary(report: BuildReport) -> str:
    """``14 models, 62 checks passed in 4.1 s``."""
    models = sum(node.kind == "model" for node in report.nodes)
    passed = sum(report.checks.values())
    checks = (
        f"{passed} checks passed"
        if passed == len(report.checks)
        else f"{passed} of {len(report.checks)} checks passed"
    )
    return f"{models} models, {checks} in {report.seconds:.1f} s"


def _narrator(update: Callable[[str], None]) -> Callable[[Node], None]:
    done = 0

    def narrate(node: Node) -> None:
        nonlocal done
        done += 1
        update(f"{done} done; {node.kind} {node.name}: {node.status} in {node.seconds:.1f} s")

    return narrate
