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
    cube_scripts: tuple[str, ...]
    """JavaScript beside Cube's YAML."""
    links: tuple[str, ...]


def find(root: str, dbt: str, project: DbtProject) -> Files:
    """All of them; raises ``ProjectError`` where there are far too many, or a folder cannot be read."""
    ignore = _ignore(os.path.join(dbt, ".dbtignore"))
    seen: dict[str, dict[str, list[str]]] = {}
    links: list[str] = []

    def below(paths: Iterable[str], *endings: str) -> list[str]:
        found: dict[str, None] = {}
        for path in paths:
            folder = os.path.normpath(os.path.join(dbt, path))
            if folder not in seen:
                seen[folder] = walk(folder, links)
            for ending in endings:
                found.update(dict.fromkeys(seen[folder].get(ending, ())))
        return list(found)

    def kept(files: list[str]) -> tuple[str, ...]:
        if ignore:
            files = [file for file in files if not ignore.matches(_relative(file, dbt))]
        return tuple(sorted(files))

    others = (*project.snapshot_paths, *project.test_paths, *project.macro_paths, *project.analysis_paths)
    cube = os.path.join(root, "cube")
    python = below(project.model_paths, ".py")
    python_models = kept(python)
    models = below(project.model_paths, ".sql")
    return Files(
        models=kept(models),
        python=tuple(sorted(set(python).difference(python_models))),
        python_models=python_models,
        queries=kept(sorted(set(below(others, ".sql")).difference(models))),
        properties=kept(below((*project.model_paths, *project.seed_paths, *others), ".yml", ".yaml")),
        references=tuple(sorted(below(project.model_paths, ".json"))),
        seeds=kept(below(project.seed_paths, ".csv")),
        cubes=tuple(sorted(below([cube], ".yml", ".yaml"))),
        cube_scripts=tuple(sorted(below([cube], ".js", ".ts"))),
        links=tuple(sorted(set(links))),
    )


def _relative(file: str, folder: str) -> str:
    inside = file.startswith(folder + os.sep)
    return (file[len(folder) + 1 :] if inside else os.path.relpath(file, folder)).replace(os.sep, "/")


def walk(folder: str, links: list[str]) -> dict[str, list[str]]:
    """The files in a folder, by their ending in lower case. To ``links`` is added what leads to no file."""
    found: dict[str, list[str]] = {}
    folders, count = [folder], 0
    while folders:
        here = folders.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or name == "node_modules":
                        continue
                    count += 1
                    if count > _MOST:
                        raise ProjectError(
                            f"{folder} holds more than {_MOST:,} files.",
                            todo="name only folders of dbt's in dbt_project.yml (model-paths and the like)",
                        )
                    if entry.is_symlink() and _is_odd(entry.path):
                        links.append(entry.path)
                    elif entry.is_dir():
                        folders.append(entry.path)
                    else:
                        found.setdefault(name[name.rfind(".") :].lower(), []).append(entry.path)
        except FileNotFoundError:  # the project has no such folder
            continue
        except OSError as error:
            raise ProjectError(f"{here} cannot be read.", why=error.strerror or str(error)) from error
    return found


def _is_odd(link: str) -> bool:
    """Whether a link leads to a folder, or in a circle."""
    try:
        return S_ISDIR(os.stat(link).st_mode)
    except OSError as error:
        return error.errno == ELOOP


def _ignore(file: str) -> Ignore:
    try:
        return Ignore(read(file).splitlines() if os.path.lexists(file) else ())
    except (Unreadable, ValueError) as error:
        raise ProjectError(f"{file} cannot be read.", why=str(error)) from error
