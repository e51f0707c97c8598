"""What a staging model does beside renaming and casting, and which fields of its source it reads.

Nearly all do nothing else: ``glance`` tells that from words alone, and ``read`` looks at each token of the others.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from .tokens import Tokens, is_expression, is_name

if TYPE_CHECKING:
    from collections.abc import Iterator

JOIN: Final = "join"
AGGREGATE: Final = "aggregate"
UNION: Final = "union"
MORE: Final = "more"


class Deed(NamedTuple):
    """Something that is said in the model: ``kind`` is one of the above, or a function's call (``call``)."""

    kind: str
    said: str
    start: int
    end: int


class Staging(NamedTuple):
    """``fields`` are names that are read and defined nowhere in the model; each with its first place."""

    deeds: tuple[Deed, ...]
    fields: tuple[tuple[str, int, int], ...]


CALL: Final = "call"

_KINDS: Final = {
    **dict.fromkeys(("join",), JOIN),
    **dict.fromkeys(("distinct", "group", "having", "over", "qualify", "filter"), AGGREGATE),
    **dict.fromkeys(("union", "intersect", "except", "minus"), UNION),
    **dict.fromkeys(
        ("where", "limit", "offset", "fetch", "order", "case", "between", "like", "exists", "and", "or", "not", "is", "in"),
        MORE,
    ),
    **dict.fromkeys(("+", "-", "*", "/", "%", "|", "=", "<", ">", "!"), MORE),
}  # fmt: skip
_AGGREGATES: Final = frozenset({
    "any_value", "approx_distinct", "approx_percentile", "arbitrary", "array_agg", "avg", "bool_and", "bool_or",
    "checksum", "count", "count_if", "every", "geometric_mean", "histogram", "listagg", "map_agg", "map_union", "max",
    "max_by", "min", "min_by", "multimap_agg", "reduce_agg", "set_agg", "stddev", "stddev_pop", "stddev_samp", "sum",
    "var_pop", "var_samp", "variance", "row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value",
    "last_value", "nth_value", "percent_rank", "cume_dist",
})  # fmt: skip
_WORDS: Final = frozenset({
    *(word for word in _KINDS if word.isalpha()),
    "select", "from", "as", "with", "recursive", "all", "when", "then", "else", "end", "null", "true", "false", "on", "using",
    "left", "right", "full", "inner", "outer", "cross", "natural", "lateral", "by", "asc", "desc", "nulls", "first", "last",
    "rows", "range", "preceding", "following", "unbounded", "current", "partition", "materialized", "escape", "values",
    "date", "time", "timestamp", "interval", "at", "zone", "current_date", "current_timestamp", "localtimestamp",
    "current_time", "localtime", "ordinality", "rollup", "cube", "grouping", "sets",
})  # fmt: skip
_CASTS: Final = frozenset({"cast", "try_cast"})
_NOT_CALLED: Final = frozenset(
    {*_WORDS, "decimal", "varchar", "char", "array", "row", "map", "numeric", "varbinary"}
)


_JINJA: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MORE_TABLES: Final = re.compile(r"from\s[^(),]*,")
_SIGNS: Final = "-+*/%|=<>!"
_SPACES: Final = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
_DEEDS: Final = _AGGREGATES | _KINDS.keys()
_NAMES_NOTHING: Final = _WORDS | _AGGREGATES


class Glance(NamedTuple):
    """``plain``: nothing is done that ``read`` would tell of, beside calling functions. ``names``: what may be a field, or a number."""

    plain: bool
    names: frozenset[str]


def glance(bare: str) -> Glance:
    """Of a model in lower case, without texts and comments."""
    said = _JINJA.sub(" ", bare)
    words = said.translate(_SPACES).split()
    known = frozenset(words)
    plain = known.isdisjoint(_DEEDS) and not (
        any(sign in said for sign in _SIGNS) or _MORE_TABLES.search(said)
    )
    defined = [after for word, after in pairwise(words) if word == "as"]
    return Glance(plain, known.difference(_NAMES_NOTHING, defined))


def read(text: str) -> Staging:
    """What ``text`` does, in its order."""
    tokens = Tokens(text)
    skipped = _types(tokens)
    # Places are worked out only where there is something to tell.
    deeds = [Deed(kind, tokens.texts[index], *tokens.spans[index]) for index, kind in _deeds(tokens, skipped)]
    fields = {name: index for index, name in reversed(list(_fields(tokens, skipped)))}
    return Staging(tuple(deeds), tuple((name, *tokens.spans[index]) for name, index in fields.items()))


def _types(tokens: Tokens) -> set[int]:
    """The indexes of what belongs to a type's name: in a cast, from AS to the parenthesis that closes it."""
    words = tokens.words
    found: set[int] = set()
    for index, word in enumerate(words):
        if word not in _CASTS or words[index + 1 : index + 2] != ["("]:
            continue
        depth, typed = 0, False
        for inside in range(index + 1, len(words)):
            depth += (words[inside] == "(") - (words[inside] == ")")
            if depth == 0:
                break
            typed = typed or (depth == 1 and words[inside] == "as")
            if typed:
                found.add(inside)
    return found


class _Level:
    """What is open within one pair of parentheses. ``quiet``: what is said there belongs to a deed that is told already."""

    __slots__ = ("in_from", "inherited", "quiet")

    def __init__(self, quiet: bool = False) -> None:
        self.in_from = False
        self.quiet = self.inherited = quiet

    def turn(self, word: str, before: str) -> None:
        """A clause begins. The conditions of a join and of groups are no deeds of their own; those of WHERE are."""
        if word in {"select", "from"}:
            self.in_from = word == "from" and before != "distinct"
            self.quiet = self.inherited or (self.quiet and before == "distinct")
        elif word in {"join", "group", "having", "qualify"}:
            self.quiet = True
        elif word in {"where", "union"}:
            self.quiet = self.inherited


def _deeds(tokens: Tokens, skipped: set[int]) -> Iterator[tuple[int, str]]:
    words, texts = tokens.words, tokens.texts
    levels = [_Level()]
    for index, word in enumerate(words):
        if index in skipped or texts[index][0] in "'\"`{":
            continue
        level, before = levels[-1], words[index - 1] if index else ""
        if word == "(":
            kind = _called(before, texts[index - 1]) if index else ""
            if kind and not (level.quiet and kind == CALL):
                yield index - 1, kind
            # What is within a window, a filter or an aggregate is part of it.
            levels.append(_Level(level.quiet or before in {"over", "filter"} or kind == AGGREGATE))
        elif word == ")":
            del levels[max(len(levels) - 1, 1) :]
        else:
            kind = _said(words, index, level)
            if kind and not (kind == MORE and level.quiet):
                yield index, kind
            level.turn(word, before)


def _called(word: str, text: str) -> str:
    """What kind of deed calling it is; empty if it is no function."""
    if not is_name(text) or text[0] in '"`' or word in _NOT_CALLED:
        return ""
    return AGGREGATE if word in _AGGREGATES else CALL


def _said(words: list[str], index: int, level: _Level) -> str:
    """What kind of deed a keyword or a sign is; empty if it is none."""
    word = words[index]
    if word == "," and level.in_from and _more_tables(words, index):
        return JOIN
    return "" if _is_no_deed(words, index) else _KINDS.get(word, "")


def _is_no_deed(words: list[str], index: int) -> bool:
    """Whether a keyword is used as a name here, a star means all columns, or a sign is a number's."""
    word, before, after = words[index], words[index - 1] if index else "", words[index + 1 : index + 2]
    if before == "." or (word == "*" and before in {"select", ",", "distinct", "all"}):
        return True
    if word in {"-", "+"} and before in {"select", ",", "("} and after[:1] and after[0][0].isdigit():
        return True  # a number's sign
    return (word == "filter" and after != ["("]) or (word in {"order", "group"} and after != ["by"])


def _more_tables(words: list[str], index: int) -> bool:
    """Whether the comma of a FROM clause brings another table: after a CTE's end, it brings another CTE."""
    return words[index + 2 : index + 4] != ["as", "("]


def _fields(tokens: Tokens, skipped: set[int]) -> Iterator[tuple[int, str]]:
    words, texts = tokens.words, tokens.texts
    defined = {
        word
        for index, word in enumerate(words)
        if index and is_name(texts[index]) and _is_alias(words, texts, index, skipped)
    }
    for index, word in enumerate(words):
        if index in skipped or not is_name(texts[index]) or is_expression(texts[index]):
            continue
        after = words[index + 1] if index + 1 < len(words) else ""
        if after in {"(", "."} or (word in _WORDS and texts[index][0] not in '"`') or word in defined:
            continue
        if index and words[index - 1] in {"from", "join"}:
            continue
        yield index, word


def _is_alias(words: list[str], texts: list[str], index: int, skipped: set[int]) -> bool:
    """Whether it names something here: after AS, before AS and a parenthesis, or right behind an operand."""
    if index in skipped:
        return False
    before = words[index - 1]
    if before == "as" or words[index + 1 : index + 3] == ["as", "("]:
        return True
    if words[index] in _WORDS and texts[index][0] not in '"`':
        return False
    return (
        before in {")", "end"}
        or is_expression(before)
        or (is_name(texts[index - 1]) and (before not in _WORDS or texts[index - 1][0] in '"`'))
    )
