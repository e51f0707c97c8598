"""``lakekit cube``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from . import options, output

if TYPE_CHECKING:
    from ..cube import Change, Cube


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Cube's model folder.  [default: cube/model in the project]",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 if the files are not what they should be."
)
@click.option(
    "--duckdb",
    "database",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also copy the marts into a DuckDB file, for Cube to serve where there is no Trino.",
)
@options.ref
@options.engine
@options.as_json
def cube(
    folder: Path | None,
    check: bool,
    database: Path | None,
    ref: str,
    engine: options.EngineName | None,
    as_json: bool,
) -> None:
    """Write a data model for Cube, made of the marts.

    A private cube for each mart, and a view of it that everyone sees: descriptions and keys from dbt, types from the
    tables as they are at --ref, sums and averages where they are right, joins from relationships tests. Files that it did
    not write stay as they are.

    \b
    lakekit cube                            write cube/model/cubes/*.yml and views/*.yml
    lakekit cube --check                    in CI: is the model what the marts say?
    lakekit cube --duckdb cube/lake.duckdb  and a copy of the marts for Cube's DuckDB driver
    """
    from ..lake import Lake

    if check and database:
        raise UsageError(
            "--check writes nothing, and --duckdb writes a file.", todo="give one, or the one after the other"
        )
    with Lake.connect(engine=engine) as lake:
        from .. import cube as cubes  # what it imports comes with an engine

        # What is copied is of one moment, whatever is published meanwhile.
        at = lake.at(lake.catalog.ref(ref).hash if database else ref)
        folder = folder or lake.settings.project / "cube" / "model"
        with output.doing("reading the marts"):
            made = cubes.model(cubes.marts(at, ref))
        wanted = cubes.files(made)
        changed = cubes.changes(folder, wanted)
        if not check:
            cubes.write(folder, wanted, changed)
        if database:
            rows = cubes.export(at, [one.mart.table for one in made], database)
            output.progress.print(f"{output.count(rows, 'row')} of the marts in {database}.", markup=False)
    if as_json:
        output.print_json(
            {
                "folder": str(folder),
                "cubes": [_told(one) for one in made],
                "changes": [one._asdict() for one in changed],
            }
        )
    _say(folder, made, changed, check=check)
    if check and changed:
        raise click.exceptions.Exit(1)


def _told(one: Cube) -> dict[str, object]:
    return {
        "name": one.cube["name"],
        "table": str(one.mart.table),
        "view": one.view["name"],
        "key": one.mart.key,
        **one.members,
        "joins": [join["name"] for join in one.cube.get("joins", ())],
        "left_out": one.mart.left_out,
    }


def _say(folder: Path, made: list[Cube], changed: list[Change], *, check: bool) -> None:
    for one in made:
        if one.mart.left_out:
            columns = ", ".join(one.mart.left_out)
            output.progress.print(
                f"{one.mart.table}: left out, for Cube has no type of them or cannot call them so: {columns}.",
                markup=False,
            )
    for change in changed:
        output.progress.print(f"{change.change:8}{change.file}", markup=False, highlight=False)
    what = f"{output.count(len(made), 'cube')} in {folder}"
    if not changed:
        output.progress.print(f"{what}: all as it should be.", markup=False)
    elif check:
        output.progress.print(
            f"{what}: {output.count(len(changed), 'file')} differ from the marts. Run: lakekit cube"
        )
    else:
        output.progress.print(f"{what}: {output.count(len(changed), 'file')} written.", markup=False)
