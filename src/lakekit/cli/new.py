"""``lakekit new``."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import available_timezones

import click

from . import options, output


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--no-input", is_flag=True, help="Ask nothing: take the defaults.")
@options.engine
def new(directory: Path, no_input: bool, engine: options.EngineName | None) -> None:
    """Make a project in DIRECTORY: models, tests and settings for a Shopify and Klaviyo shop.

    \b
    lakekit new shop                           asks for the time zone and the engine
    lakekit new shop --no-input --engine trino
    """
    from .. import scaffold

    shop_timezone = None
    if not no_input and sys.stdin.isatty():
        shop_timezone = click.prompt(
            "The shop's time zone (its days are those of the marts)",
            default="America/New_York",
            value_proc=_time_zone,
        )
        engine = engine or click.prompt(
            "What runs SQL: embedded (nothing to start) or trino (after `lakekit up`)",
            default="embedded",
            type=click.Choice(["embedded", "trino"]),
        )
    project = scaffold.new(directory, engine=engine, shop_timezone=shop_timezone)
    output.console.print(f"The project is in [bold]{project}[/bold]. What to do next:\n", highlight=False)
    for line in (
        f"cd {directory}",
        "lakekit land --source shopify --catalog configured_catalog.json < messages.jsonl",
        "lakekit build",
    ):
        output.console.print(f"  {line}", highlight=False)


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise click.BadParameter(f"'{name}' is no time zone; they are named like Europe/Berlin.")
    return name
