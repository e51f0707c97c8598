"""Options that several commands share, spelled once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..settings import EngineName as EngineName  # noqa: PLC0414 (re-exported for annotations)

ref = click.option("--ref", default="main", show_default=True, help="Branch, tag or commit hash to work at.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
engine = click.option(
    "--engine",
    type=click.Choice(["embedded", "trino"]),
    default=None,
    help="What runs SQL; the default is the project's lakekit.toml.",
)
