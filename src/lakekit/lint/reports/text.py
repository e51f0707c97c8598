"""For people: each finding with the line that it is on and carets under its very characters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..places import of_whole_file, shown
from .counts import sentence
from .excerpts import excerpt, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..findings import Finding, Outcome
    from ..registry import Rule

_BOLD: Final = "1"
_RED: Final = "1;31"
_GREEN: Final = "1;32"
_BLUE: Final = "1;34"
_CYAN: Final = "36"


def report(
    outcome: Outcome,
    rules: Mapping[str, Rule],  # noqa: ARG001 # all formats are asked alike
    read: Callable[[str], str],
    *,
    colour: bool = False,
) -> str:
    """``path:line:column: CODE message``, the excerpt, and the counts at last; ``[*]`` is what ``--fix`` mends."""
    parts = []
    file: str | None = None
    lines: list[str] = []
    for finding in outcome.findings:
        parts.append(_headline(finding, colour))
        if not of_whole_file(finding):
            if finding.path != file:
                file = finding.path
                lines = read(file).split("\n")
            parts.extend([*_excerpt(finding, lines, colour), ""])
    if parts and parts[-1]:
        parts.append("")
    parts.append(_painted(sentence(outcome), _BOLD if outcome.findings else _GREEN, colour))
    return "\n".join([*parts, ""])


def _headline(finding: Finding, colour: bool) -> str:
    path = _painted(visible(shown(finding.path)), _BOLD, colour)
    code = _painted(finding.code, _RED, colour)
    star = _painted("[*]", _CYAN, colour) + " " if finding.fix else ""
    return f"{path}:{finding.line}:{finding.column}: {code} {star}{visible(finding.message)}"


def _excerpt(finding: Finding, lines: list[str], colour: bool) -> Iterator[str]:
    if finding.line > len(lines):  # the file has become shorter since
        return
    line = lines[finding.line - 1].removesuffix("\r")
    end = finding.end_column if finding.end_line == finding.line else len(line) + 1
    shown_line, indent, width = excerpt(line, finding.column - 1, end - 1)
    number = f"{finding.line:>4}"
    bar = _painted("|", _BLUE, colour)
    yield f"{_painted(number, _BLUE, colour)} {bar} {shown_line}".rstrip()
    yield f"{' ' * len(number)} {bar} {' ' * indent}{_painted('^' * width, _RED, colour)}"


def _painted(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
