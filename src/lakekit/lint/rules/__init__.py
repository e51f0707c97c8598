"""lakekit's own rules, a module a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def meant(name: str, known: Iterable[str]) -> str:
    """How a sentence goes on about a name that there is not: with the one that may be meant, if any is near."""
    from difflib import get_close_matches  # only where something is wrong

    near = get_close_matches(name, known, 1, 0.75)
    return f"; is '{near[0]}' meant?" if near else ""
