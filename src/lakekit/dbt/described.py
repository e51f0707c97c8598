"""What dbt knows of the models of a schema: what is written of them, what their tests prove, and their SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..catalog.protocol import TableId
from .models import Models

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..engine.protocol import DbtTarget
    from ..settings import Settings

_COMBINATION: Final = "unique_combination_of_columns"
"""Of a package: lakekit has a test of that name, and so has dbt_utils."""


class Reference(NamedTuple):
    """A ``relationships`` test: each value of ``column`` is one of ``field`` in the table ``to``."""

    column: str
    to: TableId
    field: str


class Described(NamedTuple):
    """A model. ``columns`` are the documented ones, ``meta`` and ``column_meta`` what is said for other tools."""

    table: TableId
    unique_id: str
    description: str
    columns: Mapping[str, str]
    meta: Mapping[str, Any]
    column_meta: Mapping[str, Mapping[str, Any]]
    key: tuple[str, ...]
    """Columns that tests prove to be unique together and never null; empty where none do."""
    references: tuple[Reference, ...]
    sql: str
    """As dbt compiles it; empty where it is a Python model."""


def describe(settings: Settings, schema: str, target: DbtTarget) -> list[Described]:
    """The project's models that are built in ``schema``, by their tables' names.

    What is part of others' SQL (ephemeral models) is none of them. Raises ``ProjectError`` where there is no dbt project,
    ``BuildFailed`` where dbt cannot parse it or compile a model.
    """
    scratch = settings.project / ".lakekit" / "dbt" / settings.engine / "described"
    models = Models(settings.dbt, target, scratch, {})
    tests = [node for node in models.manifest.nodes.values() if _proves(node)]
    found = []
    for model in models.graph.models.values():
        node = models.node(model)
        if model.kind != "model" or model.schema != schema or model.materialized == "ephemeral":
            continue
        own = [test for test in tests if test.attached_node == node.unique_id]
        columns = {name.lower(): column for name, column in node.columns.items()}
        found.append(
            Described(
                model.id,
                node.unique_id,
                node.description,
                {name: column.description for name, column in columns.items()},
                node.config.meta,
                {name: column.meta for name, column in columns.items() if column.meta},
                _key(own, list(columns)),
                tuple(sorted(_references(own, models.manifest))),
                models.compile(model, target) if node.language == "sql" else "",
            )
        )
    return sorted(found)


def _proves(node: Any) -> bool:
    """Whether a test says something of all rows, and stops a publish where it is not so."""
    return (
        node.resource_type == "test"
        and getattr(node, "test_metadata", None) is not None  # one that is written as a query has none
        and not node.config.where
        and node.config.severity.lower() == "error"
        and node.config.error_if == "!= 0"  # dbt's default: a single row is one too many
    )


def _key(tests: Iterable[Any], documented: list[str]) -> tuple[str, ...]:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for test in tests:
        by_name.setdefault(test.test_metadata.name, []).append(test.test_metadata.kwargs)
    never_null = {_column(one["column_name"]) for one in by_name.get("not_null", ())}
    unique: list[tuple[str, ...]] = [(_column(one["column_name"]),) for one in by_name.get("unique", ())]
    unique += [tuple(map(_column, one["combination_of_columns"])) for one in by_name.get(_COMBINATION, ())]
    place = {name: index for index, name in enumerate(documented)}
    keys = [key for key in unique if never_null.issuperset(key)]
    return min(keys, key=lambda key: (len(key), [place.get(one, len(place)) for one in key], key), default=())


def _references(tests: Iterable[Any], manifest: Any) -> Iterator[Reference]:
    for test in tests:
        if test.test_metadata.name != "relationships":
            continue
        said = test.test_metadata.kwargs
        for name in test.depends_on.nodes:
            target = manifest.nodes.get(name)
            if target is not None and name != test.attached_node:
                to = TableId(target.schema, target.alias)
                yield Reference(_column(said["column_name"]), to, _column(said["field"]))


def _column(name: str) -> str:
    return re.sub(r'^"(.*)"$', r"\1", name).lower()
