"""In Cube's semantic model: the tables of cubes, and cubes that are called like their table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ..nodes import inside, mappings
from ..tables import QUOTES
from . import Mention, sql
from .yaml import scalars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..yaml import Node
    from . import Names

_IN_BRACES: Final = re.compile(r"\{\s*(\w+)\s*(?=[.}])")
_WORD: Final = re.compile(r"\w+")
_MEMBER: Final = re.compile(r"(\w+)\.[\w.]+")
_ID: Final = "dbt_unique_id"
"""The key below which ``lakekit cube`` says what model a cube is made of."""
_PLACES: Final = frozenset({"join_path", "extends", "cube"})
_MEMBERS: Final = frozenset({
    "measures", "dimensions", "segments", "drill_members", "rollups", "time_dimension", "member", "includes",
})  # fmt: skip


def called_alike(document: Node, names: Names, facts: Facts, text: str, near: str) -> set[str]:
    """The models whose cubes bear their names, of those that a file has."""
    found = set()
    for cube in _cubes(document):
        name = cube.get("name")
        if name and name.value in names:
            read = {one.name for one in _tables(cube, text, names, facts, near)}
            found.update(read & {str(name.value)})
    return found


def mentions(
    text: str, document: Node, names: Names, facts: Facts, near: str, *, cubes: Names
) -> Iterator[Mention]:
    """The tables that are read, and wherever one of ``cubes`` is named."""
    for cube in _cubes(document):
        yield from _tables(cube, text, names, facts, near)
        for one in (cube, *mappings(cube.get("joins"))):
            if (name := one.get("name")) and name.value in cubes:
                yield Mention(str(name.value), *inside(name))
    for keys, node in scalars(document):
        key = keys[-1] if keys else ""
        start, end = inside(node)
        yield from _members(text, key, start, end, cubes)
        of = text[start:end].removeprefix(f"model.{facts.dbt.name}.")
        if key == _ID and of in names:
            yield Mention(of, end - len(of), end)


def _members(text: str, key: str, start: int, end: int, cubes: Names) -> Iterator[Mention]:
    """Cubes that a value names: in braces, or where its key says that it is a cube's or a member's name."""
    for found in _IN_BRACES.finditer(text, start, end):
        if found[1] in cubes:
            yield Mention(found[1], *found.span(1))
    if key in _PLACES:
        for part in _WORD.finditer(text, start, end):
            if part[0] in cubes:
                yield Mention(part[0], *part.span())
    elif key in _MEMBERS and (member := _MEMBER.fullmatch(text, start, end)) and member[1] in cubes:
        yield Mention(member[1], *member.span(1))


def _cubes(document: Node) -> Iterator[dict[str, Node]]:
    if isinstance(document.value, dict):
        yield from mappings(document.value.get("cubes"))


def _tables(cube: dict[str, Node], text: str, names: Names, facts: Facts, near: str) -> Iterator[Mention]:
    if (table := cube.get("sql_table")) and isinstance(table.value, str):
        end = inside(table)[1] - table.value.endswith(QUOTES)
        name = sql.named(table.value, names, facts, near)
        if name and text[end - len(name) : end] == name:
            yield Mention(name, end - len(name), end)
    if (query := cube.get("sql")) and isinstance(query.value, str):
        yield from sql.tables(text, query.start, query.end, names, facts, near)
