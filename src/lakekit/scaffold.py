"""Making a project out of the template."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from .errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from .settings import EngineName

_INSTALLED: Final = Path(__file__).parent / "_template"
_CHECKOUT: Final = Path(__file__).parents[2] / "template"

TEMPLATE: Final = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
"""The cookiecutter template: inside the package where it was installed, beside it in a checkout."""


def new(directory: Path, *, engine: EngineName | None = None, shop_timezone: str | None = None) -> Path:
    """Make a project in ``directory``, which must not exist or be empty, and return its absolute path.

    ``engine`` is what runs its SQL, ``shop_timezone`` whose days are the marts'; the template's defaults where not
    given. Raises ``UsageError`` where the folder has something in it.
    """
    try:
        from cookiecutter.main import cookiecutter
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "trino" if engine == "trino" else "duckdb", error.name or "cookiecutter"
        ) from error

    directory = directory.resolve()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(
            f"{directory} is not empty.",
            why="a new project would mix with what is there",
            todo="name a folder that is empty or does not exist yet",
        )
    cookiecutter(
        str(TEMPLATE),
        no_input=True,
        extra_context={"name": directory.name}
        | ({"engine": engine} if engine else {})
        | ({"shop_timezone": shop_timezone} if shop_timezone else {}),
        output_dir=str(directory.parent),
        overwrite_if_exists=True,
        default_config=True,
    )
    for cache in [
        *directory.rglob("__pycache__")
    ]:  # pip compiles the template's tests where it installs them
        rmtree(cache)
    return directory
