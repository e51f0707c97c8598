"""The model's folder: what in it is ours, how it differs from what it should be, and writing that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ..errors import ProjectError, UsageError
from .text import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Change(NamedTuple):
    """A file, relative to the model's folder, that is not what it should be."""

    file: str
    change: Literal["new", "changed", "gone"]


def changes(folder: Path, wanted: Mapping[str, str]) -> list[Change]:
    """How the files in a folder differ from the wanted ones. Files that someone else wrote are left alone.

    Raises ``UsageError`` where one of those is in a wanted file's place.
    """
    found: list[Change] = []
    for name, text in wanted.items():
        there = _read(folder / name)
        if there is not None and not _is_ours(there):
            raise UsageError(
                f"{folder / name} is not written by `lakekit cube`, and is left as it is.",
                why="its first line does not say so",
                todo="call it otherwise, or delete it; what a mart's cube lacks goes into a cube that extends it",
            )
        if there != text:
            found.append(Change(name, "new" if there is None else "changed"))
    return sorted(found + [Change(name, "gone") for name in _ours(folder) if name not in wanted])


def write(folder: Path, wanted: Mapping[str, str], changed: list[Change]) -> None:
    """Make the folder what it should be, each file at once: a Cube that watches it never reads half of one."""
    try:
        for one in changed:
            file = folder / one.file
            if one.change == "gone":
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                draft = file.with_suffix(".new")
                draft.write_text(wanted[one.file], encoding="utf-8", newline="\n")
                draft.replace(file)
    except OSError as error:
        raise ProjectError(
            f"The model cannot be written to {folder}.", why=error.strerror or str(error)
        ) from error


def _ours(folder: Path) -> Iterator[str]:
    for kind in ("cubes", "views"):
        for file in sorted((folder / kind).glob("*.yml")):
            if _is_ours(_read(file) or ""):
                yield f"{kind}/{file.name}"


def _is_ours(text: str) -> bool:
    return text.partition("\n")[0].rstrip("\r") == HEADER


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(f"{file} cannot be read.", why=error.strerror or str(error)) from error
