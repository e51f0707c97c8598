"""Options that several commands share, spelled once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

if TYPE_CHECKING:
    from ..settings import EngineName as EngineName  # noqa: PLC0414 (re-exported for annotations)


class _Size(click.ParamType[int]):
    """A number of bytes, as people write it."""

    name = "size"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from ..settings import parse_size

        try:
            return parse_size(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


ref = click.option("--ref", default="main", show_default=True, help="Branch, tag or commit hash to work at.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
engine = click.option(
    "--engine",
    type=click.Choice(["embedded", "trino"]),
    default=None,
    help="What runs SQL; the default is the project's lakekit.toml.",
)
memory = click.option(
    "--memory", metavar="SIZE", type=_Size(), help="What all services may take together, e.g. 2g."
)
