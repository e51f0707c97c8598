"""Blocks of Jinja that nothing can parse: each gets a glance, and those that look odd are given to Jinja's own parser.

Jinja takes longer to import than a thousand models to judge; so what looks fine and is not (``{{ a b }}``) is dbt's to tell.
"""

from __future__ import annotations

import re
from typing import Final

from .jinja import TEXT

_INCOMPLETE: Final = tuple(",(=|~+-*/<>.[{:")
"""No expression ends with these."""
_LACKING: Final = frozenset({"", "if", "elif", "for", "set", "do", "call", "filter"})
_KNOWN: Final = frozenset({
    "", "if", "elif", "else", "for", "set", "do", "call", "filter", "macro", "with", "block", "autoescape", "import", "from",
    "include", "extends", "break", "continue", "print",
})  # fmt: skip
_DBTS: Final = frozenset({"snapshot", "test", "data_test", "materialization", "docs"})
_TEXT: Final = re.compile(TEXT)


def fault(block: str, statement: str = "", *, opens: bool = False) -> str | None:
    """What is wrong with an expression, or with a ``statement`` of that name; ``opens`` is one that must be ended."""
    if statement in _DBTS or not _is_odd(block, statement):
        return None
    if not _is_odd(_TEXT.sub("''", block), statement):
        return None
    from jinja2 import Environment, TemplateSyntaxError

    text = f"{block}{{% end{statement} %}}" if opens else block
    if statement in {"elif", "else"}:
        text = f"{{% if 1 %}}{block}{{% endif %}}"
    environment = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])  # noqa: S701 - nothing is rendered
    try:
        environment.parse(text)
    except TemplateSyntaxError as error:
        return error.message
    return None


def _is_odd(block: str, statement: str) -> bool:
    """Asked of each block of five thousand models: so nothing is taken apart here."""
    count = block.count
    if count("(") != count(")") or count("[") != count("]") or count("{") != count("}"):
        return True
    if "=)" in block or "=," in block or ",," in block or "(," in block or statement not in _KNOWN:
        return True
    said = block[2:-3].rstrip() if block[-3] in "-+" else block[2:-2].rstrip()
    return said.endswith(_INCOMPLETE) or (len(said) < _SHORT and said.lstrip("-+ \t\r\n") in _LACKING)


_SHORT: Final = 20
"""Of what is longer, something is said."""
