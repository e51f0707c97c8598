"""``lakekit add``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from . import options, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..adding import Origin
    from ..settings import Settings


@click.group()
def add() -> None:
    """Add a source or a model, with all that belongs to it: all files, or none."""


@add.command()
@click.argument("name")
@click.option(
    "--discover",
    "file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="What the connector's discover has printed; - is standard input.",
)
@click.option("--from-lake", is_flag=True, help="Learn of the streams from the tables that have landed.")
@click.option(
    "--stream", "streams", multiple=True, help="One of the streams; may be repeated.  [default: all new ones]"
)
@click.option("--key", multiple=True, help="The key of streams that say none; may be repeated.")
@options.ref
@options.engine
@click.argument("command", nargs=-1, metavar="[-- CONNECTOR discover --config FILE]")
def source(
    name: str,
    file: Path | None,
    from_lake: bool,
    streams: tuple[str, ...],
    key: tuple[str, ...],
    ref: str,
    engine: options.EngineName | None,
    command: tuple[str, ...],
) -> None:
    """Add the streams of the source NAME, which is the schema that they land in.

    Each gets a schema reference, a table in the source's YAML, a staging view that renames and casts, its entry and a test;
    the source a file for Dagster. What is there already stays as it is.

    \b
    lakekit add source recharge -- source-recharge discover --config secrets.json
    lakekit add source recharge --discover streams.jsonl --stream charges
    lakekit add source recharge --from-lake --key id
    """
    from ..adding import add_source
    from ..settings import Settings

    settings = Settings.load(engine=engine)
    origin = _origin(settings, name, file, from_lake=from_lake, ref=ref, command=command)
    _told(settings, add_source(settings, name, origin, only=streams, key=key))


@add.command()
@click.argument("name")
@click.option(
    "--from", "selects", multiple=True, required=True, help="A model that it selects from; may be repeated."
)
@click.option(
    "--key",
    multiple=True,
    help="A column that its rows are one of; may be repeated.  [default: the parent's key]",
)
def model(name: str, selects: tuple[str, ...], key: tuple[str, ...]) -> None:
    """Add the model NAME: int_<source>__<entity>, fct_<domain> or dim_<entity>.

    It gets SQL to go on from, its entry with a tested key, and a test that passes.

    \b
    lakekit add model int_recharge__charges --from stg_recharge__charges
    lakekit add model fct_daily_charges --from int_recharge__charges --key charge_date
    """
    from ..adding import add_model
    from ..settings import Settings

    settings = Settings.load()
    _told(settings, add_model(settings, name, selects, key=key))


def _origin(
    settings: Settings, name: str, file: Path | None, *, from_lake: bool, ref: str, command: tuple[str, ...]
) -> Origin:
    from .. import adding
    from ..lake import Lake

    if (file is not None) + from_lake + bool(command) != 1:
        raise UsageError(
            "Where are the streams to be learned from?",
            todo="give one of: --discover FILE, --from-lake, or a connector after -- (see --help)",
        )
    if command:
        with output.doing(f"asking '{command[0]}' for its streams"):
            return adding.run(command)
    if file is not None:
        is_piped = str(file) == "-"
        output_ = sys.stdin.buffer.read() if is_piped else file.read_bytes()
        return adding.discovered(output_, "standard input" if is_piped else str(file))
    with Lake.over(settings) as lake:
        return adding.landed(lake.at(ref), name)


def _told(settings: Settings, files: Sequence[Path]) -> None:
    for file in files:
        output.console.print(f"  {file.relative_to(settings.project)}", markup=False, highlight=False)
    output.console.print(f"{output.count(len(files), 'file')} written. What to do next:\n", highlight=False)
    lakekit = output.command()
    output.console.print(f"  {lakekit} lint\n  pytest tests", markup=False, highlight=False)
