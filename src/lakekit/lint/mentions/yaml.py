"""In YAML of dbt and of lakekit's scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..nodes import inside, mappings
from . import Mention, selections, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..facts import Facts
    from ..yaml import Node
    from . import Names


def scalars(node: Node, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every text in a document, with the keys on the way to it; lists have none."""
    if isinstance(node.value, dict):
        for key, value in node.value.items():
            yield from scalars(value, (*keys, key))
    elif isinstance(node.value, list):
        for item in node.value:
            yield from scalars(item, keys)
    elif isinstance(node.value, str):
        yield keys, node


def in_properties(text: str, document: Node, names: Names, project: str) -> Iterator[Mention]:
    """Entries of models, what unit tests are of, versions, and ref() wherever it is."""
    top: dict[str, Node] = document.value if isinstance(document.value, dict) else {}
    for entry in mappings(top.get("models")):
        name = entry.get("name")
        if name is None or not isinstance(name.value, str):
            continue
        if name.value in names:
            yield Mention(name.value, *inside(name), sure="versions" not in entry)
        for version in mappings(entry.get("versions")):
            files = {str(node.value) for key, node in version.items() if key == "defined_in"}
            files.update(f"{name.value}_v{node.value}" for key, node in version.items() if key == "v")
            yield from (Mention(file, name.start, name.end, sure=False) for file in files if file in names)
    for test in mappings(top.get("unit_tests")):
        if (model := test.get("model")) and isinstance(model.value, str) and model.value in names:
            yield Mention(model.value, *inside(model))
    for keys, node in scalars(document):
        if not keys or keys[-1] != "description":
            yield from _refs(text, node, names, project)


def _refs(text: str, node: Node, names: Names, project: str) -> Iterator[Mention]:
    value = node.value
    if isinstance(value, str) and "ref" in value:
        found = [*sql.refs(text, *inside(node), names, project)]
        meant = [one.name for one in sql.refs(value, 0, len(value), names, project)]
        yield from found
        if [one.name for one in found] != meant:  # its quotes are escaped
            yield from (Mention(name, node.start, node.end, sure=False) for name in meant)


def in_project(text: str, document: Node, names: Names, project: str) -> Iterator[Mention]:
    """Of ``dbt_project.yml``: the keys that configure a model, each below its folders'; and hooks' ref()."""
    for name, model in names.items():
        node: Any = document
        for key in ("models", project, *model.folders, name):
            node = node.value.get(key) if node and isinstance(node.value, dict) else None
        if node:
            yield Mention(name, *_key(text, node))
    for _, node in scalars(document):
        yield from _refs(text, node, names, project)


def in_selectors(text: str, document: Node, names: Names, facts: Facts) -> Iterator[Mention]:
    """Of ``selectors.yml``: what definitions select by name."""
    yield from _selected(text, document, "", names, facts)


def _selected(text: str, node: Node, method: str, names: Names, facts: Facts) -> Iterator[Mention]:
    if isinstance(node.value, dict):
        given = node.value.get("method")
        for key, value in node.value.items():
            if key in {"name", "description", "method"}:
                continue
            said = str(given.value) if given and key == "value" else key
            yield from _selected(text, value, said, names, facts)
    elif isinstance(node.value, list):
        for item in node.value:
            yield from _selected(text, item, method, names, facts)
    elif isinstance(node.value, str) and method in {
        "definition",
        "fqn",
        "path",
        "union",
        "intersection",
        "exclude",
    }:
        start, end = inside(node)
        prefix = f"{method}:" if method in {"fqn", "path"} else ""
        yield from selections.mentions(prefix + text[start:end], start - len(prefix), names, facts)


def in_scenarios(text: str, document: Node, names: Names, facts: Facts, near: str) -> Iterator[Mention]:
    """Of a file of scenarios: tables that are given and expected, what is built, and statements."""
    for step in _steps(document):
        for kind in ("given", "expect"):
            tables = step[kind].value if kind in step else None
            for key, node in tables.items() if isinstance(tables, dict) else ():
                start, end = _key(text, node)
                yield from _table(key, start, end, names, facts, near)
        for kind, parts in (
            ("build", ("select", "exclude")),
            ("snapshot", ("table",)),
            ("sql", ("statement",)),
        ):
            for node in _said(step.get(kind), parts):
                start, end = inside(node)
                if kind == "build":
                    yield from selections.mentions(text[start:end], start, names, facts)
                elif kind == "snapshot":
                    yield from _table(text[start:end], start, end, names, facts, near)
                else:
                    yield from sql.tables(text, start, end, names, facts, near)


def _steps(node: Node) -> Iterator[dict[str, Node]]:
    if isinstance(node.value, dict):
        yield node.value
        for key, value in node.value.items():
            if key in {"scenarios", "steps", "branch"}:
                yield from _steps(value)
    elif isinstance(node.value, list):
        for item in node.value:
            yield from _steps(item)


def _said(node: Node | None, parts: tuple[str, ...]) -> Iterator[Node]:
    if node and isinstance(node.value, dict):
        for part in parts:
            yield from _said(node.value.get(part), ())
    elif node and isinstance(node.value, str):
        yield node


def _table(said: str, start: int, end: int, names: Names, facts: Facts, near: str) -> Iterator[Mention]:
    name = sql.named(said, names, facts, near)
    if name and end - start == len(said):
        yield Mention(name, end - len(name), end)


def _key(text: str, node: Node) -> tuple[int, int]:
    """The place of a value's key without its quotes."""
    quoted = text[node.key_start] in "'\""
    return node.key_start + quoted, node.key_end - quoted
