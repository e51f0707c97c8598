"""Comments that silence findings.

At a line's end, ``-- noqa`` silences all that is found on the line and ``-- noqa: LK201, LK3`` what has such a code, or one
that begins so; words may follow. On a line of its own, ``-- lakekit: noqa`` and ``-- lakekit: noqa: LK2`` do so for the
whole file. The same goes for ``#`` in YAML and Python and within ``{# … #}`` and ``/* … */``. Other tools have codes of
their own behind the same word: a comment in those silences nothing here, and is never unused.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from .findings import Edit, Fix
from .places import last_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .findings import Finding


class Code(NamedTuple):
    """A code in a comment, in capitals, or the beginning of codes; offsets are of the file's text."""

    text: str
    start: int
    end: int

    def stands_for(self, code: str) -> bool:
        """Whether it is ``code``, or all its letters and maybe some of its digits: ``LK2`` is, ``L`` is a word."""
        return code.startswith(self.text) and (code[len(self.text) :] or "0").isdigit()


class Noqa(NamedTuple):
    """A comment that silences, from ``start`` up to ``end``; no codes are all codes."""

    line: int
    codes: tuple[Code, ...]
    whole_file: bool
    start: int
    end: int

    def silences(self, finding: Finding) -> bool:
        """Whether the comment is where it would silence the finding, whatever the codes."""
        return self.whole_file or self.line in {finding.line, last_line(finding)}


class Sifted(NamedTuple):
    """Of one file: the findings that stand, and the codes that silenced nothing."""

    standing: tuple[Finding, ...]
    unused: tuple[tuple[Noqa, Code], ...]


# Any word may be a code where a colon or a comma promises one; behind a mere space it has a number, or is prose.
_NOQA: Final = re.compile(
    r"""
    (?P<open> (?<!-)--+ | /\*+ | \{\#[-+]? | (?<!\S)\#+ ) [ \t]*
    (?P<ours> lakekit [ \t]* : [ \t]* )?
    noqa (?![\w-])
    (?: (?: [ \t]* (?P<colon>:) [ \t]* | [ \t]+ (?=[a-z]+\d+\b) )
        (?P<codes> [a-z]+\d*\b (?: [ \t]*,[ \t]* [a-z]+\d*\b | [ \t]+ [a-z]+\d+\b )* )?
    )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CODE: Final = re.compile(r"[A-Za-z]+\d*")
# A comment ends with its line, where another begins, or where the one closes that it is in.
_END: Final = re.compile(r"(?<![ \t])[ \t]*(?:\r?\n|\Z|[ \t](?=\#|--|\{\#|/\*)|(?P<close>[-+]?\#\}|\*/))")
_MARKS: Final = re.compile(r"\{\#[-+]?|[-+]?\#\}|/\*|\*/")
_SQL: Final = re.compile(
    r"""
    \{\#.*?(?:\#\}|\Z) | /\*.*?(?:\*/|\Z) | --[^\n]*
    | (?P<literal> '[^']*' | "[^"]*"
        | \{[{%] (?: [^'"}%]++ | '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | [}%](?!\}) )*+ [}%]\} )
    """,
    re.DOTALL | re.VERBOSE,
)
_QUOTED: Final = re.compile(r"""(?<!\w\w)(?:'[^'\n]*'|"[^"\n]*")""")


def read(text: str) -> tuple[Noqa, ...]:
    """The silencing comments of a file, in their order."""
    if "noqa" not in text.lower():  # a tenth of what a pattern takes that minds no case
        return ()
    found = [one for one in _NOQA.finditer(text) if one["codes"] or not one["colon"]]
    if not found:
        return ()
    # Literals of SQL go over lines, and apostrophes are in them and in comments alone: in YAML they are anywhere.
    literals = [token.span() for token in _SQL.finditer(text) if token["literal"]]
    return tuple(_noqa(text, one) for one in found if not _quoted(text, one, literals))


def _quoted(text: str, found: re.Match[str], literals: list[tuple[int, int]]) -> bool:
    """Whether the comment is none, but part of a literal, or of an expression in Jinja."""
    at = found.start()
    if found["open"].startswith("#"):
        quoted = _QUOTED.finditer(text, *_line(text, at, at))
        return any(one.start() < at < one.end() for one in quoted)
    before = bisect_right(literals, (at, len(text)))
    return before > 0 and at < literals[before - 1][1]


def _noqa(text: str, found: re.Match[str]) -> Noqa:
    codes = tuple(
        Code(code[0].upper(), code.start(), code.end())
        for code in (_CODE.finditer(text, *found.span("codes")) if found["codes"] else ())
    )
    ended = _END.search(text, found.end())
    assert ended is not None  # at the text's end at the latest
    start, end = found.start(), ended.start()
    if found["open"].startswith(("{#", "/*")):
        if ended["close"]:
            end = ended.end()
        else:  # the comment has more to say
            start = found.end("open")
    begin, stop = _line(text, start, end)
    alone = not any(_MARKS.sub("", part).strip() for part in (text[begin:start], text[end:stop]))
    return Noqa(text.count("\n", 0, start) + 1, codes, bool(found["ours"]) and alone, start, end)


def _line(text: str, start: int, end: int) -> tuple[int, int]:
    r"""Where the line that ``start`` is on begins, and where the one with ``end`` stops, before its ``\n``."""
    stop = text.find("\n", end)
    return text.rfind("\n", 0, start) + 1, len(text) if stop < 0 else stop


def sift(
    findings: Iterable[Finding],
    noqas: Sequence[Noqa],
    known: Collection[str],
    judged: Collection[str],
) -> Sifted:
    """Apply the comments of a file to its findings.

    ``known`` are the codes of all rules, ``judged`` of those that were asked in this run: a code is unused where all rules
    that it stands for were asked. Leave out of ``judged`` the rule that reports what is unused: it comes later.
    """
    standing = []
    used: set[Code] = set()
    for finding in findings:
        silent = False
        for noqa in noqas:
            if noqa.silences(finding):
                hit = [code for code in noqa.codes if code.stands_for(finding.code)]
                used.update(hit)
                silent = silent or bool(hit) or not noqa.codes
        if not silent:
            standing.append(finding)
    unused = []
    for noqa in noqas:
        for code in noqa.codes:
            meant = [one for one in known if code.stands_for(one)]
            if meant and code not in used and all(one in judged for one in meant):
                unused.append((noqa, code))
    return Sifted(tuple(standing), tuple(unused))


def without(path: str, text: str, noqa: Noqa, unused: Collection[Code]) -> Fix:
    """What takes the unused codes out of a comment, or the comment out of the file where no other code is left."""
    kept = [text[code.start : code.end] for code in noqa.codes if code not in unused]
    if kept:
        edit = Edit(path, noqa.codes[0].start, noqa.codes[-1].end, ", ".join(kept))
        return Fix(f"Take {_listed(unused)} out of the comment", (edit,))
    begin, stop = _line(text, noqa.start, noqa.end)
    start, end = begin + len(text[begin : noqa.start].rstrip(" \t")), noqa.end
    left = ""
    if not text[end:stop].strip():
        # Nothing follows; the line goes with the comment if nothing precedes it either.
        end = min(stop + 1, len(text)) if start == begin else begin + len(text[begin:stop].rstrip("\r"))
    elif not text[end].isspace():
        # What was apart stays apart.
        start = noqa.start
        left = " " if text.startswith("/*", start) and text[begin:start][-1:].strip() else ""
    return Fix("Take the comment away", (Edit(path, start, end, left),))


def _listed(codes: Iterable[Code]) -> str:
    return ", ".join(sorted({code.text for code in codes}))
