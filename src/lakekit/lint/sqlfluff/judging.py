"""One file's findings, for who asks about many files one by one, and about each file rule by rule."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ...errors import LakekitError
from .. import opening
from ..baseline import unknown
from ..run import Judge, Selection
from ..subjects import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..facts import Facts
    from ..findings import Finding

FAMILIES: Final = ("LK1", "LK2")
"""What sqlfluff's users get: the rules that are about SQL files, and that sqlfluff has nothing like."""

_FRESH: Final = 5
"""So many seconds what is known of a project is not asked again: an editor's sqlfluff may run for days."""


class Projects:
    """The projects that files are of, and what was found in the last file."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._forget()

    def _forget(self) -> None:
        self._until = time.monotonic() + _FRESH
        self._known: dict[tuple[str, str], tuple[Facts, Judge]] = {}
        self._last: tuple[str, str, Sequence[Finding]] = ("", "", [])

    def findings(self, path: str, text: str) -> Sequence[Finding]:
        """What is found in a file (an absolute path) that holds ``text``; nothing in files of no project.

        Raises ``LakekitError`` where the project is broken: once until it is mended, for every rule asks about every file.
        """
        if time.monotonic() > self._until:
            self._forget()
        if self._last[:2] != (path, text):
            try:
                self._last = (path, text, self._judge(path, text))
            except LakekitError as error:
                self._last = (path, text, [])
                if str(error) not in self._told:
                    self._told.add(str(error))
                    raise
            else:
                self._told.clear()
        return self._last[2]

    def _judge(self, path: str, text: str) -> Sequence[Finding]:
        found = opening.around(path)
        if found is None:
            return []
        if found not in self._known:
            facts = opening.load(*found)
            self._known[found] = facts, Judge(facts, Selection(FAMILIES))
        facts, judge = self._known[found]
        subject = facts.model(path)
        if subject is None and path not in facts.files.queries:
            return []
        facts.held = {path: text}
        return unknown(judge.judge([subject or Query(path, facts)]).findings, facts)
