"""The project's models and how they read each other: what dbt knows of them, kept so that dbt need not be asked."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import msgspec

from ..catalog.protocol import TableId
from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Model(msgspec.Struct, frozen=True):
    """A model, seed or snapshot. ``parents`` are names of others.

    ``file`` is relative to the dbt project, unless it lies elsewhere, as that of a package may.
    """

    name: str
    kind: str
    materialized: str
    schema: str
    table: str
    file: str
    key: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """The source tables that it reads itself: ``shopify.orders``."""
    inlined: tuple[str, ...] = ()
    """The files of ephemeral models that are part of its SQL."""
    volatile: bool = False
    """Whether its SQL depends on more than files, variables and what is in the lake."""
    latest: str = ""
    """What else a model is called whose latest version this is: ``customers`` of ``customers.v2``."""

    @property
    def id(self) -> TableId:
        return TableId(self.schema, self.table)


class Graph(msgspec.Struct):
    """The models of a project by name."""

    models: dict[str, Model]

    def find(self, name: str) -> Model:
        """The model of that name; raises ``UsageError`` with the nearest names."""
        if found := self.models.get(name):
            return found
        for model in self.models.values():
            if model.latest == name != "":
                return model
        near = get_close_matches(name, self.models, n=3)
        raise UsageError(
            f"There is no model '{name}'.",
            why="the nearest are " + ", ".join(near)
            if near
            else f"the project has {len(self.models)} models",
            todo="name it as `dbt ls` prints it",
        )

    def at(self, table: TableId) -> Model | None:
        """The model that builds a table or view, if one does."""
        return next((model for model in self.models.values() if model.id == table), None)

    def select(self, selection: str) -> list[Model]:
        """The models of a selection, parents first; raises ``UsageError`` for what names none.

        It is names: with ``+`` before one also all that it reads, with ``+`` behind one all that reads it.
        """
        if not selection.split():
            raise UsageError("No model is named.", todo='name one: lake.build("int_shopify__orders")')
        chosen: set[str] = set()
        for part in selection.split():
            name = part.strip("+")
            found = self.find(name)
            chosen.add(found.name)
            if part.startswith("+"):
                chosen |= self.ancestors([found.name])
            if part.endswith("+"):
                chosen |= self.descendants(found.name)
        return self.ordered(chosen)

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """All that the named models read, however far back."""
        found: set[str] = set()
        ahead = [parent for name in names for parent in self.models[name].parents]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += self.models[name].parents
        return found

    def descendants(self, name: str) -> set[str]:
        """All that reads a model, however far on."""
        return {other for other in self.models if name in self.ancestors([other])}

    def ordered(self, names: Iterable[str]) -> list[Model]:
        """Models, each after those that it reads; what does not depend on another comes by name."""
        wanted = set(names)
        done: dict[str, Model] = {}

        def visit(name: str) -> None:
            if name in done:
                return
            for parent in sorted(self.models[name].parents):
                visit(parent)
            done[name] = self.models[name]

        for name in sorted(wanted):
            visit(name)
        return [model for name, model in done.items() if name in wanted]
