"""What one file of properties says: models and columns with their tests, sources with their tables, what refers to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import jinja
from .sql import Broken
from .yaml import Node, YamlError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

# dbt's names of what has properties of its own.
_SECTIONS: Final = (
    "models",
    "seeds",
    "snapshots",
    "macros",
    "analyses",
    "exposures",
    "unit_tests",
    "semantic_models",
)


class Column(NamedTuple):
    name: str
    start: int
    end: int
    described: bool
    tests: frozenset[str]


class Entry(NamedTuple):
    """An entry of a section; the place is its name's. ``model`` is what a unit test is of, and where it says so."""

    section: str
    name: str
    start: int
    end: int
    described: bool
    columns: tuple[Column, ...]
    tests: frozenset[str]
    config: dict[str, Any]
    versions: tuple[str, ...]
    model: tuple[str, int, int] | None


class SourceTable(NamedTuple):
    """A table of a source; the place is its name's."""

    source: str
    name: str
    start: int
    end: int


class Source(NamedTuple):
    """A source; the place is its name's."""

    name: str
    start: int
    end: int
    tables: tuple[SourceTable, ...]


class Properties(NamedTuple):
    entries: tuple[Entry, ...]
    sources: tuple[Source, ...]
    refs: tuple[jinja.Ref, ...]
    """Of tests, exposures, unit tests and metrics."""
    source_calls: tuple[jinja.SourceCall, ...]
    broken: Broken | None = None


def read(text: str) -> Properties:
    """Read a file's text; what is no YAML is ``broken``, with nothing in it."""
    try:
        document = parse(text)
    except YamlError as error:
        return Properties((), (), (), (), Broken(error.what, error.offset, error.offset))
    top = document.value if isinstance(document.value, dict) else {}
    called = list(jinja.calls(text, 0, len(text))) if "ref(" in text or "source(" in text else []
    return Properties(
        entries=tuple(_entries(top)),
        sources=tuple(_source(one) for one in _mappings(top.get("sources"))),
        refs=tuple(filter(None, map(jinja.ref, called))),
        source_calls=tuple(filter(None, map(jinja.source, called))),
    )


def _entries(top: dict[str, Node]) -> Iterator[Entry]:
    for section in _SECTIONS:
        for one in _mappings(top.get(section)):
            name = one.get("name")
            if name is None or not isinstance(name.value, str):
                continue
            model = one.get("model")
            versions = [version["v"] for version in _mappings(one.get("versions")) if "v" in version]
            yield Entry(
                section,
                name.value,
                *_inside(name),
                described=_is_said(one),
                columns=tuple(_columns(one)),
                tests=_tests(one),
                config=plain(one["config"])
                if "config" in one and isinstance(one["config"].value, dict)
                else {},
                versions=tuple(str(version.value) for version in versions),
                model=(model.value, *_inside(model)) if model and isinstance(model.value, str) else None,
            )


def _columns(one: dict[str, Node]) -> Iterator[Column]:
    for column in _mappings(one.get("columns")):
        name = column.get("name")
        if name and isinstance(name.value, str):
            yield Column(name.value, *_inside(name), _is_said(column), _tests(column))


def _source(one: dict[str, Node]) -> Source:
    name = one.get("name", _NONE)
    of = str(name.value)
    tables = [table["name"] for table in _mappings(one.get("tables")) if "name" in table]
    return Source(
        of, *_inside(name), tuple(SourceTable(of, str(table.value), *_inside(table)) for table in tables)
    )


_NONE: Final = Node(None, 0, 0)


def _tests(one: dict[str, Node]) -> frozenset[str]:
    """The names of an entry's tests; a constraint counts, for the table itself keeps it."""
    found: list[str] = []
    for key in ("tests", "data_tests"):
        items = one[key].value if key in one else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item.value, str):
                found.append(item.value)
            elif isinstance(item.value, dict):
                named = item.value.get("test_name")
                found.extend([str(named.value)] if named else list(item.value)[:1])
    for constraint in _mappings(one.get("constraints")):
        kind = constraint.get("type", _NONE).value
        found.extend(("unique", "not_null") if kind == "primary_key" else [str(kind)])
    return frozenset(found)


def _is_said(one: dict[str, Node]) -> bool:
    description = one.get("description")
    return bool(description and isinstance(description.value, str) and description.value.strip())


def _mappings(node: Node | None) -> Iterator[dict[str, Node]]:
    for item in node.value if node and isinstance(node.value, list) else ():
        if isinstance(item.value, dict):
            yield item.value


def _inside(node: Node) -> tuple[int, int]:
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
