"""What a model refers to by names that only running tells: ``ref('stg_' ~ source)``, a ref() in a loop, in a macro.

It is rendered in Jinja's sandbox, as dbt does when it parses: nothing is executed, no database is asked, what is not known is
empty. Literal names are found without (``sql``), so this is asked of few models.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from jinja2 import ChainableUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from .jinja import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class _Anything(ChainableUndefined):
    """Stands for what only dbt has: may be called, asked and gone through, and is nothing."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return _Anything()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __add__(self, other: Any) -> Any:
        return other

    __radd__ = __add__


class Rendering:
    """Of one project: its variables, and the macros of its own."""

    def __init__(
        self, variables: dict[str, Any], macros: Mapping[str, str], read: Callable[[str], str]
    ) -> None:
        self._variables = variables
        self._macros = macros
        """The file of each."""
        self._read = read

    def calls(self, text: str) -> list[Call]:
        """Each ref() and source() as rendering makes it: it has no place.

        Empty where it cannot be rendered, for it is then dbt's to say why.
        """
        found: list[Call] = []

        def record(function: str) -> Callable[..., str]:
            def call(*arguments: Any, **keywords: Any) -> str:
                found.append(Call(function, 0, 0, arguments, (None,) * len(arguments), keywords))
                return function

            return call

        environment = SandboxedEnvironment(
            undefined=_Anything, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]
        )
        known = {
            "ref": record("ref"),
            "source": record("source"),
            "config": lambda *_, **__: "",
            "var": self._variable,
            "env_var": lambda name, default="": os.environ.get(name, default),
            "is_incremental": lambda: False,
            "execute": False,
            "return": lambda value="": value,
        }
        environment.globals.update(known, builtins=known)
        try:
            for file in self._needed(text):
                environment.globals.update(
                    (name, macro)
                    for name, macro in vars(environment.from_string(self._read(file)).module).items()
                    if not name.startswith("_")
                )
            environment.from_string(text).render()
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError):
            return []
        return found

    def _variable(self, name: str, default: Any = "") -> Any:
        return self._variables.get(name, default)

    def _needed(self, text: str) -> list[str]:
        """The files of the macros that ``text`` calls, and of those that they call; the called come first."""
        needed: dict[str, None] = {}
        waiting = [text]
        while waiting:
            for name in re.findall(r"\w+", waiting.pop()):
                file = self._macros.get(name)
                if file and file not in needed:
                    needed[file] = None
                    waiting.append(self._read(file))
        return list(needed)[::-1]
