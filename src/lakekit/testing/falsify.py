"""The search for batches that break a model: hypothesis', held to what builds of models allow.

An example costs builds, a second perhaps. So there are few of them, and a failing one is not made smaller byte by byte, as
hypothesis would do it, but by what it is made of: batches, rows, columns and cells are left out, many at once, as long
as it fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from .generate import Batch

_Cell: TypeAlias = tuple[int, str, int, str]  # batch, table, row, column

_TRIES: Final = 60
"""How many examples may be tried to make a failing one smaller."""

_DEFAULTS: Final = ("default", "ci")  # hypothesis' own profiles


def falsify(
    strategy: SearchStrategy[list[Batch]],
    failure: Callable[[list[Batch]], str],
    *,
    examples: int,
    needed: Mapping[str, Collection[str]],
) -> tuple[list[Batch], str] | None:
    """Batches for which ``failure`` says something, as few as could be found, and what it says; None without any.

    ``needed`` are the columns, by table, that no row may leave out. The same examples are tried each time, unless the
    run has a hypothesis profile or a seed of its own.
    """
    known: dict[str, str] = {}
    found: list[tuple[list[Batch], str]] = []

    def attempt(example: list[Batch]) -> bool:
        name = repr(example)
        if name not in known:
            known[name] = failure(example)
        if known[name]:
            found.append((example, known[name]))
        return bool(known[name])

    def search(example: list[Batch]) -> None:
        if example and attempt(example):
            raise _Falsified

    try:
        _settings(examples)(hypothesis.given(strategy)(search))()
    except _Falsified:
        smaller(found[-1][0], attempt, needed)
    return found[-1] if found else None


def smaller(
    batches: Sequence[Batch], fails: Callable[[list[Batch]], bool], needed: Mapping[str, Collection[str]]
) -> None:
    """Ask of ever smaller parts of batches whether they fail: the last that does is the smallest that was found."""
    cells: list[_Cell] = [
        (number, table, place, column)
        for number, batch in enumerate(batches)
        for table, rows in batch.items()
        for place, row in enumerate(rows)
        for column in row
    ]
    kept = {cell for cell in cells if cell[3] in needed[cell[1]]}
    left = _TRIES
    levels: tuple[tuple[Callable[[_Cell], Hashable], set[_Cell]], ...] = (
        (lambda cell: cell[0], set()),
        (lambda cell: cell[:3], set()),
        (lambda cell: (cell[1], cell[3]), kept),
        (lambda cell: cell, kept),
    )
    for group_of, keep in levels:
        groups = list(dict.fromkeys(group_of(cell) for cell in cells if cell not in keep))
        size = (len(groups) + 1) // 2
        while size:
            place = 0
            while place < len(groups) and left:
                gone = set(groups[place : place + size])
                rest = [cell for cell in cells if cell in keep or group_of(cell) not in gone]
                left -= 1
                if rest and fails(_only(batches, rest)):
                    cells = rest
                    del groups[place : place + size]
                else:
                    place += size
            size //= 2


def _only(batches: Sequence[Batch], cells: Sequence[_Cell]) -> list[Batch]:
    rows: dict[tuple[int, str, int], dict[str, Any]] = {}
    for number, table, place, column in cells:
        rows.setdefault((number, table, place), {})[column] = batches[number][table][place][column]
    rest: dict[int, Batch] = {}
    for (number, table, _), row in rows.items():
        rest.setdefault(number, {}).setdefault(table, []).append(row)
    return list(rest.values())


class _Falsified(Exception):
    pass


def _settings(examples: int) -> settings:
    asked: dict[str, Any] = {
        "max_examples": examples,
        "deadline": None,
        "suppress_health_check": list(HealthCheck),
        "phases": [Phase.reuse, Phase.generate],
        "report_multiple_bugs": False,
        "verbosity": Verbosity.quiet,
        "print_blob": False,
    }
    if settings.get_current_profile_name() in _DEFAULTS and hypothesis.core.global_force_seed is None:
        asked |= {"derandomize": True, "database": None}
    return settings(**asked)
