"""Places in a text as the linter counts them (characters), and as editors do (lines, and units of an encoding)."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from lsprotocol.types import Position, PositionEncodingKind, Range

from ..places import of_whole_file

if TYPE_CHECKING:
    from ..findings import Finding

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class Places:
    """Of one text. The protocol ends a line at a lone carriage return too; the linter does not."""

    def __init__(self, text: str, encoding: PositionEncodingKind | str = PositionEncodingKind.Utf16) -> None:
        self._text = text
        self._encoding = encoding
        self._ends = [match.start() for match in _LINE_END.finditer(text)]
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        """Where the character at ``offset`` is."""
        line = bisect_right(self._starts, offset) - 1
        return Position(line, self._units(self._text[self._starts[line] : offset]))

    def offset(self, position: Position) -> int:
        """Which character is at ``position``: the line's end for what is beyond it."""
        if position.line >= len(self._starts):
            return len(self._text)
        start = self._starts[position.line]
        end = self._ends[position.line] if position.line < len(self._ends) else len(self._text)
        units = 0
        for offset in range(start, end):
            if units >= position.character:
                return offset
            units += self._units(self._text[offset])
        return end

    def range(self, start: int, end: int) -> Range:
        return Range(self.position(start), self.position(end))

    def of(self, finding: Finding) -> Range:
        """Where a finding is; what is of a whole file is shown at its first line, for an empty place would be unseen."""
        if of_whole_file(finding):
            return self.range(0, self._ends[0] if self._ends else len(self._text))
        return self.range(
            self._lines[finding.line - 1] + finding.column - 1,
            self._lines[finding.end_line - 1] + finding.end_column - 1,
        )

    def _units(self, text: str) -> int:
        if self._encoding == PositionEncodingKind.Utf32:
            return len(text)
        if self._encoding == PositionEncodingKind.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
