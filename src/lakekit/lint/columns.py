"""The columns that a query puts out, read from its tokens: enough for the models people write, silent on the rest.

Names only, in lower case. None is what cannot be told: a macro that makes columns, a star of what is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from .jinja import keyword
from .tokens import Tokens, is_expression, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Columns: TypeAlias = "frozenset[str]"
Known: TypeAlias = "Callable[[str], Columns | None]"
_Part: TypeAlias = "str | list[_Part]"
"""A token, or what is in parentheses."""

_SETS: Final = frozenset({"union", "intersect", "except"})
_ENDS_LIST: Final = frozenset({"from", "where", "group", "having", "order", *_SETS})
_LIMITS: Final = frozenset({"limit", "offset", "fetch", "window"})
_ENDS_FROM: Final = frozenset({*_ENDS_LIST, *_LIMITS, "qualify"})
_NO_ALIAS: Final = frozenset({
    *_ENDS_FROM, "join", "left", "right", "full", "inner", "outer", "cross", "natural", "on", "using", "tablesample", "with",
    "match_recognize", "lateral",
})  # fmt: skip
# A name behind one of these is no alias, and these are none at an expression's end.
_OPERATORS: Final = frozenset({
    "and", "or", "not", "is", "in", "like", "between", "escape", "then", "else", "when", "case", "from", "zone",
})  # fmt: skip
_VALUES: Final = frozenset({
    "end", "null", "true", "false", "current_date", "current_timestamp", "current_time", "current_user", "localtime",
    "localtimestamp",
})  # fmt: skip
_DEEPEST: Final = 100


class _Untold(Exception):
    """Nothing can be said of this query."""


class _Common(NamedTuple):
    """A common table expression: its columns if they are listed, its body, and those that it can see."""

    listed: Columns | None
    body: list[_Part]
    scope: dict[str, _Common]


def read(text: str, known: Known) -> Columns | None:
    """The columns of the query ``text``; ``known`` tells those of what stands in a table's place: Jinja, or a name."""
    try:
        return _Reader(known).query(_grouped(_without_blocks(Tokens(text).texts)), {})
    except (_Untold, RecursionError):
        return None


def _without_blocks(texts: list[str]) -> list[str]:
    """Without Jinja that puts out nothing where it stands: what is set or defined, and branches around nothing else."""
    kept: list[str] = []
    hidden = ""
    for text in texts:
        word = keyword(text)
        if hidden:
            hidden = "" if word == f"end{hidden}" else hidden
        elif word in {"macro", "call", "filter"} or (word == "set" and "=" not in text):
            hidden = word
        elif word in {"endif", "endfor"}:
            opens = next(
                (at for at in range(len(kept) - 1, -1, -1) if keyword(kept[at]) == word[3:]), len(kept)
            )
            if opens < len(kept) and all(one.startswith("{%") for one in kept[opens:]):
                del kept[opens:]
            else:
                kept.append(text)
        elif word not in {"set", "do"}:
            kept.append(text)
    return kept


def _grouped(texts: Sequence[str]) -> list[_Part]:
    top: list[_Part] = []
    stack = [top]
    for text in texts:
        if text in {"(", "["}:
            group: list[_Part] = []
            stack[-1].append(group)
            stack.append(group)
            if len(stack) > _DEEPEST:
                raise _Untold
        elif text in {")", "]"}:
            stack.pop()
            if not stack:
                raise _Untold
        else:
            stack[-1].append(text)
    return top


def _key(part: _Part) -> str:
    """What a part means as a keyword; quoted names mean none."""
    return part.lower() if isinstance(part, str) else "("


def _name(part: _Part) -> str:
    """What a part means as a name. Raises ``_Untold`` where Jinja makes it."""
    if not isinstance(part, str) or "{{" in part:
        raise _Untold
    return part[1:-1].lower() if part[0] in '"`' else part.lower()


def _is_name(part: _Part) -> bool:
    return isinstance(part, str) and is_name(part)


def _is_jinja(part: _Part) -> bool:
    return isinstance(part, str) and (is_expression(part) or part.startswith("{%"))


def _split(parts: list[_Part]) -> list[list[_Part]]:
    found: list[list[_Part]] = [[]]
    for part in parts:
        if part == ",":
            found.append([])
        else:
            found[-1].append(part)
    return found


def _called(item: list[_Part]) -> Columns:
    """What an item of a SELECT is called, by its alias or its column: nothing, or one name."""
    last, before = item[-1], item[-2] if len(item) > 1 else ","
    if not _is_name(last):
        return frozenset()
    if _key(before) in {",", ".", "as"}:
        bare_value = before == "," and _key(last) in _VALUES
        return frozenset() if bare_value else frozenset({_name(last)})
    if _is_jinja(before) or before == ":":  # a type of other dialects, which leave the column's name
        raise _Untold
    aliased = isinstance(before, list) or is_name(before) or before[0] == "'" or before[0].isdigit()
    if not aliased or _key(before) in _OPERATORS or _key(last) in _VALUES:
        return frozenset()
    return frozenset({_name(last)})


class _Reader:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._told: dict[int, Columns] = {}

    def query(self, parts: list[_Part], scope: dict[str, _Common]) -> Columns:
        at = 0
        while at < len(parts) and (_is_jinja(parts[at])):
            if keyword(str(parts[at])) == "if":
                raise _Untold
            at += 1
        parts = parts[at:]
        if parts and _key(parts[0]) == "with":
            parts, scope = self._commons(parts, scope)
        return self._body(parts, scope)

    def _commons(
        self, parts: list[_Part], scope: dict[str, _Common]
    ) -> tuple[list[_Part], dict[str, _Common]]:
        """What follows a WITH, and what it names."""
        at, scope = 1, dict(scope)
        if _key(parts[at]) == "recursive":
            at += 1
        while at < len(parts):
            if keyword(str(parts[at])) in {"if", "endif"} or parts[at] == ",":
                at += 1
                continue
            if _key(parts[at]) in {"select", "("}:
                return parts[at:], scope
            name, listed = _name(parts[at]), None
            at += 1
            if at < len(parts) and isinstance(inside := parts[at], list):
                listed = frozenset(_name(one[0]) for one in _split(inside) if one)
                at += 1
            if at >= len(parts) or _key(parts[at]) != "as":
                raise _Untold
            at += 1
            while at < len(parts) and _key(parts[at]) in {"not", "materialized"}:
                at += 1
            body = parts[at] if at < len(parts) else ""
            if not isinstance(body, list):
                raise _Untold
            scope[name] = _Common(listed, body, dict(scope))
            at += 1
        raise _Untold

    def _body(self, parts: list[_Part], scope: dict[str, _Common]) -> Columns:
        """Columns are called as those of the first of several queries."""
        first = parts[0] if parts else ""
        if isinstance(first, list):
            return self.query(first, scope)
        if _key(first) == "table" and len(parts) > 1:
            return self._relations(parts[1:], scope)[0][1]
        if _key(first) != "select":
            raise _Untold
        at = 2 if len(parts) > 1 and _key(parts[1]) in {"distinct", "all"} else 1
        end = next((index for index in range(at, len(parts)) if self._ends_list(parts, index)), len(parts))
        found: set[str] = set()
        for item in _split(parts[at:end]):
            found |= self._item(item, parts[end:], scope)
        if end == len(parts) and any(_key(part) in _LIMITS for part in parts[at:]):
            raise _Untold
        return frozenset(found)

    @staticmethod
    def _ends_list(parts: list[_Part], at: int) -> bool:
        key = _key(parts[at])
        if key == "from" and _key(parts[at - 1]) == "distinct":
            return _key(parts[at - 2]) not in {"is", "not"}
        if key in {"order", "group"}:  # some call a column so
            return [_key(part) for part in parts[at + 1 : at + 2]] == ["by"]
        return key in _ENDS_LIST and parts[at - 1] != "."

    def _item(self, item: list[_Part], rest: list[_Part], scope: dict[str, _Common]) -> Columns:
        """What one item of a SELECT puts out."""
        words = [keyword(part) for part in item if isinstance(part, str)]
        for opens in ("if", "for"):
            if words.count(opens) != words.count(f"end{opens}"):
                raise _Untold
        if not item or _is_jinja(item[-1]) or "{" in item:  # Cube's braces put in what they like
            raise _Untold
        stars = [at for at, part in enumerate(item) if part == "*" and (at == 0 or item[at - 1] == ".")]
        if stars:
            if stars[0] != len(item) - 1 or len(item) == 2:
                raise _Untold
            of = None if len(item) == 1 else _name(item[-3])
            return self._star(of, rest, scope)
        inner = item[0]
        if (
            len(item) == 1
            and isinstance(inner, list)
            and inner
            and _key(inner[0]) != "select"
            and "," not in inner
        ):
            return self._item(inner, rest, scope)
        return _called(item)

    def _star(self, of: str | None, rest: list[_Part], scope: dict[str, _Common]) -> Columns:
        if not rest or _key(rest[0]) != "from":
            raise _Untold
        found = [columns for name, columns in self._relations(rest[1:], scope, of) if of in {None, name}]
        if not found:
            raise _Untold
        return frozenset().union(*found)

    def _relations(
        self, parts: list[_Part], scope: dict[str, _Common], only: str | None = None
    ) -> list[tuple[str | None, Columns]]:
        """What a FROM clause reads, with what each is called there; of ``only`` the one that is called so."""
        found: list[tuple[str | None, Columns]] = []
        at, expects = 0, True
        while at < len(parts) and _key(parts[at]) not in _ENDS_FROM:
            if str(parts[at]).startswith("{%"):
                if at + 1 < len(parts) and _key(parts[at + 1]) in _ENDS_FROM:
                    break
                raise _Untold
            if not expects:
                expects = parts[at] == "," or _key(parts[at]) == "join"
                at += 1
                continue
            if _key(parts[at]) == "lateral":
                at += 1
            after, name = self._past(parts, at)
            table, (at, alias, listed) = parts[at:after], self._alias(parts, after)
            name = alias or name
            if only in {None, name}:
                found.append((name, listed or self._columns(table, scope)))
            expects = False
        return found

    @staticmethod
    def _alias(parts: list[_Part], at: int) -> tuple[int, str | None, Columns | None]:
        """Behind the alias at ``at``, if there is one; that, and its columns if they are listed."""
        if [_key(part) for part in parts[at : at + 2]] == ["with", "ordinality"]:
            at += 2
        if at < len(parts) and _key(parts[at]) == "as":
            at += 1
        if at == len(parts) or not _is_name(parts[at]) or _key(parts[at]) in _NO_ALIAS:
            return at, None, None
        name, at = _name(parts[at]), at + 1
        if at < len(parts) and isinstance(inside := parts[at], list):
            return at + 1, name, frozenset(_name(one[0]) for one in _split(inside) if one)
        return at, name, None

    @staticmethod
    def _past(parts: list[_Part], at: int) -> tuple[int, str | None]:
        """Behind a table, a query or a function in a FROM clause, and what it is called if nothing else is said."""
        if at >= len(parts):
            raise _Untold
        first, after = parts[at], at + 1
        if isinstance(first, list):
            return after, None
        while after + 1 < len(parts) and parts[after] == ".":
            after += 2
        named = _is_name(first) and _is_name(parts[after - 1])
        if named and after < len(parts) and isinstance(parts[after], list):
            return after + 1, None
        return after, _name(parts[after - 1]) if named else None

    def _columns(self, table: list[_Part], scope: dict[str, _Common]) -> Columns:
        """Those of what stands in a FROM clause."""
        first, columns = table[0], None
        if isinstance(first, list):
            if first and _key(first[0]) in {"select", "with", "("}:
                return self.query(first, scope)
        elif len(table) == 1 and _is_name(first) and (common := scope.get(_name(first))):
            if id(common.body) not in self._told:
                self._told[id(common.body)] = common.listed or self.query(common.body, common.scope)
            return self._told[id(common.body)]
        elif is_expression(first) and len(table) == 1:
            columns = self._known(first)
        elif all(part == "." or _is_name(part) for part in table):
            columns = self._known(".".join(map(_name, table[::2])))
        if columns is None:
            raise _Untold
        return columns
