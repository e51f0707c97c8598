"""The ``lakekit`` command: each subcommand in a module of its own, imported when it is called."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import Any, Final

import click
from typing_extensions import override

from .. import __version__
from ..errors import LakekitError

_COMMANDS: Final = {
    "demo": "lakekit.cli.demo:demo",
    "new": "lakekit.cli.new:new",
    "add": "lakekit.cli.add:add",
    "up": "lakekit.cli.stack:up",
    "status": "lakekit.cli.stack:status",
    "logs": "lakekit.cli.stack:logs",
    "down": "lakekit.cli.stack:down",
    "doctor": "lakekit.cli.stack:doctor",
    "stack": "lakekit.cli.stack:stack",
    "land": "lakekit.cli.land:land",
    "build": "lakekit.cli.build:build",
    "sql": "lakekit.cli.sql:sql",
    "branch": "lakekit.cli.branch:branch",
    "cube": "lakekit.cli.cube:cube",
    "lint": "lakekit.cli.lint:lint",
    "lsp": "lakekit.cli.lsp:lsp",
}


_INTERRUPTED: Final = 128 + signal.SIGINT


class _Failure(click.ClickException):
    def __init__(self, error: LakekitError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc] # click's own way of choosing it

    def show(self, file: Any = None) -> None:
        headline, *rest = self.message.splitlines()
        click.secho(f"error: {headline}", fg="red", err=True, file=file)
        for line in rest:
            click.echo(line, err=True, file=file)


class _LazyGroup(click.Group):
    """Knows its commands' names without importing them, and turns lakekit's errors into exit codes."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LakekitError as error:
            raise _Failure(error) from error
        except KeyboardInterrupt as interrupt:
            click.secho("interrupted: what was committed stands, nothing is half written", fg="red", err=True)
            raise click.exceptions.Exit(_INTERRUPTED) from interrupt


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lakekit")
def main() -> None:
    """A complete lakehouse (Iceberg, branches, Trino, dbt), light enough to throw away.

    \b
    lakekit demo                      watch a shop's data become tested, published marts
    lakekit new DIR                   make a project of your own
    lakekit add source NAME …         a source's streams, with all their files
    lakekit up                        Trino, Nessie and an S3 store, without Docker
    lakekit land --source shopify …   write a connector's messages to bronze
    lakekit build                     build and test on a branch, then publish
    lakekit sql "select …"            ask it something
    lakekit branch log                what was published or landed; diff, retract and more
    lakekit lint                      check the project's conventions
    lakekit cube                      a data model for Cube out of the marts
    """
