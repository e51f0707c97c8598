"""FROM clauses, read token by token: what stands where a table may, and which names are common table expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from .jinja import keyword
from .tokens import Tokens, is_expression, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_NULLS: Final = frozenset({"respect", "ignore", "over"})
_KEYWORDS: Final = frozenset({*_ENDS_FROM, "select", "from", "join"})
_TURNS: Final = _KEYWORDS | {"(", ")", ",", "as"}


class Common(NamedTuple):
    """A common table expression: its body goes from one token to another. ``unites`` is where a UNION is in it, if one is."""

    name: str
    opens: int
    closes: int
    unites: int | None

    def is_seen(self, index: int) -> bool:
        """Whether its name means it at a token: everywhere but in itself, and there behind a UNION, where it recurs."""
        inside = self.opens <= index <= self.closes
        return not inside or (self.unites is not None and self.unites < index)


def common_tables(read: Tokens) -> Iterator[Common]:
    """Each ``name [(columns)] as [not materialized] ( … )``; Spark's ``with name ( select … )`` too."""
    words, texts = read.words, read.texts
    for index, word in enumerate(words):
        if word == "as" and index:
            opens = index + 1
            while opens < len(words) and words[opens] in {"not", "materialized"}:
                opens += 1
            named = index - 1
            if words[named] == ")":
                named = _opening(words, named) - 1
        elif word == "(" and words[index + 1 : index + 2] in (["select"], ["with"]):
            opens, named = index, index - 1
            if words[named - 1 : named] not in ([","], ["with"], ["recursive"]):
                continue
        else:
            continue
        if opens < len(words) and words[opens] == "(" and named >= 0 and is_name(texts[named]):
            closes = _closing(words, opens)
            unites = next((at for at in range(opens, min(closes, len(words))) if words[at] == "union"), None)
            yield Common(words[named], opens, closes, unites)


def created_tables(read: Tokens) -> frozenset[str]:
    """What the text itself creates, as ``create [or replace] … table [if not exists] name``; dotted, in lower case."""
    words = read.words
    found = set()
    for index, word in enumerate(words):
        if word == "table" and "create" in words[max(index - 5, 0) : index]:
            after = index + 4 if words[index + 1 : index + 4] == ["if", "not", "exists"] else index + 1
            name = words[after : after + 1]
            while words[after + 1 : after + 2] == ["."]:
                name += words[after + 1 : after + 3]
                after += 2
            found.add("".join(name))
    return frozenset(found)


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


def has_dynamic_commons(read: Tokens) -> bool:
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


class _Level:
    """What is open within one pair of parentheses."""

    __slots__ = ("expects", "in_from", "selects")

    def __init__(self, selects: bool = False, in_from: bool = False, expects: bool = False) -> None:
        self.selects = selects
        self.in_from = in_from
        self.expects = expects

    def copy(self) -> _Level:
        return _Level(self.selects, self.in_from, self.expects)


class FromClauses:
    """``items`` are the first and last tokens of each name that may be a table's, ``aliases`` what items are called."""

    def __init__(self, read: Tokens) -> None:
        self.items: list[tuple[int, int]] = []
        self.aliases: set[str] = set()
        self._read = read
        self._levels = [_Level()]
        self._branches: list[list[_Level]] = []
        index, count, words = 0, len(read), read.words
        while index < count:
            word = words[index]
            if self._levels[-1].expects or word in _TURNS or word.startswith("{%"):
                index = self._turn(index, word)
            else:
                index += 1

    def _turn(self, index: int, word: str) -> int:
        """Take the token at ``index``, which means something here; what comes after it is next."""
        text, level = self._read.texts[index], self._levels[-1]
        if word.startswith("{%"):
            self._branch(word)
        elif word == "(":
            self._open(index)
        elif word == ")":
            if len(self._levels) > 1:
                self._levels.pop()
        elif word in _KEYWORDS and text[0].isalpha() and self._word(index - 1) != ".":
            self._keyword(index, word)
        elif level.expects and (is_name(text) or text == "[" or is_expression(text)):
            return self._item(index, word)
        elif not is_name(text):
            level.expects = word == "," and level.in_from
        elif word == "as" and level.in_from and index + 1 < len(self._read):
            self.aliases.add(self._word(index + 1))
        return index + 1

    def _word(self, index: int) -> str:
        return self._read.words[index] if 0 <= index < len(self._read) else ""

    def _touches(self, index: int) -> bool:
        """Whether nothing is between the token at ``index`` and the one before it."""
        return 0 < index < len(self._read) and self._read.spans[index - 1][1] == self._read.spans[index][0]

    def _open(self, index: int) -> None:
        level = self._levels[-1]
        # A join in parentheses: from (a join b on …)
        nested = level.expects and self._word(index + 1) not in {"select", "with", "values", "from", "("}
        self._levels.append(_Level(nested, nested, nested))
        level.expects = False

    def _keyword(self, index: int, word: str) -> None:
        level, before = self._levels[-1], self._word(index - 1)
        if word == "select":
            level.selects, level.in_from, level.expects = True, False, False
        elif word == "from":
            after = self._word(index + 1)
            begins = index == 0 or (before == "(" and self._word(index - 2) == "as")
            # extract(year from x) has no SELECT in its parentheses; a comparison is "is distinct from"; a column that is
            # called so has no name behind it.
            named = is_name(after or " ") or after.startswith(("{", "(", "["))
            # nth_value(x, 2) from first respect nulls
            named = named and not (after in {"first", "last"} and self._word(index + 2) in _NULLS)
            level.in_from = level.expects = (level.selects or begins) and before != "distinct" and named
        elif word == "join":
            level.expects = level.in_from = level.in_from and before != "array"
        else:
            level.in_from = level.expects = False

    def _item(self, index: int, word: str) -> int:
        level, texts = self._levels[-1], self._read.texts
        if word in _NO_TABLE and texts[index][0].isalpha():
            level.expects = word in {"lateral", "only"}
            level.in_from = level.in_from and word != "values"
            return index + 1
        after = self._past_name(index)
        level.expects = False
        if self._word(after) == "(":
            return after
        # What Jinja makes a part of is not judged; nor is a name in brackets alone, for CTEs may have some.
        plain = all("{{" not in text for text in texts[index:after]) and not self._is_glued(index, after)
        if plain and (texts[index] != "[" or after - index > 3):
            self.items.append((index, after - 1))
        return self._past_alias(after)

    def _past_name(self, index: int) -> int:
        """Behind the dotted name that begins at ``index``, whatever of it is Jinja."""
        texts = self._read.texts
        after = self._past_bracket(index) if texts[index] == "[" else index + 1
        while after < len(texts):
            before, text = texts[after - 1], texts[after]
            if before == "." and text == "[":
                after = self._past_bracket(after)
            elif (
                text == "."
                or (before == "." and (is_name(text) or is_expression(text)))
                or (
                    (is_expression(text) or is_expression(before) or "-" in {text, before})
                    and self._touches(after)
                )
            ):
                after += 1
            else:
                break
        return after

    def _is_glued(self, index: int, after: int) -> bool:
        """Whether a name goes on in a branch of Jinja, or is in a branch that something goes on behind or before."""
        if self._touches(after) and self._statement(after) == "if":
            return True
        if not (self._touches(index) and self._statement(index - 1) in {"if", "elif", "else"}):
            return False
        opens = next((at for at in range(index - 1, -1, -1) if self._statement(at) == "if"), 0)
        closes = next((at for at in range(index, len(self._read)) if self._statement(at) == "endif"), -1)
        return self._touches(opens) or self._touches(closes + 1)

    def _statement(self, index: int) -> str:
        return keyword(self._word(index))

    def _past_bracket(self, index: int) -> int:
        return next((at + 1 for at in range(index, len(self._read)) if self._word(at) == "]"), index + 1)

    def _past_alias(self, index: int) -> int:
        """Behind the alias at ``index``, if there is one."""
        if self._word(index) == "as":
            index += 1
        word = self._word(index)
        if word and is_name(self._read.texts[index]) and word not in _NO_ALIAS:
            self.aliases.add(word)
            return index + 1
        return index

    def _branch(self, block: str) -> None:
        """Each branch of an if begins where the first one began; a block that is set aside is a query of its own."""
        name = keyword(block)
        if name in {"if", "for"}:
            self._branches.append([level.copy() for level in self._levels])
        elif name in {"elif", "else"} and self._branches:
            self._levels = [level.copy() for level in self._branches[-1]]
        elif name in {"endif", "endfor"} and self._branches:
            self._branches.pop()
        elif name in {"endset", "endmacro", "endcall"} and self._branches:
            self._levels = self._branches.pop()
        elif name in {"macro", "call"} or (name == "set" and "=" not in block):
            self._branches.append(self._levels)
            self._levels = [_Level()]
