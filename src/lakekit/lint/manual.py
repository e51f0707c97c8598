"""The manual: each rule's page is its docstring."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

from ..errors import UsageError
from .registry import nearest, rules

if TYPE_CHECKING:
    from .registry import Rule


def explain(code: str) -> str:
    """One rule's page, or a line of each rule's if no code is given. Raises ``UsageError`` for a code that there is not."""
    known = rules()
    if not code:
        return "".join(f"{rule.code}  {rule.name:32}  {rule.title}\n" for rule in known.values())
    rule = known.get(code.upper())
    if rule is None:
        raise UsageError(f"There is no lint rule '{code}'.", todo=nearest(code, list(known)))
    return page(rule)


def page(rule: Rule) -> str:
    """A rule's page as plain text."""
    text = f"{rule.code} {rule.name}\n\n{cleandoc(rule.check.__doc__ or '').replace('``', '`')}\n"
    for name, default in rule.settings.items():
        shown = list(default) if isinstance(default, tuple) else default
        text += f"\nlint.rules.{rule.code}.{name} = {shown!r}\n"
    return text
