"""A line of source as a terminal shows it, and where on it a span comes to stand."""

from __future__ import annotations

from typing import Final

_TAB: Final = 4
_LONGEST: Final = 120
"""Of a longer line, in characters, only this much around the span is shown."""
_BEFORE: Final = 30
_CLIPPED: Final = "..."

_ASCII: Final = {
    # What would move the cursor or colour the terminal is shown by its picture.
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
}


def visible(text: str) -> str:
    """``text`` on one line, without anything that a terminal would obey or not show."""
    if text.isprintable():
        return text
    if text.isascii():
        return text.translate(_ASCII)
    from unicodedata import category

    # Among the unseen are marks that turn the direction of the text, and halves of pairs that cannot be encoded.
    unseen = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join(_ASCII.get(ord(one)) or ("\ufffd" if category(one) in unseen else one) for one in text)


def excerpt(line: str, start: int, end: int) -> tuple[str, int, int]:
    """``line`` to show, how many columns precede the span on it, and how many the span takes: one at least."""
    start = min(start, len(line))
    end = min(max(start, end), len(line))
    first, last = 0, len(line)
    if last > _LONGEST:
        first = 0 if end <= _LONGEST else max(0, start - _BEFORE)
        last = min(last, first + _LONGEST)
        end = min(end, last)
    lead = _CLIPPED if first else ""
    trail = _CLIPPED if last < len(line) else ""
    before, span, after = (_expanded(line[a:b]) for a, b in ((first, start), (start, end), (end, last)))
    return f"{lead}{before}{span}{after}{trail}", len(lead) + _columns(before), _columns(span) or 1


def _expanded(text: str) -> str:
    return visible(text.replace("\t", " " * _TAB))


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(one) in {"Mn", "Me"} else 2 if east_asian_width(one) in {"F", "W"} else 1
        for one in text
    )
