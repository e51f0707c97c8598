"""What is asked of a document in YAML, whatever it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .yaml import Node


def mappings(node: Node | None) -> Iterator[dict[str, Node]]:
    """Those in a list."""
    for item in node.value if node and isinstance(node.value, list) else ():
        if isinstance(item.value, dict):
            yield item.value


def inside(node: Node) -> tuple[int, int]:
    """The place of a scalar without its quotes: what a rename replaces."""
    quoted = isinstance(node.value, str) and node.end - node.start == len(node.value) + 2
    return (node.start + 1, node.end - 1) if quoted else (node.start, node.end)


def plain(node: Node) -> Any:
    """A node's value without places."""
    if isinstance(node.value, dict):
        return {key: plain(value) for key, value in node.value.items()}
    if isinstance(node.value, list):
        return [plain(value) for value in node.value]
    return node.value
