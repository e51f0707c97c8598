"""Which files a project has, by what they are; found by walking its folders once."""

from __future__ import annotations

import os
from errno import ELOOP
from stat import S_ISDIR
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import ProjectError
from .facts import Unreadable, read
from .ignore import Ignore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .dbt_project import DbtProject

_MOST: Final = 250_000
"""Files in one project's folders. Whoever has more has named the wrong folder."""


class Files(NamedTuple):
    """Absolute paths, sorted. ``links`` are symbolic links to folders, or to nowhere but themselves: dbt follows none."""

    models: tuple[str, ...]
    python: tuple[str, ...]
    """Python files below the model paths that dbt ignores, and those that it does not: its Python models."""
    python_models: tuple[str, ...]
    queries: tuple[str, ...]
    """SQL of tests, snapshots, analyses and macros."""
    properties: tuple[str, ...]
    references: tuple[str, ...]
    seeds: tuple[str, ...]
    cubes: tuple[str, ...]
    links: tuple[str, ...]


def find(root: str, dbt: str, project: DbtProject) -> Files:
    """All of them; raises ``ProjectError`` where there are far too many, or a folder cannot be read."""
    ignore = Ignore(_lines(os.path.join(dbt, ".dbtignore")))
    seen: dict[str, list[str]] = {}
    links: list[str] = []

    def below(paths: Iterable[str], *endings: str) -> set[str]:
        """Each once: one folder may be within another."""
        found: set[str] = set()
        for path in paths:
            folder = os.path.normpath(os.path.join(dbt, path))
            if folder not in seen:
                seen[folder] = _walk(folder, links)
            found.update(file for file in seen[folder] if file.lower().endswith(endings))
        return found

    def kept(files: set[str]) -> tuple[str, ...]:
        if ignore:
            files = {file for file in files if not ignore.matches(_relative(file, dbt))}
        return tuple(sorted(files))

    others = (*project.snapshot_paths, *project.test_paths, *project.macro_paths, *project.analysis_paths)
    python = below(project.model_paths, ".py")
    python_models = kept(python)
    models = below(project.model_paths, ".sql")
    return Files(
        models=kept(models),
        python=tuple(sorted(python.difference(python_models))),
        python_models=python_models,
        queries=kept(below(others, ".sql") - models),
        properties=kept(below((*project.model_paths, *project.seed_paths, *others), ".yml", ".yaml")),
        references=tuple(sorted(below(project.model_paths, ".json"))),
        seeds=kept(below(project.seed_paths, ".csv")),
        cubes=tuple(sorted(below([os.path.join(root, "cube")], ".yml", ".yaml"))),
        links=tuple(sorted(set(links))),
    )


def _relative(file: str, folder: str) -> str:
    inside = file.startswith(folder + os.sep)
    return (file[len(folder) + 1 :] if inside else os.path.relpath(file, folder)).replace(os.sep, "/")


def _walk(folder: str, links: list[str]) -> list[str]:
    found: list[str] = []
    folders, seen = [folder], 0
    while folders:
        here = folders.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name[0] == ".":
                        continue
                    seen += 1
                    if seen > _MOST:
                        raise ProjectError(
                            f"{folder} holds more than {_MOST:,} files.",
                            todo="name only folders of dbt's in dbt_project.yml (model-paths and the like)",
                        )
                    if entry.is_symlink() and _is_odd(entry.path):
                        links.append(entry.path)
                    elif entry.is_dir():
                        folders.append(entry.path)
                    else:
                        found.append(entry.path)
        except FileNotFoundError:  # the project has no such folder
            continue
        except OSError as error:
            raise ProjectError(f"{here} cannot be read.", why=error.strerror or str(error)) from error
    return found


def _is_odd(link: str) -> bool:
    """Whether a link leads to no file, nor to the place of one."""
    try:
        return S_ISDIR(os.stat(link).st_mode)
    except OSError as error:
        return error.errno == ELOOP


def _lines(file: str) -> list[str]:
    try:
        return read(file).splitlines() if os.path.lexists(file) else []
    except Unreadable as error:
        raise ProjectError(f"{file} cannot be read.", why=str(error)) from error
