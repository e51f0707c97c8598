"""What one file of properties says: models and columns with their tests, sources with their tables, what refers to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import jinja
from .nodes import inside, mappings, plain
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


class Entry:
    """An entry of a section; the place is its name's. What else is in it is read again by who asks: few are asked about."""

    __slots__ = ("_at", "_of", "_text", "described", "end", "name", "section", "start")

    def __init__(self, section: str, node: Node, text: str) -> None:
        of = node.value
        assert isinstance(of, dict)
        self.section = section
        self.name = str(of["name"].value)
        self.start, self.end = inside(of["name"])
        self.described = _is_said(of)
        # With the dash before it, so that it is at the column where it was. Five thousand texts are half of the nodes.
        self._at = text.rfind("\n", 0, node.start) + 1
        self._text = text[self._at : node.end]
        alone = text[self._at : node.start].strip() == "-" and "*" not in self._text and "&" not in self._text
        self._of = None if alone else of

    def _node(self) -> dict[str, Node]:
        if self._of is not None:
            return self._of
        items = parse(self._text).value
        assert isinstance(items, list)
        value = items[0].value
        return value if isinstance(value, dict) else {}

    def _offset(self) -> int:
        return self._at if self._of is None else 0

    @property
    def columns(self) -> Iterator[Column]:
        for column in mappings(self._node().get("columns")):
            name = column.get("name")
            if name and isinstance(name.value, str):
                start, end = inside(name)
                offset = self._offset()
                yield Column(name.value, start + offset, end + offset, _is_said(column), _tests(column))

    @property
    def tests(self) -> frozenset[str]:
        """The names of the tests of the whole."""
        return _tests(self._node())

    @property
    def config(self) -> dict[str, Any]:
        config = self._node().get("config") if "config" in self._text else None
        return plain(config) if config and isinstance(config.value, dict) else {}

    @property
    def versions(self) -> list[str]:
        versions = mappings(self._node().get("versions")) if "versions" in self._text else ()
        return [str(version["v"].value) for version in versions if "v" in version]

    @property
    def model(self) -> tuple[str, int, int] | None:
        """What a unit test is of, and where it says so."""
        model = self._node().get("model")
        if model is None or not isinstance(model.value, str):
            return None
        start, end = inside(model)
        return model.value, start + self._offset(), end + self._offset()


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
        entries=tuple(_entries(top, text)),
        sources=tuple(_source(one) for one in mappings(top.get("sources"))),
        refs=tuple(filter(None, map(jinja.ref, called))),
        source_calls=tuple(filter(None, map(jinja.source, called))),
    )


def _entries(top: dict[str, Node], text: str) -> Iterator[Entry]:
    for section in _SECTIONS:
        items = top[section].value if section in top else None
        for item in items if isinstance(items, list) else ():
            name = item.value.get("name") if isinstance(item.value, dict) else None
            if name and isinstance(name.value, str):
                yield Entry(section, item, text)


def _source(one: dict[str, Node]) -> Source:
    name = one.get("name", _NONE)
    of = str(name.value)
    tables = [table["name"] for table in mappings(one.get("tables")) if "name" in table]
    return Source(
        of, *inside(name), tuple(SourceTable(of, str(table.value), *inside(table)) for table in tables)
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
    for constraint in mappings(one.get("constraints")):
        kind = constraint.get("type", _NONE).value
        found.extend(("unique", "not_null") if kind == "primary_key" else [str(kind)])
    return frozenset(found)


def _is_said(one: dict[str, Node]) -> bool:
    description = one.get("description")
    return bool(description and isinstance(description.value, str) and description.value.strip())
