"""Tables that a model names itself, instead of through ref() and source().

What follows FROM, JOIN or a comma of a FROM clause is one, unless it is a common table expression, a function's call, a
path into another item (``orders.items``), a system's own schema, or partly Jinja.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from .tokens import Tokens, is_expression, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator


class Table(NamedTuple):
    name: str
    """As written."""
    start: int
    end: int


_SYSTEM: Final = frozenset({"information_schema", "pg_catalog", "system", "sys", "account_usage", "dual"})
_ENDS_FROM: Final = frozenset({
    "where", "group", "having", "order", "limit", "qualify", "window", "union", "intersect", "except", "minus",
    "offset", "fetch", "cluster", "sort", "distribute", "connect", "start", "returning", "match_recognize", "view",
})  # fmt: skip
_NO_TABLE: Final = frozenset({
    "select", "values", "unnest", "table", "lateral", "where", "on", "using", "with", "only", "final", "set",
})  # fmt: skip
_NO_ALIAS: Final = frozenset({
    *_ENDS_FROM, "join", "left", "right", "full", "inner", "cross", "outer", "natural", "on", "using", "as", "lateral",
    "asof", "anti", "semi", "positional", "any", "global", "tablesample", "pivot", "unpivot", "for", "at", "select",
})  # fmt: skip

# What follows FROM or JOIN where it is plain: Jinja or a name, an alias, and a comma if there is one.
_FOLLOWS: Final = (
    r"(?!\w)\s*+(?:(\{\{[^}]*+\}\})(?![\w.\"])|([^\W\d]\w*+)(?!\s*[.(]))"
    r"(?:\s+(?:as\s+)?(?!(?:on|where|as|left|inner|cross|join|group)\b)[^\W\d]\w*+)?\s*+(,?)"
)
# Each starts with plain characters: that is what lets re leap from one to the next.
_FROM: Final = re.compile(f"from(?:{_FOLLOWS})?")
_JOIN: Final = re.compile(f"join(?:{_FOLLOWS})?")


def hard_coded(text: str, bare: str) -> tuple[Table, ...]:
    """The tables that ``text`` names, in their order; ``bare`` is it without texts and comments, in lower case."""
    return tuple(_tables(text)) if _is_suspect(bare) else ()


def _is_suspect(bare: str) -> bool:
    """Whether tokens must be looked at: most models read from Jinja and from CTEs that are plain to see."""
    ends: dict[str, int] = {}
    for pattern in (_FROM, _JOIN):
        for match in pattern.finditer(bare):
            jinja, name, comma = match.groups()
            at = match.start()
            if not comma and (jinja or (name and _end(bare, name, ends) < at)):
                continue
            if not (_is_within(bare, at) or (pattern is _FROM and _is_operator(bare, at))):
                return True
    return False


def _is_within(bare: str, at: int) -> bool:
    """Whether the keyword is a part of a longer word."""
    before, after = bare[at - 1 : at], bare[at + 4 : at + 5]
    return before.isalnum() or before == "_" or after.isalnum() or after == "_"


def _is_operator(bare: str, at: int) -> bool:
    """Whether it is that of ``extract(year from x)`` or of ``is distinct from``."""
    opens = bare.rfind("(", 0, at)
    if opens > bare.rfind(")", 0, at) and bare.find("select", opens, at) < 0:
        return True
    return (
        bare.startswith("distinct", bare.rfind("distinct", 0, at), at)
        and not bare[bare.rfind("distinct", 0, at) + 8 : at].strip()
    )


def _end(bare: str, name: str, ends: dict[str, int]) -> int:
    """Where the CTE of that name ends; behind everything if there is none, or not in the plainest form."""
    if name not in ends:
        defined = bare.find(f"{name} as (")
        before = bare[defined - 1 : defined]
        plain = defined == 0 or before.isspace() or before == ","
        ends[name] = _closing_at(bare, defined + len(name) + 5) if defined >= 0 and plain else len(bare)
    return ends[name]


def _closing_at(bare: str, at: int) -> int:
    """Where the parenthesis closes that is open at ``at``."""
    depth = 1
    while depth:
        closes = bare.find(")", at)
        if closes < 0:
            return len(bare)
        depth += bare.count("(", at, closes) - 1
        at = closes + 1
    return at


class _Common(NamedTuple):
    """A common table expression: its body goes from one token to another."""

    name: str
    opens: int
    closes: int
    recursive: bool


class _Level:
    """What is open within one pair of parentheses."""

    __slots__ = ("expects", "in_from", "selects")

    def __init__(self, selects: bool = False, in_from: bool = False, expects: bool = False) -> None:
        self.selects = selects
        self.in_from = in_from
        self.expects = expects

    def copy(self) -> _Level:
        return _Level(self.selects, self.in_from, self.expects)


def _tables(text: str) -> Iterator[Table]:
    read = Tokens(text)
    words = read.words
    common = list(_commons(read))
    aliases = {one.name for one in common}
    open_ended = _has_dynamic_commons(read)
    for first, last in list(_candidates(read, aliases)):
        if any(word in _SYSTEM for word in words[first : last + 1]):
            continue
        if first == last:
            if open_ended or any(
                one.name == words[first] and (one.recursive or not one.opens <= first <= one.closes)
                for one in common
            ):
                continue
        elif words[first] in aliases:
            continue
        start, end = read.spans[first][0], read.spans[last][1]
        yield Table(text[start:end], start, end)


def _commons(read: Tokens) -> Iterator[_Common]:
    """Each ``name [(columns)] as [not materialized] ( … )``."""
    words, texts = read.words, read.texts
    recursive = "recursive" in words
    for index, word in enumerate(words):
        if word != "as" or index == 0:
            continue
        opens = index + 1
        while opens < len(words) and words[opens] in {"not", "materialized"}:
            opens += 1
        if opens == len(words) or words[opens] != "(":
            continue
        named = index - 1
        if words[named] == ")":
            named = _opening(words, named) - 1
        if named >= 0 and is_name(texts[named]):
            yield _Common(words[named], opens, _closing(words, opens), recursive)


def _opening(words: list[str], at: int) -> int:
    depth = 0
    for index in range(at, -1, -1):
        depth += (words[index] == ")") - (words[index] == "(")
        if depth == 0:
            return index
    return 0


def _closing(words: list[str], at: int) -> int:
    depth = 0
    for index in range(at, len(words)):
        depth += (words[index] == "(") - (words[index] == ")")
        if depth == 0:
            return index
    return len(words)


def _has_dynamic_commons(read: Tokens) -> bool:
    """Whether Jinja may make CTEs whose names no one can see: where a list of them is, or before any SELECT."""
    depth, selects = 0, False
    for index, word in enumerate(read.words):
        depth += (word == "(") - (word == ")")
        selects = selects or (depth <= 0 and word in {"select", "from"})
        if not is_expression(word):
            continue
        if read.words[index + 1 : index + 3] == ["as", "("]:
            return True
        if depth <= 0 and not selects and not _CONFIGURES.match(word):
            return True
    return False


_CONFIGURES: Final = re.compile(r"\{\{-?\s*(?:config|log|print|debug|return|enable_\w+|depends_on)\b")


def _candidates(read: Tokens, aliases: set[str]) -> Iterator[tuple[int, int]]:
    """What stands where a table may: the indexes of its first and last token. Fills in aliases as it goes."""
    words, texts = read.words, read.texts
    levels = [_Level()]
    branches: list[list[_Level]] = []
    index, count = 0, len(words)
    while index < count:
        word, level = words[index], levels[-1]
        here, index = index, index + 1
        if not level.expects and word not in _TURNS and not word.startswith("{%"):
            continue
        if word.startswith("{%"):
            levels = _branched(word, levels, branches)
        elif word == "(":
            inside = words[index] if index < count else ""
            # A join in parentheses: from (a join b on …)
            nested = level.expects and inside not in {"select", "with", "values", "from", "("}
            levels.append(_Level(nested, nested, nested))
            level.expects = False
        elif word == ")":
            if len(levels) > 1:
                levels.pop()
        elif word in _KEYWORDS and texts[here][0].isalpha() and words[here - 1 : here] != ["."]:
            _turn(level, word, words[here - 1] if here else "")
        elif level.expects and is_expression(word):
            level.expects = False
            index = _alias(read, _past_name(read, here), aliases)
        elif level.expects and is_name(texts[here]):
            if word in _NO_TABLE and texts[here][0].isalpha():
                level.expects = word in {"lateral", "only"}
                continue
            index = _past_name(read, here)
            level.expects = False
            if index < count and words[index] == "(":
                continue
            if all("{{" not in text for text in texts[here:index]):
                yield here, index - 1
            index = _alias(read, index, aliases)
        elif not is_name(texts[here]):
            level.expects = word == "," and level.in_from
        elif word == "as" and level.in_from and index < count:
            aliases.add(words[index])


_KEYWORDS: Final = frozenset({*_ENDS_FROM, "select", "from", "join"})
_TURNS: Final = _KEYWORDS | {"(", ")", ",", "as"}


def _turn(level: _Level, word: str, before: str) -> None:
    if word == "select":
        level.selects, level.in_from, level.expects = True, False, False
    elif word == "from":
        # extract(year from x) has no SELECT in its parentheses; a comparison is "is distinct from".
        level.in_from = level.expects = level.selects and before != "distinct"
    elif word == "join":
        level.expects = level.in_from
    elif word in _ENDS_FROM:
        level.in_from = level.expects = False


def _branched(block: str, levels: list[_Level], branches: list[list[_Level]]) -> list[_Level]:
    """What is open after a statement of Jinja: each branch of an if begins where the first one began."""
    word = _STATEMENT.match(block)
    name = word[1] if word else ""
    if name in {"if", "for"}:
        branches.append([level.copy() for level in levels])
    elif name in {"elif", "else"} and branches:
        return [level.copy() for level in branches[-1]]
    elif name in {"endif", "endfor"} and branches:
        branches.pop()
    elif name in {"macro", "call"} or (name == "set" and "=" not in block):
        branches.append(levels)
        return [_Level()]
    elif name in {"endset", "endmacro", "endcall"} and branches:
        return branches.pop()
    return levels


_STATEMENT: Final = re.compile(r"\{%[-+]?\s*(\w+)")


def _past_name(read: Tokens, index: int) -> int:
    """Behind the dotted name that begins at ``index``, whatever of it is Jinja."""
    texts = read.texts
    after = index + 1
    while after < len(texts):
        before, text = texts[after - 1], texts[after]
        if text == ".":
            after += 1
        elif before == ".":
            if not (is_name(text) or is_expression(text)):
                break
            after += 1
        elif (is_expression(text) or is_expression(before) or text == "-" or before == "-") and (
            read.spans[after][0] == read.spans[after - 1][1]
        ):
            after += 1
        else:
            break
    return after


def _alias(read: Tokens, index: int, aliases: set[str]) -> int:
    """Behind the alias at ``index``, if there is one."""
    if index < len(read) and read.words[index] == "as":
        index += 1
    if index < len(read) and is_name(read.texts[index]) and read.words[index] not in _NO_ALIAS:
        aliases.add(read.words[index])
        return index + 1
    return index
