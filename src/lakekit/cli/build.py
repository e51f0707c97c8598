"""``lakekit build``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click
from rich.markup import escape

from ..errors import BuildFailed, UsageError
from . import options, output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..dbt import BuildReport, Node
    from ..lake import Lake


_ROWS_SHOWN: Final = 3


@click.command()
@click.argument("select", nargs=-1)
@click.option(
    "--branch", "name", help="Build on this branch (made if it is not there) rather than on a new one."
)
@click.option(
    "--publish/--no-publish", default=True, show_default=True, help="Merge into main once all checks passed."
)
@click.option("--exclude", default="", help="Leave these models out, e.g. source:klaviyo+.")
@click.option("--full-refresh", is_flag=True, help="Build incremental models from scratch.")
@options.engine
@options.as_json
def build(
    select: tuple[str, ...],
    name: str | None,
    publish: bool,
    exclude: str,
    full_refresh: bool,
    engine: options.EngineName | None,
    as_json: bool,
) -> None:
    """Build and test models on a branch, then publish it.

    It is published when every check passed.

    SELECT is dbt's selection syntax; without it everything is built.

    \b
    lakekit build                                  build, test, publish
    lakekit build int_shopify__orders+             one model and all that follows from it
    lakekit build --exclude source:klaviyo+        all but what reads Klaviyo's tables
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
        with _branch(lake, name) as work:
            try:
                report = _run(work, " ".join(select), exclude=exclude, full_refresh=full_refresh)
            except BuildFailed as error:
                if as_json and error.report:
                    _print_json(name, error.report, published=False)
                raise
        published = publish and report.ok
        if published:
            work.publish()
            lake.delete_branch(name)
        if as_json:
            _print_json(name, report, published=published)
        for failure in report.failures:
            _show(failure, work)
    if not report.ok:
        output.progress.print(
            f"The branch '{name}' is kept; main is as it was. Look: lakekit branch diff {name}"
        )
        raise click.exceptions.Exit(1)
    where = "published to main" if published else f"on branch '{name}'"
    output.progress.print(f"{summary(report)}, {where}.")


@contextmanager
def _branch(lake: Lake, name: str) -> Iterator[Lake]:
    """The branch to build on, made if it is not there.

    Where the block fails, one that was made here is deleted: what an interrupted build leaves is no use to anyone.
    It is kept for a look if models failed on it, and the error says so.
    """
    known = {ref.name for ref in lake.catalog.refs()}
    work = lake.at(name) if name in known else lake.branch(name)
    before = lake.catalog.ref(name).hash
    try:
        yield work
    except BaseException as error:
        if isinstance(error, BuildFailed) and lake.catalog.ref(name).hash != before:
            kept = f"main is as it was, and the branch is kept: lakekit branch diff {name}"
            error.todo = f"{error.todo}\n       {kept}" if error.todo else kept
        elif name not in known:
            lake.delete_branch(name)
        raise


def _run(lake: Lake, select: str, *, exclude: str, full_refresh: bool) -> BuildReport:
    """Build, and say how far it has come."""
    with output.doing("dbt is reading the project") as say:
        return lake.build(select, exclude=exclude, full_refresh=full_refresh, on_node=narrator(say))


def summary(report: BuildReport) -> str:
    """``14 models, 62 checks passed in 4.1 s``."""
    models = output.count(sum(node.kind == "model" for node in report.nodes), "model")
    passed, checks = sum(report.checks.values()), output.count(len(report.checks), "check")
    share = checks if passed == len(report.checks) else f"{passed} of {checks}"
    return f"{models}, {share} passed in {report.seconds:.1f} s"


def narrator(say: Callable[[str], None]) -> Callable[[Node, int], None]:
    """Says of each node that it is done, and how many of all are."""
    done = 0

    def narrate(node: Node, total: int) -> None:
        nonlocal done
        done += 1
        say(f"{done} of {total}: {node.kind} {node.name} {node.status} in {node.seconds:.1f} s")

    return narrate


def _print_json(branch: str, report: BuildReport, *, published: bool) -> None:
    output.print_json(
        {"branch": branch, "published": published, "seconds": report.seconds, "nodes": report.nodes}
    )


def _show(failure: Node, work: Lake) -> None:
    """What failed, and of a data test the first of the rows that it found."""
    output.progress.print(f"[red]failed[/red] {failure.name}: {escape(failure.message)}", highlight=False)
    if failure.kind == "test" and failure.status == "fail":
        rows = work.sql(f"select * from (\n{failure.query}\n) as failing limit {_ROWS_SHOWN}")
        for row in rows:
            told = ", ".join(f"{name} = {value}" for name, value in row.items())
            output.progress.print(f"       {escape(told)}", highlight=False)
