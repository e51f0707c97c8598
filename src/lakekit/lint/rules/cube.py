"""LK7: what Cube serves is in the marts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...naming import Layer
from ..findings import Problem
from ..registry import rule
from . import meant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..cubes import Column, Inclusion
    from ..facts import Facts
    from ..subjects import Cube, Model


@rule("LK701")
def unknown_member(file: Cube, facts: Facts) -> Iterator[Problem]:
    """What a cube names is there: its table is a model's, the columns of its members are the model's, and a view's members a cube's.

    Columns are read from the model's SELECT; where that does not tell them (a macro makes them, a star is of a source), nothing
    is said. Neither is anything said of YAML with Jinja, of JavaScript, and of cubes of another ``data_source``.
    """
    read = facts.cubes.file(file.path)
    for cube in read.cubes:
        if cube.table and facts.cubes.model(cube.table.text) is False:
            yield Problem(f"'{cube.table.text}' is no model's table", cube.table.start, cube.table.end)
        for column in cube.columns:
            yield from _column(column, facts)
    for inclusion in read.inclusions:
        yield from _inclusion(inclusion, facts)


@rule("LK702", layer=Layer.MARTS)
def mart_without_cube(model: Model, facts: Facts) -> Iterator[Problem]:
    """Each mart has a cube, where there are any: what no one can ask for need not be built.

    Nothing is said where cubes are made by Jinja or JavaScript, and of ephemeral models.
    """
    if not facts.files.cubes:
        return
    cubes = facts.cubes
    if cubes.serves(model.name) or not cubes.named or not cubes.all_told:
        return
    alias = model.config("alias")
    if model.config("materialized") == "ephemeral" or (alias and cubes.serves(str(alias))):
        return
    yield Problem(f"no cube is of '{model.name}'")


def _column(column: Column, facts: Facts) -> Iterator[Problem]:
    known = facts.cubes.columns(column.cube)
    if known is None or column.name in known:
        return
    what, near = f"'{column.cube}' has no column '{column.name}'", known
    if column.is_member:
        members = facts.cubes.members(column.cube)
        if members is None or column.name in _lower(members):
            return
        what, near = f"'{column.cube}' has no member '{column.name}'", known | _lower(members)
    yield Problem(what + meant(column.name, near), column.start, column.end)


def _inclusion(inclusion: Inclusion, facts: Facts) -> Iterator[Problem]:
    name, start, end = inclusion.cube
    members = facts.cubes.members(name)
    if members is None:
        if facts.cubes.all_told and name not in facts.cubes.named and name not in facts.cubes.views:
            yield Problem(f"there is no cube '{name}'", start, end)
        return
    for member in inclusion.members:
        if member.text not in members and member.text != "*":
            yield Problem(
                f"'{name}' has no member '{member.text}'{meant(member.text, members)}",
                member.start,
                member.end,
            )


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(str.lower, names))
