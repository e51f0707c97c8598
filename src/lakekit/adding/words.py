"""Names: of sources, streams and models, and what becomes of a field's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..errors import UsageError
from ..naming import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable

_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_PLURAL: Final = re.compile(r".*(ss|us|is|series|species|news)")


def source(name: str) -> str:
    """A source's name, which is that of its schema; raises ``UsageError`` where it can be none."""
    if not _IDENTIFIER.fullmatch(name):
        raise UsageError(
            f"'{name}' can name no source.",
            todo="name it in lower case, by letters, digits and single underscores: recharge",
        )
    if name in list(Layer):
        raise UsageError(
            f"'{name}' can name no source.", why="a layer is called so", todo="name it otherwise"
        )
    return name


def snake(name: str) -> str:
    """A name in lower case, with underscores between its words: ``createdAt`` is ``created_at``."""
    words = re.findall(r"[a-z0-9]+", _CAMEL.sub("_", name).lower())
    joined = "_".join(words)
    return f"_{joined}" if joined[:1].isdigit() or not joined else joined


def singular(name: str) -> str:
    """The last word of a plural for one of it: ``order_lines`` is ``order_line``."""
    if _NO_PLURAL.fullmatch(name):
        return name
    for plural, one in (
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("s", ""),
    ):
        if name.endswith(plural) and len(name) > len(plural) + 1:
            return name.removesuffix(plural) + one
    return name


def a(name: str) -> str:
    """One of what a plural names, as words: ``a charge``, ``an order line``."""
    one = spoken(singular(name))
    return f"{'an' if one[:1] in 'aeiou' else 'a'} {one}"


def spoken(name: str) -> str:
    """A name as words."""
    return name.replace("_", " ").strip()


def nearest(name: str, known: Iterable[str]) -> str:
    """What of the known names may have been meant."""
    from difflib import get_close_matches

    return ", ".join(get_close_matches(name, list(known), 3, 0)) or "none at all"
