"""``.dbtignore``: which files of a project are none of dbt's.

Source: gitignore(5), which dbt reads it as.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_GLOB: Final = re.compile(r"(?:^|/)\*\*/|/\*\*$|\*+|\?|\[!?\]?[^\]/]*\]|\\.|.", re.DOTALL)


class Ignore:
    """The lines of a file; paths are relative to its folder, with ``/``."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [(not line.startswith("!"), _compiled(line)) for line in map(_meant, lines) if line]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def matches(self, path: str) -> bool:
        """Whether a file is ignored: the last line that matches it, or a folder above it, decides."""
        ignored = False
        for ignores, pattern in self._patterns:
            if ignores != ignored and pattern.match(path):
                ignored = ignores
        return ignored


def _meant(line: str) -> str:
    line = line.rstrip("\r\n")
    line = re.sub(r"(?<!\\) +$", "", line)
    return "" if line.startswith("#") else line


def _compiled(line: str) -> re.Pattern[str]:
    pattern = line.removeprefix("!")
    # A slash that is not the last sign binds the pattern to the file's own folder.
    bound = "/" in pattern.rstrip("/")
    folder = pattern.endswith("/")
    body = "".join(map(_part, _GLOB.findall(pattern.strip("/"))))
    return re.compile(f"{'' if bound else '(?:.*/)?'}{body}{'/' if folder else '(?:/|$)'}", re.DOTALL)


def _part(glob: str) -> str:
    if glob in {"**/", "/**/"}:
        return f"{glob[:-3]}(?:.*/)?"
    if glob == "/**":
        return "/.*"
    if glob[0] == "*":
        return "[^/]*"
    if glob == "?":
        return "[^/]"
    if glob[0] == "[" and len(glob) > 1:
        inside = glob[1:-1].replace("\\", "\\\\")
        return f"[^{inside[1:]}/]" if inside.startswith("!") else f"(?!/)[{inside}]"
    return re.escape(glob[-1])
