"""Tables that a model names itself, instead of through ref() and source().

What follows FROM, JOIN or a comma of a FROM clause is one, unless it is a common table expression, a function's call, a
path into another item (``orders.items``), a system's own schema, or partly Jinja.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from .from_clauses import FromClauses, common_tables, created_tables, has_dynamic_commons
from .tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator


class Table(NamedTuple):
    name: str
    """As written."""
    start: int
    end: int


_SYSTEM: Final = frozenset({"information_schema", "pg_catalog", "system", "sys", "account_usage", "dual"})
# What follows FROM or JOIN where it is plain: Jinja or a name, an alias, and a comma if there is one.
_FOLLOWS: Final = (
    r"(?!\w)\s*+(?:(\{\{[^}]*+\}\})(?![\w.\"])|([^\W\d]\w*+)(?!\s*[.(]))"
    r"(?:\s+(?:as\s+)?(?!(?:on|where|as|left|inner|cross|join|group)\b)[^\W\d]\w*+)?\s*+(,?)"
)
# Each starts with plain characters: that is what lets re leap from one to the next.
_FROM: Final = re.compile(f"from(?:{_FOLLOWS})?")
_JOIN: Final = re.compile(f"join(?:{_FOLLOWS})?")


QUOTES: Final = ('"', "`")


def parts(table: str) -> tuple[str, str]:
    """The schema in a table's name, empty if it has none, and the name itself; without quotes."""
    *schema, name = [part.strip("".join(QUOTES)) for part in table.split(".")]
    return (schema[-1] if schema else ""), name


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


def _tables(text: str) -> Iterator[Table]:
    read = Tokens(text)
    commons = list(common_tables(read))
    names = {one.name for one in commons}
    open_ended = has_dynamic_commons(read)
    created = created_tables(read)
    clauses = FromClauses(read)
    for first, last in clauses.items:
        words = read.words[first : last + 1]
        if "".join(words) in created or any(
            part in _SYSTEM or part.startswith("pg_") for word in words for part in word.split(".")
        ):
            continue
        if first == last and "." not in words[0]:
            if open_ended or any(one.name == words[0] and one.is_seen(first) for one in commons):
                continue
        elif words[0] in names or words[0] in clauses.aliases:
            continue
        start, end = read.spans[first][0], read.spans[last][1]
        yield Table(text[start:end], start, end)
