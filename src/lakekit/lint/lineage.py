"""What depends on what, as dbt's graph has it: models, and all else that a selection may go through.

Looked at only as far as it is asked for.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from .dbt_project import FILE
from .jinja import Ref
from .subjects import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .facts import Facts
    from .properties import Entry

_PYTHON_REF: Final = re.compile(r"""\bdbt\s*\.\s*ref\(\s*["'](\w+)["']\s*\)""")
_CONFIGURED: Final = frozenset({"seed", "snapshot", "model"})
_TESTED: Final = frozenset({"models", "seeds", "snapshots"})


class Node(NamedTuple):
    """``fqn`` begins with the project's name; a source's goes on with source and table. ``path`` is dbt's own."""

    key: str
    """The file's path, where the file is this one's alone."""
    kind: str
    fqn: tuple[str, ...]
    path: str
    model: Model | None = None

    @property
    def name(self) -> str:
        return self.fqn[-1]


class Lineage:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._models: dict[str, Node] = {}
        self._parents: dict[str, tuple[Node, ...]] = {}

    def node(self, model: Model) -> Node:
        node = self._models.get(model.path)
        if node is None:
            fqn = (self._facts.dbt.name, *model.folders, model.name)
            node = Node(model.path, "model", fqn, self._relative(model.path), model)
            self._models[model.path] = node
        return node

    @cached_property
    def nodes(self) -> list[Node]:
        """All there are."""
        models = map(self.node, self._facts.models)
        return [*models, *self._others.values(), *self._sources.values(), *self._leaves()]

    def above(self, nodes: Iterable[Node], generations: int) -> Iterator[Node]:
        """What ``nodes`` depend on, so many generations up."""
        layer, seen = list(nodes), set[str]()
        while layer and generations > 0:
            generations -= 1
            found = {up.key: up for node in layer for up in self._up(node) if up.key not in seen}
            seen.update(found)
            layer = list(found.values())
            yield from layer

    def entries(self, path: str) -> frozenset[str]:
        """The models that a file of properties has entries of; ``path`` is dbt's."""
        path = os.path.join(self._facts.folder, path)
        if path not in self._facts.files.properties:
            return frozenset()
        return frozenset(one.name for one in self._facts.properties(path).entries if one.section == "models")

    def tags(self, node: Node) -> list[str] | None:
        """Those of what is no model of SQL, where it is plain that there are none."""
        facts = self._facts
        own = os.path.join(facts.folder, node.path)
        texts = [facts.text(own)]
        if node.kind in _CONFIGURED:
            texts += [text for text in map(facts.text, facts.files.properties) if node.name in text]
            texts.append(facts.text(os.path.join(facts.folder, FILE)).partition(f"\n{node.kind}s:")[2])
        return None if any("tags" in text for text in texts) else []

    def _up(self, node: Node) -> tuple[Node, ...]:
        if node.key not in self._parents:
            facts, found = self._facts, list[Node | None]()
            if node.key.endswith(".sql"):
                sql = facts.sql(node.key)
                found += [self._meant(ref) for ref in sql.refs]
                found += [self._sources.get((one.source, one.table)) for one in sql.sources]
            elif node.key.endswith(".py"):
                names = _PYTHON_REF.findall(facts.text(node.key))
                found += [self._meant(Ref(None, name, None, 0, 0)) for name in names]
            self._parents[node.key] = tuple(filter(None, found))
        return self._parents[node.key]

    def _meant(self, ref: Ref) -> Node | None:
        target = self._facts.target(ref)
        return self.node(target) if isinstance(target, Model) else self._others.get(ref.name)

    @cached_property
    def _sources(self) -> dict[tuple[str, str], Node]:
        facts = self._facts
        return {
            (source.name, table.name): Node(
                f"source {source.name}.{table.name}",
                "source",
                (facts.dbt.name, source.name, table.name),
                self._relative(path),
            )
            for path in facts.files.properties
            if "sources" in facts.text(path)
            for source in facts.properties(path).sources
            for table in source.tables
        }

    @cached_property
    def _others(self) -> dict[str, Node]:
        """Seeds, snapshots and Python models, by their names."""
        facts, dbt = self._facts, self._facts.dbt
        found = [
            *(self._file(path, "seed", dbt.seed_paths) for path in facts.files.seeds),
            *(self._file(path, "model", dbt.model_paths) for path in facts.files.python_models),
            *(
                self._file(path, "snapshot", dbt.snapshot_paths, name)
                for path in facts.files.queries
                if (name := facts.sql(path).named)
            ),
        ]
        return {node.name: node for node in found}

    def _leaves(self) -> Iterator[Node]:
        """What only depends: tests, analyses, exposures."""
        facts, dbt = self._facts, self._facts.dbt
        for paths, kind in ((dbt.test_paths, "test"), (dbt.analysis_paths, "analysis")):
            roots = tuple(f"{path}/" for path in paths)
            for path in facts.files.queries:
                if self._relative(path).startswith(roots) and "{% macro" not in facts.text(path):
                    yield self._file(path, kind, paths)
        for path in facts.files.properties:
            if "ref(" in facts.text(path):
                yield from self._declared(path)

    def _declared(self, path: str) -> Iterator[Node]:
        """The exposures of a file of properties, and those of its tests that are of two models."""
        read = self._facts.properties(path)
        entries = sorted(read.entries, key=lambda entry: entry.start)
        by_entry: dict[Entry, list[Node]] = {}
        for ref in read.refs:
            owner = next((one for one in reversed(entries) if one.start < ref.start), None)
            if owner and (node := self._meant(ref)):
                by_entry.setdefault(owner, []).append(node)
        for entry, nodes in by_entry.items():
            if entry.section == "exposures":
                yield self._leaf(path, "exposure", entry.name, nodes)
            elif entry.section in _TESTED and (own := self._meant(Ref(None, entry.name, None, 0, 0))):
                for node in nodes:
                    yield self._leaf(path, "test", f"{entry.name} and {node.name}", [own, node])

    def _leaf(self, path: str, kind: str, name: str, parents: list[Node]) -> Node:
        roots = (*self._facts.dbt.model_paths, *self._facts.dbt.seed_paths, *self._facts.dbt.snapshot_paths)
        node = self._file(path, kind, roots, name)._replace(key=f"{kind} {name} {path}")
        self._parents[node.key] = tuple(parents)
        return node

    def _file(self, path: str, kind: str, roots: Iterable[str], name: str = "") -> Node:
        relative = self._relative(path)
        root = next((one for one in roots if relative.startswith(f"{one}/")), "")
        *folders, file = relative.removeprefix(f"{root}/").split("/")
        fqn = (self._facts.dbt.name, *folders, name or file.rpartition(".")[0])
        return Node(path, kind, fqn, relative)

    def _relative(self, path: str) -> str:
        return path.removeprefix(self._facts.folder + os.sep).replace(os.sep, "/")
