"""``lakekit branch``: list, create, diff, log, publish, retract, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import options, output

if TYPE_CHECKING:
    from ..lake import Change


@click.group()
def branch() -> None:
    """Work with branches: zero-copy versions of the whole lake."""


@branch.command("list")
@options.engine
@options.as_json
def list_(engine: options.EngineName | None, as_json: bool) -> None:
    """List branches and tags with their newest commit."""
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        found = [(ref, next(iter(lake.catalog.log(ref.name, 1)), None)) for ref in lake.catalog.refs()]
    if as_json:
        output.print_json(
            [
                {
                    "name": ref.name,
                    "hash": ref.hash,
                    "committed_at": commit and commit.committed_at,
                    "message": commit and commit.message,
                }
                for ref, commit in found
            ]
        )
        return
    output.show(
        ("branch", "commit", "at", "message"),
        [
            (
                ref.name,
                ref.hash[:12],
                commit and f"{commit.committed_at:%Y-%m-%d %H:%M:%S}",
                commit and commit.message,
            )
            for ref, commit in found
        ],
    )


@branch.command()
@click.argument("name")
@click.option("--from", "at", default="main", show_default=True, help="Branch off this ref.")
@options.engine
def create(name: str, at: str, engine: options.EngineName | None) -> None:
    """Create a branch; no data is copied."""
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        made = lake.at(at).branch(name)
        output.progress.print(f"'{made.ref}' is at {lake.catalog.ref(made.ref).hash[:12]}.")


@branch.command()
@click.argument("name")
@options.engine
@options.as_json
def diff(name: str, engine: options.EngineName | None, as_json: bool) -> None:
    """Show what changed on a branch since it left main, table by table."""
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        changes = lake.at(name).diff()
    if as_json:
        output.print_json([{**_as_dict(change), "table": str(change.table)} for change in changes])
    elif changes:
        show_changes(changes)
    else:
        output.progress.print(f"Nothing on '{name}' differs from main.")


@branch.command()
@click.argument("name")
@click.option("--unchecked", is_flag=True, help="Publish although checks failed, or none ran.")
@options.engine
def publish(name: str, unchecked: bool, engine: options.EngineName | None) -> None:
    """Merge a branch into main in one atomic step, and delete it.

    Refused when a check failed on the branch, or none ran since it last changed, and when main has changed
    the same tables meanwhile (exit code 1; nothing is merged).
    """
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        main = lake.at(name).publish(unchecked=unchecked)
        lake.delete_branch(name)
    output.progress.print(f"'{name}' is published: main is at {main.hash[:12]}.")


@branch.command()
@click.argument("name", default="main")
@click.option("--limit", default=20, show_default=True, help="How many commits.")
@options.engine
@options.as_json
def log(name: str, limit: int, engine: options.EngineName | None, as_json: bool) -> None:
    """Show a branch's newest commits, and which tables each of them changed."""
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        commits = lake.at(name).log(limit)
    if as_json:
        output.print_json(
            [
                {
                    "hash": commit.hash,
                    "committed_at": commit.committed_at,
                    "message": commit.message,
                    "tables": [str(table) for table in commit.tables],
                }
                for commit in commits
            ]
        )
        return
    output.show(
        ("commit", "at", "message", "tables"),
        [
            (
                commit.hash[:12],
                f"{commit.committed_at:%Y-%m-%d %H:%M:%S}",
                commit.message,
                ", ".join(map(str, commit.tables)) if len(commit.tables) < 4 else f"{len(commit.tables)}",
            )
            for commit in commits
        ],
    )


@branch.command()
@click.argument("commit")
@click.option("--on", default="main", show_default=True, help="The branch whose commit it is.")
@options.engine
def retract(commit: str, on: str, engine: options.EngineName | None) -> None:
    """Take back COMMIT: what it published or landed is as it was before, in one new commit.

    Refused when one of its tables has changed since (exit code 1; nothing is taken back).

    \b
    lakekit branch log                    which commits there are
    lakekit branch retract 3f2a9c01d4e5
    """
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        now = lake.at(on).retract(commit)
    output.progress.print(f"{commit} is taken back: '{on}' is at {now.hash[:12]}.")


@branch.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@options.engine
def delete(names: tuple[str, ...], engine: options.EngineName | None) -> None:
    """Delete branches and what was only on them."""
    from ..lake import Lake

    with Lake.connect(engine=engine) as lake:
        for name in names:
            lake.delete_branch(name)
            output.progress.print(f"'{name}' is deleted.")


def show_changes(changes: list[Change]) -> None:
    """A table of changes, with the rows that came or went."""
    output.show(
        ("table", "change", "rows", "was", "columns"),
        [
            (
                str(change.table),
                f"{change.change} {change.kind}" if change.kind == "view" else change.change,
                change.rows_after,
                change.rows_before,
                " ".join(
                    [
                        *(f"+{name}" for name in change.columns_added),
                        *(f"-{name}" for name in change.columns_removed),
                    ]
                ),
            )
            for change in changes
        ],
    )


def _as_dict(change: Change) -> dict[str, object]:
    return {name: getattr(change, name) for name in change.__slots__}
