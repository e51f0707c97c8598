"""Finding a project, and what its settings say to the linter."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from ..errors import ProjectError, SettingsError
from . import dbt_project, files
from .conventions import Conventions, conventions
from .facts import Facts, Unreadable, read

if TYPE_CHECKING:
    from collections.abc import Iterable

JOURNAL: Final = ".lakekit-lint-fix.json"
"""In the project's folder, while fixes replace files."""
_SETTINGS: Final = "lakekit.toml"
_DEEPEST: Final = 2
"""So many folders down a project is looked for, where none is around."""


def around(start: str) -> tuple[str, str] | None:
    """The project that ``start`` (an absolute path) lies in: its folder, and the dbt project's; None if there is none."""
    dbt = None
    for folder in _upwards(start):
        if dbt is None and os.path.isfile(os.path.join(folder, dbt_project.FILE)):
            dbt = folder
        if os.path.isfile(os.path.join(folder, _SETTINGS)):
            inside = _dbt_folder(folder, _table(folder))
            return (folder, inside) if dbt in {None, inside} else (dbt or inside, dbt or inside)
    return (dbt, dbt) if dbt else None


def at(start: str) -> tuple[str, str]:
    """The project around ``start``, or else the one below it. Raises ``ProjectError`` where there is none, or several."""
    if found := around(start):
        return found
    below = sorted(_below(start, _DEEPEST))
    if len(below) == 1:
        return around(below[0]) or (below[0], below[0])  # its settings may be between here and there
    if below:
        names = ", ".join(os.path.relpath(one, start) for one in below)
        raise ProjectError(
            f"{start} holds several dbt projects.", why=names, todo="lint one: --project FOLDER"
        )
    raise ProjectError(
        f"{start} is not a dbt project.",
        why=f"neither it nor a folder around or below it has a {dbt_project.FILE} or a {_SETTINGS}",
        todo="go into your project, or name it: --project FOLDER",
    )


def load(root: str, folder: str) -> Facts:
    """Look at a project's folders and settings; no model is read yet. Raises ``ProjectError`` and ``SettingsError``."""
    file = os.path.join(folder, dbt_project.FILE)
    try:
        project = dbt_project.read(read(file), file)
    except Unreadable as error:
        raise ProjectError(
            f"There is no dbt project in {folder}.",
            why=f"{file}: {error}",
            todo=f'say where it is: dbt = "…" in {os.path.join(root, _SETTINGS)}' if root != folder else "",
        ) from error
    if os.path.exists(os.path.join(root, JOURNAL)):
        from .writing import finish

        finish(root)
    settings = os.path.join(root, _SETTINGS)
    table = _table(root).get("lint", {}) if os.path.isfile(settings) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"{settings} holds a wrong setting.", why="lint is no table", todo="write [lint]")
    says = conventions(table, settings) if table else Conventions()
    return Facts(root, folder, project, says, files.find(root, folder, project))


def _table(root: str) -> dict[str, Any]:
    import tomllib  # only where there is a lakekit.toml

    file = os.path.join(root, _SETTINGS)
    try:
        return tomllib.loads(read(file))
    except Unreadable as error:
        raise SettingsError(f"{file} cannot be read.", why=str(error)) from error
    except ValueError as error:
        raise SettingsError(f"{file} is not valid TOML.", why=str(error)) from error
    except RecursionError as error:
        raise SettingsError(f"{file} is not valid TOML.", why="it is nested too deeply") from error


def _dbt_folder(root: str, table: dict[str, Any]) -> str:
    given = os.environ.get("LAKEKIT_DBT") or table.get("dbt", "orchestration")
    if not isinstance(given, str):
        raise SettingsError(f"{root}/{_SETTINGS} holds a wrong setting.", why="dbt is no text")
    return os.path.normpath(os.path.join(root, os.path.expanduser(given)))


def _upwards(start: str) -> Iterable[str]:
    folder = start if os.path.isdir(start) else os.path.dirname(start)
    while True:
        yield folder
        folder, before = os.path.dirname(folder), folder
        if folder == before:
            return


def _below(folder: str, depth: int) -> Iterable[str]:
    try:
        with os.scandir(folder) as entries:
            names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    except OSError:  # what cannot be looked into holds no project of ours
        return
    if dbt_project.FILE in names:
        yield folder
    elif depth:
        for name, is_folder in names.items():
            if is_folder and not name.startswith(".") and name != "dbt_packages":
                yield from _below(os.path.join(folder, name), depth - 1)
