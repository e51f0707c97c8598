"""``lakekit up``, ``status`` and ``down``."""

from __future__ import annotations

import time

import click

from . import options, output


@click.command()
def up() -> None:
    """Start Trino, Nessie and an S3 store.

    Waits until a query has answered. They run as child processes on 127.0.0.1: no Docker, no Java to
    install. The first start fetches some 800 MB; data stays from one start to the next. Where they already
    run, this does nothing.
    """
    from ..settings import Settings
    from ..stack import Stack

    settings = Settings.load()
    started = time.monotonic()
    with output.doing("starting") as say:
        endpoints = Stack(settings.stack, settings.ports).up(report=say)
    output.progress.print(
        f"[green]✓[/green] Trino at {endpoints.trino_uri}, Nessie at {endpoints.nessie_uri}, "
        f"S3 at {endpoints.s3_endpoint} [dim]{time.monotonic() - started:.1f} s[/dim]",
        highlight=False,
    )


@click.command()
@options.as_json
def status(as_json: bool) -> None:
    """Show what runs, where, and how much memory it takes.

    Exits with 1 when a service of the stack is not running.
    """
    from ..settings import Settings
    from ..stack import Stack

    services = Stack(Settings.load().stack).status()
    if as_json:
        output.print_json(services)
    elif not services:
        output.progress.print("The stack is down. Start it: lakekit up")
    else:
        output.show(
            ("service", "version", "address", "pid", "state", "memory", "up"),
            [
                (
                    service.name,
                    service.version,
                    f"127.0.0.1:{service.port}",
                    str(service.pid),
                    "running" if service.running else "ended",
                    f"{service.memory / 2**20:.0f} MB",
                    f"{service.uptime / 60:.0f} min",
                )
                for service in services
            ],
        )
    if not services or not all(service.running for service in services):
        raise click.exceptions.Exit(1)


@click.command()
def down() -> None:
    """Stop the stack. Data stays."""
    from ..settings import Settings
    from ..stack import Stack

    with output.doing("stopping"):
        stopped = Stack(Settings.load().stack).down()
    output.progress.print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")
