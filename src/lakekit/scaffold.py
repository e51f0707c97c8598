"""Making a project out of the template."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import available_timezones

from .errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .settings import EngineName

Sources = Literal["both", "shopify", "klaviyo"]
Ci = Literal["none", "github"]

_INSTALLED: Final = Path(__file__).parent / "_template"
_CHECKOUT: Final = Path(__file__).parents[2] / "template"
_NAME: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

TEMPLATE: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
"""The cookiecutter template: inside the package where it was installed, beside it in a checkout."""


def new(
    directory: Path,
    *,
    sources: Sources | None = None,
    engine: EngineName | None = None,
    ci: Ci | None = None,
    shop_timezone: str | None = None,
) -> Path:
    """Make a project in ``directory``, which must not exist or be empty, and return its absolute path.

    ``sources`` are what it reads, ``engine`` is what runs its SQL, ``ci`` what checks each push, ``shop_timezone`` whose
    days are the marts'; the template's defaults where not given. Raises ``UsageError`` where there can be no such project;
    then, and where it is interrupted, nothing is left of it.
    """
    try:
        from cookiecutter.main import cookiecutter
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "trino" if engine == "trino" else "duckdb", error.name or "cookiecutter"
        ) from error

    directory = directory.resolve()
    given = {"sources": sources, "engine": engine, "ci": ci, "shop_timezone": shop_timezone}
    asked = {"name": directory.name} | {name: value for name, value in given.items() if value}
    _check(directory, shop_timezone)
    with tempfile.TemporaryDirectory(prefix="lakekit-new-") as scratch, _temporary_files(scratch):
        settings = Path(scratch, "cookiecutter.yaml")  # none of the user's, and no replay file in their home
        settings.write_text(f"replay_dir: '{scratch}'\n")
        made = Path(
            cookiecutter(
                str(TEMPLATE),
                no_input=True,
                extra_context=asked,
                output_dir=str(Path(scratch, "made")),
                config_file=str(settings),
            )
        )
        for cache in [*made.rglob("__pycache__")]:  # pip compiles the template's Python where it installs it
            shutil.rmtree(cache)
        try:
            _move(made, directory)
        except OSError as error:
            raise UsageError(f"No project can be made in {directory}.", why=str(error)) from error
    return directory


@contextmanager
def _temporary_files(folder: str) -> Iterator[None]:
    """Have temporary files made in a folder: cookiecutter leaves one behind of each hook that it runs."""
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def _check(directory: Path, shop_timezone: str | None) -> None:
    if not _NAME.fullmatch(directory.name):
        raise UsageError(
            f"'{directory.name}' can name no project.",
            todo="name a folder by a letter, then letters, digits, '-', '_' and '.'",
        )
    if shop_timezone and shop_timezone not in available_timezones():
        raise UsageError(f"'{shop_timezone}' is no time zone.", todo="they are named like Europe/Berlin")
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"{directory} is a file.", todo="name a folder that is empty or does not exist yet")
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(
            f"{directory} is not empty.",
            why="a new project would mix with what is there",
            todo="name a folder that is empty or does not exist yet",
        )


def _move(made: Path, directory: Path) -> None:
    """Move all of a folder to where it is to be: into a folder that may be there, for someone may be in it."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        for one in sorted(made.iterdir()):
            shutil.move(one, directory / one.name)
    except BaseException:
        for folder in missing[-1:] or [*directory.iterdir()]:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
        raise
