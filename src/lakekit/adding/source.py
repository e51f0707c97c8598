"""``lakekit add source``: all that a project has of a stream, from its schema reference to a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import streams
from ..errors import UsageError
from ..naming import Layer
from ..project import Project
from . import dagster, properties, staging, words
from .files import Files
from .tests import staging_test

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..settings import Settings
    from .discovery import Origin


def add_source(
    settings: Settings, source: str, origin: Origin, *, only: Sequence[str] = (), key: Sequence[str] = ()
) -> list[Path]:
    """Add streams of a source and return the files that were written: all, or none.

    ``only`` names some of the streams; else they are those that the project has not yet. ``key`` is the key of those that
    say none. Raises ``UsageError``.
    """
    words.source(source)
    project = Project(settings.project, settings.dbt)
    models = project.model_paths[0]
    folder = models / Layer.STREAMS / source
    files = Files(settings.project)
    tables, entries = [], []
    for stream in _chosen(project, source, origin, only):
        read = _read(stream, origin, key)
        entity = words.snake(read.name)
        name = f"stg_{source}__{entity}"
        made = staging.columns(read, entity)
        keys = staging.key(read, entity)
        said = {**stream, "source_defined_primary_key": [[field] for field in read.key]}
        files.new(folder / f"{read.name}.json", json.dumps(said, indent=2, ensure_ascii=False) + "\n")
        files.new(folder / f"{name}.sql", staging.sql(source, read.name.lower(), made))
        test = settings.project / "tests" / source / f"test_{name}.py"
        files.new(test, staging_test(source, read.name.lower(), name, made))
        title = words.spoken(source).title()
        spoken = words.spoken(entity)
        tables.append(
            {
                "name": read.name.lower(),
                "description": f"{spoken[:1].upper()}{spoken[1:]}, as {title} sends them.",
            }
        )
        columns = [{"name": column, "description": _of_key(title, column)} for column in keys]
        entries.append(
            properties.model(
                name, f"One row {words.a(entity)}, as sent.", [*columns, properties.WATERMARK], keys
            )
        )
    _declare(files, folder, source, tables)
    models_file = folder / f"_{source}__models.yml"
    properties.add(files, models_file, ["models"], {"models": entries}, entries)
    dagster.add(files, settings.dbt, models, source)
    return files.write()


def _chosen(project: Project, source: str, origin: Origin, only: Sequence[str]) -> list[Mapping[str, Any]]:
    for name in only:
        if name not in origin.streams:
            raise UsageError(
                f"There is no stream '{name}'.",
                why=f"{origin.where} tells of {len(origin.streams)} others",
                todo=f"did you mean one of these: {words.nearest(name, origin.streams)}?",
            )
    known = {table.partition(".")[2] for table in project.references() if table.startswith(f"{source}.")}
    chosen = only or [name for name in origin.streams if name.lower() not in known]
    if not chosen:
        raise UsageError(
            f"The project has every stream of '{source}' already.", why=f"{origin.where} tells of no other"
        )
    return [origin.streams[name] for name in dict.fromkeys(chosen)]


def _read(stream: Mapping[str, Any], origin: Origin, key: Sequence[str]) -> streams.Stream:
    try:
        read = streams.stream(dict(stream))
    except ValueError as error:
        raise UsageError(
            f"The stream '{stream.get('name')}' of {origin.where} cannot be read.", why=str(error)
        ) from error
    if not read.name.isascii() or not read.name.isidentifier():
        raise UsageError(
            f"'{read.name}' can name no table.",
            why="a stream's table is called as the stream is",
            todo="leave it out: name the streams that you want by --stream",
        )
    if unknown := [name for name in key if name not in read.properties]:
        raise UsageError(
            f"The stream '{read.name}' has no field '{unknown[0]}'.",
            todo=f"did you mean one of these: {words.nearest(unknown[0], read.properties)}?",
        )
    if not read.key and not key:
        raise UsageError(
            f"The stream '{read.name}' of {origin.where} has no key.",
            why="a later sync could not tell which of its records replaces which",
            todo="name the fields that are unique together by --key, or leave it out: name the others by --stream",
        )
    return read if read.key else read._replace(key=tuple(key))


def _of_key(title: str, column: str) -> str:
    named = column.removesuffix("_id")
    return (
        f"{title}'s {words.spoken(column)}."
        if named == column
        else f"{title}'s id of the {words.spoken(named)}."
    )


def _declare(files: Files, folder: Path, source: str, tables: list[dict[str, str]]) -> None:
    title = words.spoken(source).title()
    outline = {
        "sources": [
            {
                "name": source,
                "description": f"What the {title} connector sent, the newest version of each record.",
                "schema": source,
                "tables": tables,
            }
        ]
    }
    file = folder / f"_{source}__sources.yml"
    properties.add(files, file, ["sources", source, "tables"], outline, tables)
