"""``lakekit new``."""

from __future__ import annotations

import sys
from pathlib import Path

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

    project = scaffold.new(directory, engine=engine, ask=not no_input and sys.stdin.isatty())
    output.console.print(f"The project is in [bold]{project}[/bold]. What to do next:\n", highlight=False)
    for line in (
        f"cd {directory}",
        "lakekit land --source shopify --catalog configured_catalog.json < messages.jsonl",
        "lakekit build",
    ):
        output.console.print(f"  {line}", highlight=False)
