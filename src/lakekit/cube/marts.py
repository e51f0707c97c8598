"""A mart as both dbt and the lake know it: what is written of its columns, and what they really are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ..dbt.described import describe
from ..errors import ProjectError, UsageError
from ..naming import MAIN, Layer, quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..catalog.protocol import TableId
    from ..dbt.described import Described, Reference
    from ..lake import Lake

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_SETTINGS: Final = {
    "model": ("access_policy", "cube: {access_policy: [{group: marketing, …}]}"),
    "column": ("measures", "cube: {measures: [sum, avg]}"),
}
"""What may be said of each, and how."""


@dataclass(frozen=True, slots=True)
class Mart:
    """``columns`` are the table's, in its order, with Arrow's types."""

    described: Described
    columns: Mapping[str, pa.DataType]

    @property
    def table(self) -> TableId:
        return self.described.table

    @property
    def name(self) -> str:
        return self.described.table.name

    @property
    def key(self) -> tuple[str, ...]:
        return self.described.key

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.described.references

    @property
    def descriptions(self) -> Mapping[str, str]:
        return self.described.columns

    @property
    def sql(self) -> str:
        return self.described.sql

    @property
    def keys(self) -> set[str]:
        """The columns that identify something: of the mart's own key, and those that refer to others'."""
        return {*self.key, *(reference.column for reference in self.references)}

    @property
    def dimensions(self) -> dict[str, str]:
        """Columns and Cube's types of them."""
        kinds = {name: _dimension_type(type_) for name, type_ in self.columns.items()}
        return {name: kind for name, kind in kinds.items() if kind and _NAME.fullmatch(name)}

    @property
    def left_out(self) -> list[str]:
        """Columns that Cube has no type for, or that it cannot call so."""
        return [name for name in self.columns if name not in self.dimensions]

    @property
    def access_policy(self) -> list[Any]:
        """What the model's ``meta`` says in ``cube.access_policy``, as Cube has it."""
        policy = _settings("model", self.described.meta, str(self.table)).get("access_policy", [])
        if not isinstance(policy, list):
            raise _wrong("model", str(self.table), "cube.access_policy is no list")
        return policy

    def column_settings(self, name: str) -> Mapping[str, Any]:
        """What a column's ``meta`` says in ``cube``."""
        return _settings("column", self.described.column_meta.get(name, {}), f"{self.table}.{name}")


def marts(lake: Lake, ref: str) -> list[Mart]:
    """The project's marts with the columns that they have in the lake, by name; ``ref`` is what people call the lake's.

    Raises ``UsageError`` where one is not built or lacks a column that the project names, and what ``describe`` does.
    """
    described = describe(lake.settings, Layer.MARTS, lake.engine.dbt_target(lake.ref))
    if not described:
        raise ProjectError(
            "The project has no marts.",
            why=f"no model of it is built in the schema '{Layer.MARTS}'",
            todo=f"a model in the folder {Layer.MARTS}, as `lakekit new` makes some",
        )
    there = lake.catalog.entries(lake.ref)
    if missing := [str(one.table) for one in described if one.table not in there]:
        raise UsageError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not built at '{ref}'.",
            why="the types of a cube's dimensions are those of the mart's table",
            todo="lakekit build" + ("" if ref == MAIN else ", or name another ref"),
        )
    return [_mart(lake, ref, one) for one in described]


def _mart(lake: Lake, ref: str, described: Described) -> Mart:
    table = described.table
    schema = lake.sql(f"select * from {quote(table.schema, table.name)} limit 0").arrow().schema
    columns = {field.name.lower(): field.type for field in schema}
    named = (*described.columns, *described.key, *(one.column for one in described.references))
    if missing := sorted(set(named) - columns.keys()):
        raise UsageError(
            f"{table} has no column '{missing[0]}' at '{ref}'.",
            why="the project documents or tests it: the table is older than the project, or the name is wrong",
            todo="lakekit build, or mend the YAML",
        )
    return Mart(described, columns)


def _settings(kind: str, meta: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    said = meta.get("cube", {})
    if not isinstance(said, dict):
        raise _wrong(kind, where, "cube is no mapping")
    if unknown := said.keys() - {_SETTINGS[kind][0]}:
        raise _wrong(kind, where, f"cube.{min(map(str, unknown))} is not {_SETTINGS[kind][0]}")
    return said


def _wrong(kind: str, where: str, why: str) -> ProjectError:
    return ProjectError(
        f"What the meta of {where} says cannot be meant.",
        why=why,
        todo=f"write it so, or leave it out: {_SETTINGS[kind][1]}",
    )


def _dimension_type(type_: pa.DataType) -> str | None:
    """Cube's type of a column; None where it has none (lists, maps, rows, binary, times of a day)."""
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return "time"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "string"
    return None
