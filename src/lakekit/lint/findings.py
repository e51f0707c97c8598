"""What a linter says: a finding, where it is, and how it can be mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Edit(NamedTuple):
    """In the file at ``path``, the characters from ``start`` up to ``end`` become ``text``.

    Offsets count characters of the file's text as it is on disk, without a byte order mark; line ends are kept. A file
    that is not there yet is empty.
    """

    path: str
    start: int
    end: int
    text: str


class Fix(NamedTuple):
    """What mends a finding, all of it or nothing: edits first, then files that move (from, to)."""

    title: str
    edits: tuple[Edit, ...] = ()
    moves: tuple[tuple[str, str], ...] = ()


class Rename(NamedTuple):
    """A model gets another name, and so does whatever names it: worked out into a ``Fix`` when it is asked for."""

    old: str
    new: str

    @property
    def title(self) -> str:
        return f"rename {self.old} to {self.new}"


class Problem(NamedTuple):
    """What a rule yields: a place in the subject's file, as offsets, and a sentence. No place is the whole file."""

    message: str
    start: int = 0
    end: int = 0
    fix: Fix | Rename | None = None


class Finding(NamedTuple):
    """A problem that stands: lines and columns count from 1, in characters; the end is the first column after it.

    Findings sort by where they are. ``path`` is absolute.
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    message: str
    fix: Fix | Rename | None = None


class Outcome(NamedTuple):
    """Of a whole run: what stands, in order, and what does not. ``judged`` counts files."""

    findings: tuple[Finding, ...]
    judged: int
    silenced: int = 0
    """By comments, and by folders' ignores."""
    known: int = 0
    """In the baseline."""


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """By where they are, and then by what they say."""
    return sorted(findings, key=lambda finding: finding[:7])


def locate(text: str, start: int, end: int) -> tuple[int, int, int, int]:
    """Line, column, end line and end column of a span of ``text``."""

    def place(offset: int) -> tuple[int, int]:
        # A lone \r ends no line for any editor that shows these files, \r\n does: by its \n.
        return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1

    return (*place(start), *place(max(start, end)))
