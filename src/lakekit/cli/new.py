"""``lakekit new``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args
from zoneinfo import available_timezones

import click
from rich.markup import escape

from .. import scaffold
from . import output

if TYPE_CHECKING:
    from ..settings import EngineName

_SOURCES: Final = click.Choice(get_args(scaffold.Sources))
_ENGINES: Final[click.Choice[EngineName]] = click.Choice(["embedded", "trino"])
_CI: Final = click.Choice(get_args(scaffold.Ci))


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--no-input", is_flag=True, help="Ask nothing: take the defaults.")
@click.option("--sources", type=_SOURCES, help="What the project reads.  [default: both]")
@click.option("--engine", type=_ENGINES, help="What runs its SQL.  [default: embedded]")
@click.option("--ci", type=_CI, help="What checks each push to it.  [default: none]")
def new(
    directory: Path,
    no_input: bool,
    sources: scaffold.Sources | None,
    engine: EngineName | None,
    ci: scaffold.Ci | None,
) -> None:
    """Make a project in DIRECTORY.

    It has models, tests and settings for a shop that sells through Shopify, mails through Klaviyo, or does both.

    \b
    lakekit new shop                           asks for sources, time zone, engine and CI
    lakekit new shop --no-input --engine trino
    """
    shop_timezone = None
    if not no_input and sys.stdin.isatty():
        sources = sources or click.prompt("What the project reads", default="both", type=_SOURCES)
        shop_timezone = click.prompt(
            "The shop's time zone (its days are those of the marts)",
            default="America/New_York",
            value_proc=_time_zone,
        )
        engine = engine or click.prompt(
            "What runs SQL: embedded (nothing to start) or trino (after `lakekit up`)",
            default="embedded",
            type=_ENGINES,
        )
        ci = ci or click.prompt(
            "What checks each push: a workflow of GitHub Actions, or nothing yet", default="none", type=_CI
        )
    project = scaffold.new(directory, sources=sources, engine=engine, ci=ci, shop_timezone=shop_timezone)
    output.console.print(
        f"The project is in [bold]{escape(str(project))}[/bold]. What to do next:\n", highlight=False
    )
    lakekit = output.command()
    for line in (
        *([] if project == Path.cwd() else [f"cd {shlex.quote(str(directory))}"]),
        *([f"{lakekit} up"] if engine == "trino" else []),
        *(
            f"{lakekit} land --source {source} -- source-{source} read --config {source}-secrets.json"
            for source in ("shopify", "klaviyo")
            if sources in {None, "both", source}
        ),
        f"{lakekit} build",
    ):
        output.console.print(f"  {line}", markup=False, highlight=False)


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise click.BadParameter(f"'{name}' is no time zone; they are named like Europe/Berlin.")
    return name
