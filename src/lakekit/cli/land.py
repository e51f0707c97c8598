"""``lakekit land``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options, output

if TYPE_CHECKING:
    from ..landing import Progress


@click.command()
@click.option("--source", required=True, help="The schema that the streams' tables go to, e.g. shopify.")
@click.option(
    "--catalog",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configured catalog that the connector read with.",
)
@options.ref
@options.engine
def land(source: str, catalog: Path, ref: str, engine: options.EngineName | None) -> None:
    """Write Airbyte messages from standard input to bronze.

    \b
    source-shopify read --config secrets.json --catalog catalog.json \\
        | lakekit land --source shopify --catalog catalog.json

    Standard output has the STATE messages and nothing else, each once all before it is durable. Exits with 1
    at a message that cannot be landed; landing the same messages again loses and doubles nothing.
    """
    from ..lake import Lake
    from ..landing import ConfiguredCatalog

    configured = ConfiguredCatalog.parse(catalog)
    with Lake.connect(engine=engine) as lake, output.progress.status("waiting for messages …") as status:

        def narrate(progress: Progress) -> None:
            status.update(f"{progress.stream}: {progress.records:,} records …")

        report = lake.at(ref).land(source, configured, sys.stdin.buffer, echo=_echo, progress=narrate)
    for stream in report.streams.values():
        output.progress.print(
            f"{stream.table}: {stream.received:,} received, {stream.inserted:,} inserted, "
            f"{stream.updated:,} updated, {stream.unchanged:,} unchanged",
            highlight=False,
        )


def _echo(state: bytes) -> None:
    click.echo(state)
    sys.stdout.flush()
