"""Which files a project has, by what they are; found by walking its folders once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import ProjectError
from .ignore import Ignore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .dbt_project import DbtProject

_MOST: Final = 250_000
"""Files in one project's folders. Whoever has more has named the wrong folder."""


class Files(NamedTuple):
    """Absolute paths, sorted. ``loops`` are symbolic links that lead to a folder they are in."""

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
    loops: tuple[str, ...]


def find(root: str, dbt: str, project: DbtProject) -> Files:
    """All of them; raises ``ProjectError`` where there are far too many, or a model path is not there."""
    ignore = Ignore(_lines(os.path.join(dbt, ".dbtignore")))
    seen: dict[str, dict[str, list[str]]] = {}
    loops: list[str] = []

    def below(paths: Iterable[str], *endings: str) -> list[str]:
        found: dict[str, None] = {}
        for path in paths:
            folder = os.path.normpath(os.path.join(dbt, path))
            if folder not in seen:
                seen[folder] = walk(folder, loops)
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
    return Files(
        models=kept(below(project.model_paths, ".sql")),
        python=tuple(sorted(set(python).difference(python_models))),
        python_models=python_models,
        queries=kept(below(others, ".sql")),
        properties=kept(below((*project.model_paths, *project.seed_paths, *others), ".yml", ".yaml")),
        references=tuple(sorted(below(project.model_paths, ".json"))),
        seeds=kept(below(project.seed_paths, ".csv")),
        cubes=tuple(sorted(below([cube], ".yml", ".yaml"))),
        cube_scripts=tuple(sorted(below([cube], ".js", ".ts"))),
        loops=tuple(sorted(set(loops))),
    )


def _relative(file: str, folder: str) -> str:
    return file[len(folder) + 1 :].replace(os.sep, "/")


def walk(folder: str, loops: list[str]) -> dict[str, list[str]]:
    """The files in a folder, by their ending."""
    found: dict[str, list[str]] = {}
    folders, linked, count = [folder], set[str](), 0
    while folders:
        here = folders.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    name = entry.name
                    if name[0] == "." or name == "node_modules":
                        continue
                    if not entry.is_dir():
                        count += 1
                        found.setdefault(name[name.rfind(".") :], []).append(entry.path)
                    elif not entry.is_symlink():
                        folders.append(entry.path)
                    elif _leads_back(entry.path) or (target := os.path.realpath(entry.path)) in linked:
                        loops.append(entry.path)
                    else:
                        linked.add(target)
                        folders.append(entry.path)
        except FileNotFoundError:  # the project has no such folder
            continue
        except OSError as error:
            raise ProjectError(f"{here} cannot be read.", why=error.strerror or str(error)) from error
        if count > _MOST:
            raise ProjectError(
                f"{folder} holds more than {_MOST:,} files.",
                todo="name only folders of dbt's in dbt_project.yml (model-paths and the like)",
            )
    return found


def _leads_back(link: str) -> bool:
    target = os.path.realpath(link)
    parent = os.path.realpath(os.path.dirname(link))
    return parent == target or parent.startswith(target.rstrip(os.sep) + os.sep)


def _lines(file: str) -> list[str]:
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:  # pathlib is a tenth of a run
            return opened.read().splitlines()
    except OSError:  # most have none
        return []
