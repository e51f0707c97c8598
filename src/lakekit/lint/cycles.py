"""Cycles in a graph that is found out node by node."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Components:
    """Strongly connected components, by Tarjan's algorithm; only what can be reached from what was asked is looked at."""

    def __init__(self, parents: Callable[[str], tuple[str, ...]]) -> None:
        self._parents = parents
        self._numbers: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._open: dict[str, None] = {}
        self._component: dict[str, frozenset[str]] = {}

    def cycle(self, node: str) -> list[str] | None:
        """The shortest way from ``node`` back to itself, both ends included; None if there is none."""
        if node not in self._component:
            self._search(node)
        inside = self._component[node]
        if len(inside) == 1 and node not in self._parents(node):
            return None
        before: dict[str, str] = {}
        waiting = deque([node])
        while waiting:
            here = waiting.popleft()
            for parent in self._parents(here):
                if parent == node:
                    way = [node, here]
                    while way[-1] != node:
                        way.append(before[way[-1]])
                    return way[::-1]
                if parent in inside and parent not in before:
                    before[parent] = here
                    waiting.append(parent)
        return None

    def _search(self, root: str) -> None:
        """Without recursion: chains of models may be long."""
        calls: list[tuple[str, Iterator[str]]] = [self._enter(root)]
        while calls:
            node, parents = calls[-1]
            for parent in parents:
                if parent not in self._numbers:
                    calls.append(self._enter(parent))
                    break
                if parent in self._open:
                    self._low[node] = min(self._low[node], self._numbers[parent])
            else:
                calls.pop()
                if calls:
                    caller = calls[-1][0]
                    self._low[caller] = min(self._low[caller], self._low[node])
                if self._low[node] == self._numbers[node]:
                    self._close(node)

    def _enter(self, node: str) -> tuple[str, Iterator[str]]:
        self._numbers[node] = self._low[node] = len(self._numbers)
        self._open[node] = None
        return node, iter(self._parents(node))

    def _close(self, node: str) -> None:
        members = [node]
        while (last := self._open.popitem()[0]) != node:
            members.append(last)
        component = frozenset(members)
        self._component.update(dict.fromkeys(members, component))
