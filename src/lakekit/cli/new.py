"""``lakekit new``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import click

from . import output

if TYPE_CHECKING:
    from ..settings import EngineName


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--no-input", is_flag=True, help="Ask nothing: take the defaults.")
@click.option(
    "--engine",
    type=click.Choice(["embedded", "trino"]),
    help="What runs the project's SQL.  [default: embedded]",
)
def new(directory: Path, no_input: bool, engine: EngineName | None) -> None:
    """Make a project in DIRECTORY.

    It has models, tests and settings for a shop that sells through Shopify and mails through Klaviyo.

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
    lakekit = output.command()
    for line in (
        f"cd {shlex.quote(str(directory))}",
        f"{lakekit} land --source shopify -- source-shopify read --config secrets.json",
        f"{lakekit} land --source klaviyo -- source-klaviyo read --config secrets.json",
        f"{lakekit} build",
    ):
        output.console.print(f"  {line}", highlight=False)


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise click.BadParameter(f"'{name}' is no time zone; they are named like Europe/Berlin.")
    return name
