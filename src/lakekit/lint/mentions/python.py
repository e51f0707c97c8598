"""In Python: tests on the ``lake`` fixture, and what an orchestrator has beside the models.

A text names a model where all of it is the model's name, or a selection. Where the project has other things of that name,
such as a column, only a call that takes models tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from . import Mention, selections, sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..facts import Facts
    from . import Names

_TEXT: Final = re.compile(
    r"\#[^\n]*+|(?<!\w)([A-Za-z]{0,2})(?:(\"\"\"|''')((?s:.*?))\2"
    r"""|"((?:[^"\\\n]|\\(?s:.))*+)"|'((?:[^'\\\n]|\\(?s:.))*+)')"""
)
_CALLED: Final = re.compile(
    r"(?:\.(?:given|build|prepare|expect|expect_snapshot|columns|rows|ref)\s*\(\s*"
    r"|\b(?:select|exclude|selection)\s*=\s*|\bAssetKey\s*\(\s*(?:\[[^\])]*)?"
    r"|\b(?:from_user_string|get_asset_key_for_model)\s*\([^()]*)$"
)
_REF: Final = re.compile(r"""\.ref\(\s*(['"])([^'"\\\n]+)\1\s*\)""")


def mentions(
    text: str, names: Names, facts: Facts, near: str, *, is_ambiguous: Callable[[str], bool]
) -> Iterator[Mention]:
    """What texts name, whole or in statements."""
    for literal in _TEXT.finditer(text):
        if not literal.lastindex or "b" in literal[1].lower():
            continue
        start, end = literal.span(literal.lastindex)
        content = text[start:end]
        asked = _CALLED.search(text, max(0, literal.start() - 200), literal.start())
        if asked and "AssetKey" in asked[0] and "/" in content and content.rpartition("/")[2] in names:
            yield Mention(content.rpartition("/")[2], content.rindex("/") + 1 + start, end)
        elif "\n" not in content and "\\" not in content:
            for one in selections.mentions(content, start, names, facts):
                if asked or one.end - one.start < len(content) or not is_ambiguous(one.name):
                    yield one
        yield from sql.tables(text, start, end, names, facts, near)


def in_models(text: str, names: Names) -> Iterator[Mention]:
    """What a Python model refers to: its other texts are data."""
    for found in _REF.finditer(text):
        if found[2] in names:
            yield Mention(found[2], *found.span(2))
