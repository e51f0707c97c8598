"""The search for batches that break a model: hypothesis', held to what builds of models allow.

An example costs builds, a second perhaps, so there are few of them, and what makes a failing one small has a budget: the
smallest that was found until then is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

Example = TypeVar("Example")

_TRIES: Final = 40
"""How many examples may be tried to make a failing one smaller."""

_DEFAULTS: Final = ("default", "ci")  # hypothesis' own profiles


def falsify(
    strategy: SearchStrategy[Example], failure: Callable[[Example], str], examples: int
) -> tuple[Example, str] | None:
    """An example for which ``failure`` says something, as small as could be found, and what it says; None without one.

    The same examples are tried each time, unless the run has a hypothesis profile or a seed of its own.
    """
    known: dict[str, str] = {}
    left = _TRIES
    found: list[tuple[Example, str]] = []

    def attempt(example: Example) -> None:
        nonlocal left
        name = repr(example)
        if name not in known:
            if found:
                if not left:
                    return
                left -= 1
            known[name] = failure(example)
        if known[name]:
            found.append((example, known[name]))
            raise _Falsified

    search = hypothesis.given(strategy)(attempt)
    try:
        _settings(examples)(search)()
    except _Falsified:
        return found[-1]  # what hypothesis tries last is the smallest
    return None


class _Falsified(Exception):  # noqa: N818 (it is none)
    pass


def _settings(examples: int) -> settings:
    asked: dict[str, Any] = {
        "max_examples": examples,
        "deadline": None,
        "suppress_health_check": list(HealthCheck),
        "phases": [Phase.reuse, Phase.generate, Phase.shrink],
        "report_multiple_bugs": False,
        "verbosity": Verbosity.quiet,
        "print_blob": False,
    }
    if settings.get_current_profile_name() in _DEFAULTS and hypothesis.core.global_force_seed is None:
        asked |= {"derandomize": True, "database": None}
    return settings(**asked)
