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
    """An entry of a section; the place is its name's. ``model`` is what a unit test is of, and where it says so."""

    __slots__ = (
        "columns",
        "config",
        "described",
        "end",
        "model",
        "name",
        "section",
        "start",
        "tests",
        "versions",
    )

    def __init__(self, section: str, of: dict[str, Node]) -> None:
        self.section = section
        self.name = str(of["name"].value)
        self.start, self.end = inside(of["name"])
        self.described = _is_said(of)
        self.columns = tuple(_columns(of)) if "columns" in of else ()
        self.tests = _tests(of)
        """The names of the tests of the whole."""
        config = of.get("config")
        self.config: dict[str, Any] = plain(config) if config and isinstance(config.value, dict) else {}
        versions = mappings(of.get("versions")) if "versions" in of else ()
        self.versions = [str(version["v"].value) for version in versions if "v" in version]
        self.model = _named(of.get("model", _NONE))


def _named(node: Node) -> tuple[str, int, int] | None:
    return (node.value, *inside(node)) if isinstance(node.value, str) else None


def _columns(of: dict[str, Node]) -> Iterator[Column]:
    for column in mappings(of["columns"]):
        name = column.get("name")
        if name and isinstance(name.value, str):
            yield Column(name.value, *inside(name), _is_said(column), _tests(column))


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
        sources=tuple(_source(one) for one in mappings(top.get("sources"))),
        refs=tuple(filter(None, map(jinja.ref, called))),
        source_calls=tuple(filter(None, map(jinja.source, called))),
    )


def _entries(top: dict[str, Node]) -> Iterator[Entry]:
    for section in _SECTIONS:
        items = top[section].value if section in top else None
        for item in items if isinstance(items, list) else ():
            name = item.value.get("name") if isinstance(item.value, dict) else None
            if name and isinstance(name.value, str):
                yield Entry(section, item.value)


def _source(one: dict[str, Node]) -> Source:
    name = one.get("name", _NONE)
    of = str(name.value)
    tables = [table["name"] for table in mappings(one.get("tables")) if "name" in table]
    return Source(
        of, *inside(name), tuple(SourceTable(of, str(table.value), *inside(table)) for table in tables)
    )


_NONE: Final = Node(None, 0, 0)


_TESTING: Final = frozenset({"tests", "data_tests", "constraints"})
_UNTESTED: Final[frozenset[str]] = frozenset()


def _tests(one: dict[str, Node]) -> frozenset[str]:
    """The names of an entry's tests; a constraint counts, for the table itself keeps it."""
    if _TESTING.isdisjoint(one):
        return _UNTESTED
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
    tests = frozenset(found)
    return _known_tests.setdefault(tests, tests)


_known_tests: Final[dict[frozenset[str], frozenset[str]]] = {}
"""Ten thousands of columns have one of a few sets of tests."""


def _is_said(one: dict[str, Node]) -> bool:
    description = one.get("description")
    return bool(description and isinstance(description.value, str) and description.value.strip())
