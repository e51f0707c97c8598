"""A statement as lines of HTML, its branches marked by what became of them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .summary import Branch

_TESTS_SHOWN: Final = 8

Span = tuple[int, int]


def listing(sql: str, marks: Mapping[Span, Sequence[Branch]], name: str) -> str:
    """List items, a line each: the text, and beside it how many rows went where.

    ``marks`` are outcomes by the span of text that stands for them; spans nest. ``name`` and a line's number make
    its id.
    """
    spans = sorted(marks, key=lambda span: (span[0], -span[1]))
    items, begin = [], 0
    for number, line in enumerate(sql.split("\n"), start=1):
        end = begin + len(line)
        notes = _notes([branch for span in spans if begin <= span[0] <= end for branch in marks[span]])
        items.append(
            f'<li id="{escape(name)}-{number}"><span class="no">{number}</span>'
            f'<code style="--in:{len(line) - len(line.lstrip())}">'
            f"{_line(line, begin, spans, marks)}</code>"
            f"{f'<span class=notes>{notes}</span>' if notes else ''}</li>"
        )
        begin = end + 1
    return "".join(items)


def _line(line: str, begin: int, spans: Sequence[Span], marks: Mapping[Span, Sequence[Branch]]) -> str:
    """One line; a span that goes over several is marked anew on each, after the blanks that indent it."""
    first = begin + len(line) - len(line.lstrip())
    end = begin + len(line.rstrip())
    here = [(max(start, first), min(stop, end), (start, stop)) for start, stop in spans]
    here = [mark for mark in here if mark[0] < mark[1]]
    html, at = "", begin
    open_: list[int] = []

    def close(until: int) -> None:
        nonlocal html, at
        while open_ and open_[-1] <= until:
            html += escape(line[at - begin : open_[-1] - begin]) + "</mark>"
            at = open_.pop()

    for start, stop, span in here:
        close(start)
        html += escape(line[at - begin : start - begin])
        at = start
        html += f'<mark class="{state(marks[span])}" title="{escape(_title(marks[span]))}">'
        open_.append(stop)
    close(end)
    return html + escape(line[at - begin :])


def state(branches: Sequence[Branch]) -> str:
    """The word for several outcomes of one text: hit, missed, part (one but not the other), unknown."""
    states = {branch.state for branch in branches}
    return states.pop() if len(states) == 1 else "part"


def _notes(branches: Sequence[Branch]) -> str:
    notes = [
        f'<span class="{branch.state}">{sum(branch.rows.values()):,} {escape(branch.word)}</span>'
        for branch in branches
        if branch.state != "unknown"
    ]
    if len(notes) < len(branches):
        notes.append('<span class="unknown">not measured</span>')
    return "".join(notes)


def _title(branches: Sequence[Branch]) -> str:
    return "\n".join(_told(branch) for branch in branches)


def _told(branch: Branch) -> str:
    if branch.state == "unknown":
        return f"{branch.outcome.name}: not measured: {branch.reason}"
    if not branch.rows:
        return f"{branch.outcome.name}: {branch.outcome.missing}"
    tests = [f"  {test}: {rows:,}" for test, rows in sorted(branch.rows.items())]
    more = [f"  and {len(tests) - _TESTS_SHOWN} tests more"] if len(tests) > _TESTS_SHOWN else []
    return "\n".join(
        [f"{branch.outcome.name}: {_rows(sum(branch.rows.values()))}", *tests[:_TESTS_SHOWN], *more]
    )


def _rows(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"
