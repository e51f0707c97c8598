"""``lakekit land``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import LandingFailed, UsageError
from . import options, output

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from ..landing import LandingReport, Progress


@click.command()
@click.option("--source", required=True, help="The schema that the streams' tables go to, e.g. shopify.")
@click.option(
    "--catalog",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configured catalog that the connector reads by.  [default: the project's schema references of the source]",
)
@options.ref
@options.engine
@click.argument("command", nargs=-1, metavar="[-- CONNECTOR read --config FILE]")
def land(
    source: str, file: Path | None, ref: str, engine: options.EngineName | None, command: tuple[str, ...]
) -> None:
    """Write a connector's records to bronze.

    Runs the connector that follows `--`, from the state that bronze holds; without one, reads Airbyte messages
    from standard input.

    \b
    lakekit land --source shopify -- source-shopify read --config secrets.json
    lakekit land --source shopify --catalog catalog.json < messages.jsonl

    Standard output has the STATE messages and nothing else, each once all before it is durable; a terminal
    is spared them. Exits with 1 at a message that cannot be landed, or where the connector fails, be it with one stream
    of many; what else came has landed, and landing the same messages again loses and doubles nothing.
    """
    from ..lake import Lake
    from ..landing import ConfiguredCatalog, connector, referenced_catalog
    from ..settings import Settings

    settings = Settings.load(engine=engine)
    catalog = file or referenced_catalog(settings, source)
    configured = ConfiguredCatalog.parse(catalog)
    with Lake.over(settings) as main, output.doing("waiting for messages") as say:
        lake = main.at(ref)

        def narrate(progress: Progress) -> None:
            say(f"{progress.stream}: {progress.records:,} records")

        read = connector(command, catalog, lake.states(source, configured)) if command else _stdin()
        with read as messages:
            try:
                report = lake.land(source, configured, messages, echo=_echo, progress=narrate)
            except LandingFailed as error:
                if error.report:
                    _tell(error.report)
                raise
    if not report.streams:
        output.progress.print("Nothing has landed: no record came in, and no state.")
    _tell(report)


def _tell(report: LandingReport) -> None:
    for stream in report.streams.values():
        output.progress.print(
            f"{stream.table}: {stream.received:,} received, {stream.inserted:,} inserted, "
            f"{stream.updated:,} updated, {stream.unchanged:,} unchanged",
            highlight=False,
        )
    if report.ignored:
        output.progress.print(f"{output.count(report.ignored, 'message')} of an unknown type passed over")


def _stdin() -> AbstractContextManager[Iterable[bytes]]:
    if sys.stdin.isatty():
        raise UsageError(
            "There is nothing to land.",
            why="standard input is a terminal",
            todo="name a connector after --, or pipe its messages in (see --help)",
        )
    return nullcontext(sys.stdin.buffer)


def _echo(state: bytes) -> None:
    """Tell whoever reads standard output; a person at a terminal would only lose the progress in it."""
    if not sys.stdout.isatty():
        click.echo(state)
        sys.stdout.flush()
