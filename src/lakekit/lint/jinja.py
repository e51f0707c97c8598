"""Jinja as models have it: where its blocks are, and what is called in them with which literal arguments.

Nothing is rendered here. Sources: the lexer of Jinja 3 (delimiters, strings, raw blocks), dbt's ref, source and config.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT: Final = r""""(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+'"""
_RAW: Final = r"%[-+]?\s*raw\s*[-+]?%\}(?s:.*?)\{%[-+]?\s*endraw\s*[-+]?%\}"
# Mappings within mappings end with what ends an expression, too; no one nests them deeper.
_FLAT: Final = rf"""\{{(?:[^"'{{}}]++|{TEXT})*+\}}"""
_NESTED: Final = rf"""\{{(?:[^"'{{}}]++|{TEXT}|\{{(?:[^"'{{}}]++|{TEXT}|{_FLAT})*+\}})*+\}}"""
_EXPRESSION: Final = rf"""\{{(?:[^"'{{}}]++|{TEXT}|{_NESTED}|\{{|\}}(?!\}}))*+\}}\}}"""
_STATEMENT: Final = rf"""%(?:[^"'%]++|{TEXT}|%(?!\}}))*+%\}}"""
_COMMENT: Final = r"\#(?s:.*?)\#\}"

LINE_COMMENT: Final = r"--(?:[^\n{]++|\{(?!\#))*+"
"""A comment of SQL; Jinja is read first, so one of its own that begins in there goes on."""
BLOCK_COMMENT: Final = r"/\*(?:(?:[^*/]++|\*(?!/)|/(?!\*))*+/\*(?s:.*?)\*/(?=(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/))?(?s:.*?)(?:\*/|\Z)"
"""A comment of SQL, with one comment in it, which some dialects nest."""

# Groups: expression, statement, comment, and what opens a block that never ends. A raw block is none of them.
# It starts with one plain character: that is what lets re leap from block to block.
BLOCK: Final = re.compile(rf"\{{(?:{_RAW}|({_EXPRESSION})|({_STATEMENT})|({_COMMENT})|([{{%#]))")

UNGROUPED: Final = rf"\{{(?:{_RAW}|{_EXPRESSION}|{_STATEMENT}|{_COMMENT}|[{{%#])"
"""The same, for who puts it into a pattern of his own."""

_STATEMENT_WORD: Final = re.compile(r"\{%[-+]?\s*(\w+)")
_CALL: Final = re.compile(rf"{TEXT}|(?<![\w.])(?:builtins\.)?(ref|source|config)\s*\(")
# Nearly all calls: one or two plain texts, and nothing else in the block.
_ARGUMENTS: Final = r"""\(\s*(['"])([^'"\\]*+)\2\s*(?:,\s*(['"])([^'"\\]*+)\4\s*)?\)"""
_PLAIN: Final = re.compile(rf"(ref|source)\s*{_ARGUMENTS}")
_ALONE: Final = re.compile(rf"\{{\{{-?\s*(ref|source){_ARGUMENTS}\s*-?\}}\}}")
_TOKEN: Final = re.compile(rf"\s*+(?:({TEXT})|([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?)|(.))", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_CONSTANTS: Final = {
    "true": True, "True": True, "false": False, "False": False, "none": None, "None": None,
}  # fmt: skip
_DEPTH: Final = 50
"""Lists within lists: what is deeper is no literal that anyone wrote."""
_DIGITS: Final = 1000
"""More of them than Python makes an integer of."""
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}


class Dynamic:
    """A value that only running tells. There is one."""

    def __repr__(self) -> str:
        return "…"


DYNAMIC: Final = Dynamic()


class Call(NamedTuple):
    """A call of ref, source or config. ``spans`` are the places of positional texts, without their quotes."""

    function: str
    start: int
    """Of the function's name."""
    end: int
    """Behind the closing parenthesis."""
    arguments: tuple[Any, ...]
    spans: tuple[tuple[int, int] | None, ...]
    keywords: dict[str, Any]


class Ref(NamedTuple):
    """A ref() of literals: the place is that of the model's name, without its quotes."""

    package: str | None
    name: str
    version: str | None
    start: int
    end: int


class SourceCall(NamedTuple):
    """A source() of literals: the place is that of both names with what is between them."""

    source: str
    table: str
    start: int
    end: int


def keyword(block: str) -> str:
    """The first word of a statement: ``if``, ``endfor``; empty for what is none."""
    found = _STATEMENT_WORD.match(block)
    return found[1] if found else ""


def alone(text: str, start: int) -> Ref | SourceCall | None:
    """What the block at ``start`` refers to, if it does nothing else, by plain texts: nearly all do."""
    call = _ALONE.match(text, start)
    if call is None:
        return None
    function, _, first, _, second = call.groups()
    if function == "source":
        return SourceCall(first, second, call.start(3), call.end(5)) if second is not None else None
    if second is None:
        return Ref(None, first, None, *call.span(3))
    return Ref(first, second, None, *call.span(5))


def calls(text: str, start: int, end: int) -> Iterator[Call]:
    """What ``text[start:end]``, a block, calls of ref, source and config."""
    # A loop over the three takes longer than they do.
    if (
        text.find("ref", start, end) >= 0
        or text.find("source", start, end) >= 0
        or text.find("config", start, end) >= 0
    ):
        for match in _CALL.finditer(text, start, end):
            if match[1]:
                plain = _PLAIN.match(text, match.start(1), end)
                yield _plain(plain) if plain else _called(text, match, end)


def _plain(call: re.Match[str]) -> Call:
    function, _, first, _, second = call.groups()
    if second is None:
        return Call(function, call.start(1), call.end(), (first,), (call.span(3),), {})
    return Call(function, call.start(1), call.end(), (first, second), (call.span(3), call.span(5)), {})


def _called(text: str, match: re.Match[str], end: int) -> Call:
    arguments: list[Any] = []
    spans: list[tuple[int, int] | None] = []
    keywords: dict[str, Any] = {}
    at = match.end()
    while True:
        while plain := _KEYWORD_TEXT.match(text, at, end):
            keywords[plain[1]] = plain[3]
            at = plain.end()
        at, closed = _past(text, at, end, ")")
        if closed or at >= end:
            break
        name = _KEYWORD.match(text, at, end)
        value, after, span = _value(text, name.end() if name else at, end)
        if name:
            keywords[name[1]] = value
        else:
            arguments.append(value)
            spans.append(span)
        at, _ = _past(text, after, end, ",")
    return Call(match[1], match.start(1), at, tuple(arguments), tuple(spans), keywords)


_KEYWORD: Final = re.compile(r"\s*+([A-Za-z_]\w*)\s*=(?!=)")
_KEYWORD_TEXT: Final = re.compile(rf"{_KEYWORD.pattern}\s*+(['\"])([^'\"\\]*+)\2\s*+(?:,|(?=\)))")
"""Nearly all that is given to config(), with the comma behind it."""


def _past(text: str, at: int, end: int, sign: str) -> tuple[int, bool]:
    """Behind the next token if it is ``sign``, and whether it is."""
    token = _TOKEN.match(text, at, end)
    if token is None:
        return end, False
    return (token.end(), True) if token[4] == sign else (at, False)


def _value(text: str, at: int, end: int, depth: int = 0) -> tuple[Any, int, tuple[int, int] | None]:
    """The expression at ``at``: its value, where it ends, and its place if it is a text."""
    token = _TOKEN.match(text, at, end)
    if token is None:
        return DYNAMIC, end, None
    quoted, word, number, sign = token.groups()
    value: Any
    after, span = token.end(), None
    if quoted:
        value = _ESCAPE.sub(r"\1", quoted[1:-1]) if "\\" in quoted else quoted[1:-1]
        span = (token.start(1) + 1, token.end(1) - 1)
    elif word:
        value = _CONSTANTS.get(word, DYNAMIC)
    elif number:
        value = float(number) if "." in number or len(number) > _DIGITS else int(number)
    elif sign == "[" and depth < _DEPTH:
        value, after = _items(text, after, end, depth + 1)
    elif sign == "{" and depth < _DEPTH:
        value, after = _pairs(text, after, end, depth + 1)
    elif sign in _CLOSING.values():  # it closes nothing that is open: what is called never ends
        return DYNAMIC, end, None
    else:
        value, after = DYNAMIC, at
    follower = _TOKEN.match(text, after, end)
    if value is not DYNAMIC and (follower is None or follower[4] in {",", ")", "]", "}", ":"}):
        return value, after, span
    return DYNAMIC, _skip(text, after, end), None


def _items(text: str, at: int, end: int, depth: int) -> tuple[Any, int]:
    values: list[Any] = []
    while True:
        at, closed = _past(text, at, end, "]")
        if closed or at >= end:
            return (DYNAMIC if DYNAMIC in values else values), at
        value, at, _ = _value(text, at, end, depth)
        values.append(value)
        at, _ = _past(text, at, end, ",")


def _pairs(text: str, at: int, end: int, depth: int) -> tuple[Any, int]:
    values: dict[Any, Any] = {}
    while True:
        at, closed = _past(text, at, end, "}")
        if closed or at >= end:
            return (DYNAMIC if DYNAMIC in values.values() or DYNAMIC in values else values), at
        key, at, _ = _value(text, at, end, depth)
        at, _ = _past(text, at, end, ":")
        value, at, _ = _value(text, at, end, depth)
        values[key if isinstance(key, str) else DYNAMIC] = value
        at, _ = _past(text, at, end, ",")


def _skip(text: str, at: int, end: int) -> int:
    """To the sign that ends the argument at ``at``, whatever it is made of."""
    open_: list[str] = []
    while token := _TOKEN.match(text, at, end):
        sign = token[4]
        if not open_ and sign in {",", ")", "]", "}"}:
            return at
        if sign in _CLOSING:
            open_.append(_CLOSING[sign])
        elif open_ and sign == open_[-1]:
            open_.pop()
        at = token.end()
    return end


def ref(call: Call) -> Ref | None:
    """What a call refers to, if it is a reference by literals alone."""
    if call.function != "ref" or len(call.arguments) not in {1, 2} or not _is_literal(call):
        return None
    *package, name = call.arguments
    version = call.keywords.get("v", call.keywords.get("version"))
    start, end = call.spans[-1] or (call.start, call.end)
    return Ref(package[0] if package else None, name, None if version is None else str(version), start, end)


def source(call: Call) -> SourceCall | None:
    """What a call names, if it is of a source by literals alone."""
    if call.function != "source" or len(call.arguments) != 2 or not _is_literal(call):
        return None
    (start, _), (_, end) = call.spans[0] or (0, 0), call.spans[1] or (0, 0)
    return SourceCall(call.arguments[0], call.arguments[1], start, end)


def _is_literal(call: Call) -> bool:
    return all(isinstance(argument, str) for argument in call.arguments)
