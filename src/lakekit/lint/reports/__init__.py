"""How the outcome of a run is written: one module a format, imported when its format is asked for.

Each has a function ``report(outcome, rules, read)`` that returns the whole text, its last line ended. ``rules`` are the
known ones by their codes, ``read(path)`` gives a file's text as it was judged. Text takes ``colour`` besides.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _later(module: str) -> Callable[..., str]:
    def report(*given: Any, **options: Any) -> str:
        written: str = import_module(f"{__name__}.{module}").report(*given, **options)
        return written

    return report


FORMATS: Final[Mapping[str, Callable[..., str]]] = {
    name: _later(name) for name in ("text", "json", "sarif", "github", "junit")
}
"""Each format's function by its name."""
