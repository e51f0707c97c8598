"""``.dbtignore``: which files of a project are none of dbt's.

Source: gitignore(5), as pathspec has it, which dbt reads the file with: a pattern is taken apart at its slashes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_GLOB: Final = re.compile(r"[*?]|\[[!^]?+\]?+[^\]]*+\]|\\.|.", re.DOTALL)
_ANY: Final = "**"


class Ignore:
    """The lines of a file; paths are relative to its folder, with ``/``. Raises ``ValueError`` for what is no pattern."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns = [
            (not line.startswith("!"), _compiled(line.removeprefix("!"), line))
            for line in map(_meant, lines)
            if line
        ]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def matches(self, path: str) -> bool:
        """Whether a file is ignored: the last line that matches it, or a folder above it, decides."""
        ignored = False
        for ignores, pattern in self._patterns:
            if ignores != ignored and pattern.fullmatch(path):
                ignored = ignores
        return ignored


def _meant(line: str) -> str:
    line = line.lstrip() if line.endswith("\\ ") else line.strip()
    return "" if line.startswith("#") or line == "/" else line


def _compiled(pattern: str, line: str) -> re.Pattern[str]:
    if not pattern:
        raise ValueError(f"'{line}' is no pattern")
    parts = pattern.split("/")
    parts = [part for index, part in enumerate(parts) if not (index and part == parts[index - 1] == _ANY)]
    if parts == [_ANY, ""]:
        return re.compile(".+/.*", re.DOTALL)
    if not parts[0]:
        parts = parts[1:]
    elif parts[1:] in ([], [""]) and parts[0] != _ANY:
        parts.insert(0, _ANY)  # without a slash within, it is of any folder
    if not parts[-1] and len(parts) > 1:
        parts[-1] = _ANY
    try:
        return re.compile(_joined(parts), re.DOTALL)
    except (ValueError, re.error) as error:
        raise ValueError(f"'{line}' is no pattern") from error


def _joined(parts: list[str]) -> str:
    body, slash, last = "", "", len(parts) - 1
    for index, part in enumerate(parts):
        if part != _ANY:
            body += slash + ("[^/]+" if part == "*" else "".join(map(_sign, _GLOB.findall(part))))
            slash = "/"
        elif index == last:
            body += "/.*" if index else ".+"
        elif index == 0:
            body += "(?:.+/)?"
        else:
            body += "(?:/.+)?"
            slash = "/"
    return body if parts[last] == _ANY else f"{body}(?:/.*)?"


def _sign(glob: str) -> str:
    if glob == "*":
        return "[^/]*"
    if glob == "?":
        return "[^/]"
    if glob == "\\":
        raise ValueError("it ends in a backslash")
    if glob[0] == "[" and len(glob) > 1:
        inside = re.sub(r"([\\\[&~|])", r"\\\1", glob[1:-1])
        return f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]"
    return re.escape(glob[-1])
