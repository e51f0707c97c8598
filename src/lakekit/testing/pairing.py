"""Which expected row goes with which found one, when no key says so."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

_BOUND: Final = 200
"""Left-overs beyond this many are not paired: who has that many does not read them one by one."""


def match(candidates: Sequence[Sequence[int]]) -> dict[int, int]:
    """For each left one a right one of its candidates, for as many as can have one at all.

    First come, first served would not do: with a tolerance, or with columns that are not named, one row may take what
    is another's only match, and a table that is as expected would be refused.
    """
    right_of: dict[int, int] = {}
    left_of: dict[int, int] = {}
    closed: set[int] = set()
    hopeless: set[int] = set()
    passed: dict[int, int] = {}
    for start, choices in enumerate(candidates):
        # Equal rows share one list: how far it is used up, and that nothing is left in it, is found out once.
        if id(choices) in hopeless:
            continue
        place = passed.get(id(choices), 0)
        while place < len(choices) and choices[place] in left_of:
            place += 1
        passed[id(choices)] = place
        came_from = {choices[place]: start} if place < len(choices) else {}
        free = choices[place] if came_from else _reach(start, candidates, left_of, came_from, closed)
        if free is None:  # and what did not lead to a free one now never will
            closed |= came_from.keys()
            hopeless.add(id(choices))
        while free is not None:  # along the chain, each moves on to the next one's partner
            left = came_from[free]
            before = right_of.get(left)
            right_of[left], left_of[free] = free, left
            free = before
    return right_of


def _reach(
    start: int,
    candidates: Sequence[Sequence[int]],
    left_of: Mapping[int, int],
    came_from: dict[int, int],
    closed: AbstractSet[int],
) -> int | None:
    """The nearest right one that is free, if those on the way to it moved on; ``came_from`` is the way."""
    queue = deque([start])
    while queue:
        left = queue.popleft()
        for right in candidates[left]:
            if right not in came_from and right not in closed:
                came_from[right] = left
                if right not in left_of:
                    return right
                queue.append(left_of[right])
    return None


def most_similar(
    lefts: int, rights: int, misses: Callable[[int, int], Sequence[int]], width: Callable[[int], int]
) -> list[tuple[int, int]]:
    """Pairs of a left and a right one that are alike, the most similar first.

    ``misses`` are the places of the columns that differ, ``width`` is how many a left one has. Alike is what differs in
    one column, or in at most half of them. Of equals those win that agree in the earlier columns, where names and
    ids are, and then those that stand in the same order.
    """
    scores = []
    for left in range(min(lefts, _BOUND)):
        for right in range(min(rights, _BOUND)):
            places = misses(left, right)
            if len(places) <= max(1, width(left) // 2):
                scores.append((len(places), [-place for place in places], abs(left - right), left, right))
    pairs = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for *_, left, right in sorted(scores):
        if left not in taken[0] and right not in taken[1]:
            pairs.append((left, right))
            taken[0].add(left)
            taken[1].add(right)
    return pairs
