"""``lakekit up``, ``status``, ``logs``, ``down``, ``doctor``, and ``stack fetch|train``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import click
from rich.markup import escape

from ..errors import MissingExtra
from . import options, output

if TYPE_CHECKING:
    from ..settings import Settings
    from ..stack import Stack
    from ..stack.remote import RemoteStack

_LOOK_EVERY: Final = 0.5


@click.command()
@click.option(
    "--backend",
    type=click.Choice(["process", "docker", "remote"]),
    help="What the services are; the default is the project's lakekit.toml, else process.",
)
@options.memory
@click.option("--ephemeral", is_flag=True, help="Keep no data when the stack goes down.")
def up(backend: str | None, memory: int | None, ephemeral: bool) -> None:
    """Start Trino, Nessie and an S3 store.

    Waits until a query has answered. They run as child processes on 127.0.0.1: no Docker, no Java to
    install. The first start fetches some 800 MB; data stays from one start to the next. Where they already
    run, this does nothing.

    \b
    lakekit up                     the least memory that works, 1.4 GB
    lakekit up --memory 4g         room for larger queries
    lakekit stack fetch            everything that it needs, for a machine without a network
    """
    settings = _settings(backend=backend, memory=memory)
    started = time.monotonic()
    with output.doing("starting") as say:
        endpoints = _stack(settings).up(ephemeral=ephemeral, report=say)
    output.progress.print(
        f"[green]✓[/green] Trino at {endpoints.trino_uri}, Nessie at {endpoints.nessie_uri}, "
        f"S3 at {endpoints.s3_endpoint} [dim]{time.monotonic() - started:.1f} s[/dim]",
        highlight=False,
    )
    if settings.engine == "embedded":
        output.progress.print(
            'This project\'s engine is embedded: set engine = "trino" in lakekit.toml to work on the stack, or name '
            "it to a command (--engine trino).",
            highlight=False,
        )
    if settings.backend in {None, "process"} and _train_in_the_background():
        output.progress.print("What makes later starts faster is being prepared in the background, once.")


@click.command()
@options.as_json
def status(as_json: bool) -> None:
    """Show what runs, where, how it is, and how much memory it takes.

    Exits with 1 when a service of the stack does not answer.
    """
    stack = _stack(_settings())
    services = stack.status()
    if as_json:
        output.print_json(services)
    elif not services:
        output.progress.print("The stack is down. Start it: lakekit up")
    else:
        output.show(
            ("service", "version", "address", "pid", "health", "memory", "up"),
            [
                (
                    service.name,
                    service.version,
                    service.address,
                    str(service.pid or ""),
                    service.health,
                    f"{service.memory / 2**20:.0f} MB" if service.memory else "",
                    f"{service.uptime / 60:.0f} min" if service.uptime else "",
                )
                for service in services
            ],
        )
        for service in services:
            if service.health != "ready":
                output.progress.print(f"\n{service.name} said last:", highlight=False)
                output.progress.print(stack.tail(service.name), markup=False, highlight=False)
    if not services or not all(service.health == "ready" for service in services):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("service", required=False, type=click.Choice(["trino", "nessie", "minio", "s3proxy"]))
@click.option("-f", "--follow", is_flag=True, help="Go on as more is said, until Ctrl-C.")
def logs(service: str | None, follow: bool) -> None:
    """Print what the services have said.

    \b
    lakekit logs                   all of them, each line with its service's name
    lakekit logs -f trino          one, and what it says from now on
    """
    stack = _stack(_settings())
    names = [service] if service else ["minio", "s3proxy", "nessie", "trino"]
    marks, unfinished = dict.fromkeys(names, ""), dict.fromkeys(names, "")
    with suppress(KeyboardInterrupt):  # that is how following ends
        while True:
            for name in names:
                said = stack.said(name, marks[name])
                marks[name] = said.mark
                *lines, unfinished[name] = (unfinished[name] + said.text).split("\n")
                if unfinished[name] and not follow:
                    lines.append(unfinished[name])
                for line in lines:
                    click.echo(line if service else f"{name:8} {line}")
            if not follow:
                break
            time.sleep(_LOOK_EVERY)
    if not any(marks.values()):
        output.progress.print("Nothing has been said: the stack was never started.")
        raise click.exceptions.Exit(1)


@click.command()
def down() -> None:
    """Stop the stack. Data stays, unless it was started to be ephemeral."""
    with output.doing("stopping"):
        stopped = _stack(_settings()).down()
    output.progress.print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


@click.command()
@options.as_json
def doctor(as_json: bool) -> None:
    """Check everything that the stack needs, and say what to do.

    Exits with 1 where something is wrong. What runs is left as it is.
    """
    from ..stack.doctor import examine

    with output.doing("examining"):
        found = examine(_settings())
    if as_json:
        output.print_json(found)
    else:
        marks = {"fine": "[green]✓[/green]", "better": "[yellow]![/yellow]", "wrong": "[red]✗[/red]"}
        for finding in found:
            output.console.print(
                f"{marks[finding.level]} {finding.check:13} {escape(finding.told)}", highlight=False
            )
            if finding.todo:
                output.console.print(f"  {'':13} try: {escape(finding.todo)}", highlight=False)
    if any(finding.level == "wrong" for finding in found):
        raise click.exceptions.Exit(1)


@click.group()
def stack() -> None:
    """Prepare what the stack is made of."""


@stack.command()
def fetch() -> None:
    """Fetch everything that the stack needs.

    For images, and for machines that will have no network: Trino, Nessie and s3proxy (800 MB, into
    LAKEKIT_CACHE or ~/.cache/lakekit), and MinIO, which is built where Go is installed (some minutes).
    """
    from ..stack import fetch as fetch_all

    with output.doing("fetching") as say:
        fetched = fetch_all(say)
    for name, version, place in fetched:
        output.progress.print(f"[green]✓[/green] {name} {version} [dim]{place}[/dim]", highlight=False)


@stack.command()
def train() -> None:
    """Make the caches that let the services start twice as fast.

    Runs a real build on a stack of its own, for about a minute. `lakekit up` has it done in the background the
    first time, unless CI is set.
    """
    try:
        from ..demo.training import train as train_now
    except ModuleNotFoundError as error:
        raise MissingExtra("trino", str(error.name)) from error

    started = time.monotonic()
    with output.doing("starting a stack that records") as say:
        made = train_now(say)
    for cache in made:
        output.progress.print(
            f"[green]✓[/green] {cache} [dim]{cache.stat().st_size >> 20} MB[/dim]", highlight=False
        )
    output.progress.print(
        f"Made in {time.monotonic() - started:.0f} s." if made else "All are there already.", highlight=False
    )


def _train_in_the_background() -> bool:
    """Start to make what AOT caches are missing, at the lowest priority; whether it was started.

    Not where CI is set: there a machine is gone before it would gain by it. And not where the same was tried
    before and failed: the doctor tells of it.
    """
    if os.environ.get("CI"):
        return False
    from ..stack.artifacts import Artifacts
    from ..stack.jvm import has_room_to_train, training_log, untrained

    if not (missing := untrained(Artifacts(lambda _: None))) or not has_room_to_train():
        return False
    try:
        missing[0].parent.mkdir(exist_ok=True)
        log = training_log(missing).open("xb")
    except OSError:  # it was tried; or the cache can only be read, and whoever made it may train
        return False
    with log:
        subprocess.Popen(
            ["nice", "-n", "19", sys.executable, "-m", "lakekit", "stack", "train"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return True


def _settings(**given: Any) -> Settings:
    from ..settings import Settings

    return Settings.load(**given)


def _stack(settings: Settings) -> Stack | RemoteStack:
    from ..stack import stack_of

    return stack_of(settings)
