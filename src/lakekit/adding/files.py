"""Files that come into a project together: all of them, or none."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..lint import writing

if TYPE_CHECKING:
    from pathlib import Path


class Files:
    """What is to be written, gathered before anything is."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[Path, tuple[str, str]] = {}

    def new(self, file: Path, text: str) -> None:
        """A file that must not be there yet; raises ``UsageError`` where it is."""
        if file.exists():
            raise UsageError(
                f"{file} is there already.",
                why="what is there is not overwritten",
                todo="delete it, or add under another name",
            )
        self._texts[file] = "", text

    def change(self, file: Path, before: str, after: str) -> None:
        """A file that is there, and becomes another."""
        self._texts[file] = before, after

    def write(self) -> list[Path]:
        """Write them all and return their paths; raises ``UsageError``, with nothing written, where one cannot be."""
        folders = [
            folder
            for file in self._texts
            for folder in reversed(file.parents)
            if folder.is_relative_to(self._root) and not folder.exists()
        ]
        made = dict.fromkeys(folders)
        try:
            writing.finish(str(self._root))  # what someone killed has left half done
            for folder in made:
                folder.mkdir()
            changes = [
                writing.Change(str(file), str(file), before, after)
                for file, (before, after) in self._texts.items()
            ]
            writing.apply(changes, str(self._root))
        except BaseException as error:
            for folder in reversed(made):
                with suppress(OSError):  # it was not made, or somebody else has put something there
                    folder.rmdir()
            match error:
                case UsageError():
                    raise UsageError("Nothing was added.", why=error.why, todo=error.todo) from error
                case OSError():
                    raise UsageError("Nothing was added.", why=str(error)) from error
            raise
        return list(self._texts)
