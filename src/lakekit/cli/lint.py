"""``lakekit lint``, where it is listed among all commands; called, it never comes here (``lakekit.__main__``)."""

from __future__ import annotations

import click

from ..lint.command import main


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def lint(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Check a project's conventions from its files, in a blink."""
    context.exit(main(arguments))
