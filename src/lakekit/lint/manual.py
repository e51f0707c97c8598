"""The manual: each rule's page is its docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UsageError
from .registry import nearest, rules

if TYPE_CHECKING:
    from .registry import Rule


def explain(code: str) -> str:
    """The pages of the rules whose codes begin so; if no code is given, a line of each rule's.

    Raises ``UsageError`` for a code that there is not.
    """
    known = rules()
    if not code:
        return "".join(f"{rule.code}  {rule.name:32}  {rule.title}\n" for rule in known.values())
    pages = [page(rule) for rule in known.values() if rule.code.startswith(code.upper())]
    if not pages:
        raise UsageError(f"There is no lint rule '{code}'.", todo=nearest(code, list(known)))
    return "\n\n".join(pages)


def page(rule: Rule) -> str:
    """A rule's page as plain text."""
    text = f"{rule.code} {rule.name}\n\n{rule.page}\n"
    for name, default in rule.settings.items():
        shown = list(default) if isinstance(default, tuple) else default
        text += f"\nlint.rules.{rule.code}.{name} = {shown!r}\n"
    return text
