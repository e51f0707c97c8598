"""The data model: a private cube for each mart, and a view of it for everyone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from ..naming import PREFIXES, Layer, quoted
from .measures import is_money, measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .marts import Mart


class Join(NamedTuple):
    """From one mart to another, whose whole key ``field`` is."""

    to: Mart
    column: str
    field: str
    relationship: str


class Cube(NamedTuple):
    """What is made of a mart: a cube and a view, as Cube's YAML has them."""

    mart: Mart
    cube: dict[str, Any]
    view: dict[str, Any]

    @property
    def members(self) -> dict[str, list[str]]:
        return {kind: [one["name"] for one in self.cube[kind]] for kind in ("dimensions", "measures")}


def model(marts: Sequence[Mart]) -> list[Cube]:
    """The cubes and views of all marts."""
    by_table = {mart.table: mart for mart in marts}
    views = _view_names(marts)
    found = []
    for mart in marts:
        joins = _joins(mart, by_table.values())
        cube = _cube(mart, joins)
        found.append(Cube(mart, cube, _view(mart, cube, joins, views)))
    return found


def _cube(mart: Mart, joins: list[Join]) -> dict[str, Any]:
    cube: dict[str, Any] = {
        "name": mart.name,
        "public": False,
        "sql_table": f"{quoted(mart.table.schema)}.{quoted(mart.table.name)}",
    }
    if mart.described.description:
        cube["description"] = _told(mart.described.description)
    cube["meta"] = {"dbt_unique_id": mart.described.unique_id}
    if joins:
        cube["joins"] = [
            {
                "name": join.to.name,
                "relationship": join.relationship,
                "sql": f"{{CUBE}}.{quoted(join.column)} = {{{join.to.name}}}.{quoted(join.field)}",
            }
            for join in joins
        ]
    cube["dimensions"] = [_dimension(mart, name, kind) for name, kind in mart.dimensions.items()]
    cube["measures"] = [
        {
            "name": one.name,
            "type": one.kind,
            **(
                {"sql": one.sql if one.kind == "number" else f"{{CUBE}}.{quoted(one.sql)}"} if one.sql else {}
            ),
            **({"format": "currency"} if one.is_money else {}),
            **({"description": _told(one.description)} if one.description else {}),
        }
        for one in measures(mart)
    ]
    if mart.access_policy:
        cube["access_policy"] = mart.access_policy
    return cube


def _dimension(mart: Mart, name: str, kind: str) -> dict[str, Any]:
    column = f"{{CUBE}}.{quoted(name)}"
    # Cube does arithmetic of time zones on it, which is for timestamps.
    sql = f"cast({column} as timestamp)" if pa.types.is_date(mart.columns[name]) else column
    dimension: dict[str, Any] = {"name": name, "sql": sql, "type": kind}
    if name in mart.key:
        dimension |= {"primary_key": True, "public": True}
    if is_money(mart, name):
        dimension["format"] = "currency"
    if said := mart.descriptions.get(name):
        dimension["description"] = _told(said)
    return dimension


def _view(mart: Mart, cube: dict[str, Any], joins: list[Join], names: dict[str, str]) -> dict[str, Any]:
    view: dict[str, Any] = {"name": names[mart.name]}
    if "description" in cube:
        view["description"] = cube["description"]
    view["meta"] = cube["meta"]
    own = [member["name"] for kind in ("measures", "dimensions") for member in cube[kind]]
    view["cubes"] = [{"join_path": mart.name, "includes": own}]
    for join in joins:
        # A view guards its own members only: those of a mart that not everyone may see are in its own view alone.
        if join.to.access_policy:
            continue
        included = [name for name in join.to.dimensions if name not in join.to.key]
        if included:
            view["cubes"].append(
                {
                    "join_path": f"{mart.name}.{join.to.name}",
                    "alias": names[join.to.name],
                    "prefix": True,
                    "includes": included,
                }
            )
    if mart.access_policy:
        view["access_policy"] = mart.access_policy
    return view


def _joins(mart: Mart, marts: Iterable[Mart]) -> list[Join]:
    """To each mart that tests say is referred to by its key: by one column only, for Cube has one join a pair."""
    found = []
    for other in marts:
        columns = [
            one.column for one in mart.references if (one.to, (one.field,)) == (other.table, other.key)
        ]
        if len(columns) != 1 and other.key:
            columns = [one for one in columns if (one,) == other.key]
        if other is not mart and len(columns) == 1:
            relationship = "one_to_one" if mart.key == (columns[0],) else "many_to_one"
            found.append(Join(other, columns[0], other.key[0], relationship))
    return found


def _view_names(marts: Sequence[Mart]) -> dict[str, str]:
    """A view is called as its mart is without the prefix, where no other is called so."""
    cubes = {mart.name for mart in marts}
    short = {name: _without_prefix(name) for name in cubes}
    taken = cubes | {one for one in short.values() if list(short.values()).count(one) > 1}
    return {name: f"{name}_view" if one in taken else one for name, one in short.items()}


def _without_prefix(name: str) -> str:
    return next(
        (name.removeprefix(one) for one in PREFIXES[Layer.MARTS] if name.startswith(one) and name != one),
        name,
    )


def _told(description: str) -> str:
    """A description for Cube, to which braces are code and a backslash is the beginning of something."""
    return " ".join(description.translate(str.maketrans("{}\\", "()/")).split())
