"""In a selection, as dbt's --select takes it: ``+fct_sales tag:daily``."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from . import Mention

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from . import Names

_ONE: Final = re.compile(r"(@|\d*\+)?([\w.]+:)?([\w.*/-]+?)(\+\d*)?")
_NAMING: Final = frozenset({"fqn:", "key:"})


def mentions(content: str, at: int, names: Names, facts: Facts) -> Iterator[Mention]:
    """What ``content``, which begins at ``at``, selects by name. Nothing where a word of it may be prose."""
    words = [*re.finditer(r"[^\s,]+", content)]
    found = []
    for word in words:
        one = _ONE.fullmatch(word[0])
        if one is None:
            return
        operator, method, value, children = one.groups()
        name, start = _named(method or "", value, names, facts)
        if name:
            begin = at + word.start() + one.start(3) + start
            found.append(Mention(name, begin, begin + len(name)))
        elif len(words) > 1 and not (operator or method or children or facts.is_taken(value)):
            return
    yield from found


def _named(method: str, value: str, names: Names, facts: Facts) -> tuple[str, int]:
    """The model that one selector names, and where in its value; no name if none."""
    if value in names and (not method or method in _NAMING):
        return value, 0
    *parts, last = re.split(r"[./]", value)
    if last in names and parts:
        folders = (facts.dbt.name, *names[last].folders)
        if method in _NAMING or (not method and "/" not in value and parts[-1] in folders):
            return last, len(value) - len(last)
    if method in {"", "path:"} and value.endswith(".sql"):
        stem = os.path.basename(value).removesuffix(".sql")
        if stem in names and names[stem].path == os.path.normpath(os.path.join(facts.folder, value)):
            return stem, len(value) - len(stem) - len(".sql")
    return "", 0
