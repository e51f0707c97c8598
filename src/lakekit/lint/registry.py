"""The rules there are: one function each, lakekit's own and those that other packages bring by entry point.

A rule is a generator function. Its first parameter's annotation says what it judges (``Model``, ``Query``, …: a class of
``subjects``), the second is the project; keyword-only arguments with defaults are its settings in ``lakekit.toml``, and the
docstring is its manual page: the first line is its title.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..naming import Layer
    from .findings import Problem

    Check = Callable[..., Iterator[Problem]]

GROUP: Final = "lakekit.lint"
"""The entry points' group: each names a module whose rules are decorated functions."""

_OWN: Final = (
    "naming",
    "layers",
    "materialization",
    "staging",
    "files",
    "dagster",
    "cube",
    "portability",
    "runs",
)


class Rule(NamedTuple):
    """``subject`` is the name of the class that it judges; ``layer`` the only layer whose models it is asked about.

    ``late``: it is asked when all others have been, for it goes from model to model.
    """

    code: str
    name: str
    check: Check
    subject: str
    layer: str | None
    late: bool = False

    @property
    def title(self) -> str:
        return self.page.partition("\n")[0]

    @property
    def page(self) -> str:
        """The manual page as plain text."""
        from textwrap import dedent  # only for those who read

        first, _, rest = (self.check.__doc__ or "").strip().partition("\n")
        return f"{first}\n{dedent(rest)}".strip().replace("``", "`")

    @property
    def is_own(self) -> bool:
        return self.check.__module__.startswith(f"{__package__}.")

    @property
    def settings(self) -> dict[str, Any]:
        """Each setting with its default."""
        return self.check.__kwdefaults__ or {}


_rules: Final[dict[str, Rule]] = {}


def rule(code: str, *, layer: Layer | None = None, late: bool = False) -> Callable[[Check], Check]:
    """Register a rule under its code: letters, then digits (``LK205``)."""

    def register(check: Check) -> Check:
        if code in _rules and _rules[code].check.__module__ != check.__module__:
            raise UsageError(
                f"Two lint rules are called {code}.",
                why=f"{_rules[code].check.__module__} and {check.__module__} both bring one",
                todo="uninstall one of the packages",
            )
        annotation = next(iter(check.__annotations__.values()))
        subject = getattr(annotation, "__name__", annotation)
        _rules[code] = Rule(code, check.__name__.replace("_", "-"), check, subject, layer, late)
        return check

    return register


def rules() -> dict[str, Rule]:
    """Every rule by its code, in the codes' order. Raises ``UsageError`` where a plugin cannot be imported."""
    for module in _OWN:
        import_module(f"{__package__}.rules.{module}")
    if any(_plugged(folder) for folder in sys.path if folder):
        _load_plugins()
    return dict(sorted(_rules.items()))


def _plugged(folder: str) -> bool:
    """Whether a distribution in ``folder`` names the group: importlib.metadata costs as much as a whole run to ask."""
    try:
        with os.scandir(folder) as entries:
            installed = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
    except OSError:  # a path that is no folder
        return False
    return any(f"[{GROUP}]".encode() in _read(f"{path}/entry_points.txt") for path in installed)


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:  # pathlib is a tenth of a run
            return opened.read()
    except OSError:  # most have none
        return b""


def _load_plugins() -> None:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        try:
            point.load()
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(
                f"The lint rules '{point.name}' ({point.value}) cannot be loaded.",
                why=f"{type(error).__name__}: {error}",
                todo="mend or uninstall the package that brings them",
            ) from error


def chosen(known: Iterable[str], select: Iterable[str], ignore: Iterable[str]) -> frozenset[str]:
    """Codes that are selected and not ignored; both are codes or beginnings of them (``LK2``). Nothing selects all.

    The longer one wins where both match. Raises ``UsageError`` for what matches no rule.
    """
    known, select, ignore = list(known), list(select), list(ignore)
    for given in (*select, *ignore):
        if not given or not any(code.startswith(given) for code in known):
            raise UsageError(f"There is no lint rule '{given}'.", todo=nearest(given, known))

    def length(code: str, given: list[str]) -> int:
        return max((len(one) for one in given if code.startswith(one)), default=-1)

    return frozenset(
        code
        for code in known
        if (not select or length(code, select) >= 0) and length(code, ignore) < max(length(code, select), 0)
    )


def nearest(given: str, known: list[str]) -> str:
    """What to try instead of a code that there is not."""
    from difflib import get_close_matches  # only for those who err

    asked = given.upper()
    near = get_close_matches(asked, [*known, *{code[:3] for code in known}], len(known), 0.4)
    near = sorted(near, key=lambda code: not code.startswith(asked[:3]))[:3]  # LK250 is of LK2
    return (
        f"one of {', '.join(near)}; `lakekit lint --explain` lists all" if near else "lakekit lint --explain"
    )
