"""Cube's semantic model in YAML: its cubes with their members, and what its views take of them.

What Jinja makes and what JavaScript says is not read. Source: Cube's reference of cubes, joins and views.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from . import columns as columns_
from .jinja import calls, ref
from .nodes import mappings
from .paths import grouped, stem
from .sql import Broken
from .subjects import Model
from .yaml import Node, YamlError, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .columns import Columns
    from .facts import Facts

_JINJA: Final = re.compile(r"\{[{%#]")
_SCRIPT: Final = re.compile(r"\b(?:cube|view)\s*\(")
_MEMBERS: Final = ("dimensions", "measures", "segments", "hierarchies")
_PLACES: Final = ("dimensions", "measures", "segments", "joins")
_PLAIN: Final = re.compile(r'"?([^\W\d]\w*)"?')
_REFERENCE: Final = re.compile(r'\{\s*(\w+)\s*(?:\.\s*(\w+)\s*\}|\}\s*\.\s*"?(\w+)"?)')
_TEXT: Final = re.compile(r"'[^']*'")
_TABLE: Final = re.compile(r"""["`]?\w+["`]?(?:\s*\.\s*["`]?\w+["`]?){0,2}""")
_NO_COLUMN: Final = frozenset({
    "true", "false", "null", "current_date", "current_timestamp", "current_time", "current_user", "localtime", "localtimestamp",
})  # fmt: skip


class Said(NamedTuple):
    """A text, and where it stands."""

    text: str
    start: int
    end: int


class Column(NamedTuple):
    """A column that a member names, of a cube, and where. ``is_member`` is ``{cube.name}``: a member may be meant too."""

    cube: str
    name: str
    is_member: bool
    start: int
    end: int


class Cube(NamedTuple):
    """``table`` is what ``sql_table`` names, ``query`` what ``sql`` selects. ``base`` is the cube that it extends."""

    name: str
    table: Said | None
    query: Said | None
    base: str | None
    members: frozenset[str]
    columns: tuple[Column, ...]


class Inclusion(NamedTuple):
    """What a view takes of a cube."""

    cube: Said
    members: tuple[Said, ...]


class File(NamedTuple):
    """What one file says. ``untold`` is one with Jinja; a cube of another database is none of ours."""

    cubes: tuple[Cube, ...] = ()
    inclusions: tuple[Inclusion, ...] = ()
    views: frozenset[str] = frozenset()
    untold: bool = False
    broken: Broken | None = None


def read(text: str) -> File:
    if _JINJA.search(text):
        return File(untold=True)
    try:
        document = parse(text)
    except YamlError as error:
        return File(untold=True, broken=Broken(error.what, error.offset, error.offset))
    top = document.value if isinstance(document.value, dict) else {}
    views = list(mappings(top.get("views")))
    return File(
        cubes=tuple(
            _cube(text, one)
            for one in mappings(top.get("cubes"))
            if _value(one, "data_source") in {"", "default"}
        ),
        inclusions=tuple(
            inclusion
            for view in views
            for one in mappings(view.get("cubes"))
            for inclusion in _inclusion(text, one)
        ),
        views=frozenset(_value(one, "name") for one in views),
        untold=any("data_source" in one for one in mappings(top.get("cubes"))),
    )


def _cube(text: str, one: dict[str, Node]) -> Cube:
    name = _value(one, "name")
    return Cube(
        name,
        table=_said(text, one.get("sql_table")),
        query=_said(text, one.get("sql")),
        base=_value(one, "extends") or None,
        members=frozenset(_value(each, "name") for place in _MEMBERS for each in mappings(one.get(place))),
        columns=tuple(
            column
            for place in _PLACES
            for node in _sqls(one.get(place))
            for column in _columns(text, node, name)
        ),
    )


def _inclusion(text: str, one: dict[str, Node]) -> Iterator[Inclusion]:
    path = _said(text, one.get("join_path"))
    if path is None:
        return
    last = path.text.rpartition(".")[2]
    named = [
        _said(text, item.value.get("name") if isinstance(item.value, dict) else item)
        for key in ("includes", "excludes")
        if key in one and isinstance(items := one[key].value, list)
        for item in items
    ]
    yield Inclusion(path._replace(text=last), tuple(filter(None, named)))


def _columns(text: str, node: Node, own: str) -> Iterator[Column]:
    sql = str(node.value)
    if (plain := _PLAIN.fullmatch(sql.strip())) and plain[1].lower() not in _NO_COLUMN:
        start = text.find(plain[1], node.start, node.end)
        yield Column(own, plain[1].lower(), False, start, start + len(plain[1]))
    at = node.start
    for found in _REFERENCE.finditer(_TEXT.sub("''", sql)):
        cube, member, column = found.groups()
        start = text.find(found[0], at, node.end)
        at, end = (start, start + len(found[0])) if start >= 0 else (node.start, node.end)
        cube = own if cube == "CUBE" else cube
        yield Column(cube, (member or column).lower(), column is None, at, end)
        at = end if start >= 0 else at


def _sqls(node: Node | None) -> Iterator[Node]:
    """Every ``sql`` within a list of members: their own, those of filters and cases."""
    waiting = [node] if node else []
    while waiting:
        value = waiting.pop().value
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [one for key, one in value.items() if key != "sql"]
            if "sql" in value and isinstance(value["sql"].value, str):
                yield value["sql"]


def _value(one: dict[str, Node], key: str) -> str:
    return str(one[key].value) if key in one and one[key].value is not None else ""


def _said(text: str, node: Node | None) -> Said | None:
    if node is None or not isinstance(node.value, str):
        return None
    quoted = text[node.start : node.start + 1] in {"'", '"'}
    return Said(node.value, node.start + quoted, node.end - quoted)


def _words(cubes: Iterable[Cube]) -> frozenset[str]:
    texts = [said.text.lower() for one in cubes for said in (one.table, one.query) if said]
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


class Cubes:
    """Of a whole project."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._files: dict[str, File] = {}
        self._columns: dict[str, Columns | None] = {}

    def file(self, path: str) -> File:
        if path not in self._files:
            self._files[path] = read(self._facts.text(path))
        return self._files[path]

    @cached_property
    def named(self) -> dict[str, Cube]:
        return {one.name: one for path in self._facts.files.cubes for one in self.file(path).cubes}

    @cached_property
    def views(self) -> frozenset[str]:
        return frozenset(name for path in self._facts.files.cubes for name in self.file(path).views)

    @cached_property
    def all_told(self) -> bool:
        """Whether there are no others than those that are read."""
        return not any(self.file(path).untold for path in self._facts.files.cubes) and not any(
            _SCRIPT.search(self._facts.text(path)) for path in self._facts.files.cube_scripts
        )

    def serves(self, name: str) -> bool:
        """Whether a cube's table or query says ``name``; the file that is called so is looked at first."""
        stems = (name, name.partition("_")[2])
        likely = [path for stem in stems for path in self._by_stem.get(stem, ())]
        return (
            any(name.lower() in _words(self.file(path).cubes) for path in likely)
            or name.lower() in self._words
        )

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return grouped(self._facts.files.cubes, stem)

    @cached_property
    def _words(self) -> frozenset[str]:
        return _words(self.named.values())

    def members(self, name: str) -> frozenset[str] | None:
        """A cube's own, and those of the cubes that it extends; None where one of them is not read."""
        found: set[str] = set()
        seen: set[str] = set()
        while name not in seen:
            cube = self.named.get(name)
            if cube is None:
                return None
            seen.add(name)
            found |= cube.members
            if cube.base is None:
                break
            name = cube.base
        return frozenset(found)

    def columns(self, name: str) -> Columns | None:
        """Those of a cube's table or query."""
        cube = self.named.get(name)
        for _ in self.named:
            if cube is None or cube.table or cube.query:
                break
            cube = self.named.get(cube.base or "")
        if cube is None:
            return None
        if cube.table:
            return self._of_table(cube.table.text)
        return columns_.read(cube.query.text, self._of_table) if cube.query else None

    def model(self, table: str) -> Model | bool | None:
        """The model whose table is called so; True if it is something else's, False if no one's, None if no one can tell."""
        if not _TABLE.fullmatch(table.strip()):
            return None
        *schema, name = re.findall(r"\w+", table)
        facts = self._facts
        if models := facts.named(name) or facts.named(name.lower()):
            return models[0]
        if facts.is_taken(name):
            return True
        known = facts.has_source(schema[-1], name, near="") if schema else False
        aliased = (one for one in facts.models if str(one.config("alias")).lower() == name.lower())
        return known or next(aliased, known)

    def _of_table(self, table: str) -> Columns | None:
        model = self.model(table)
        return self._of_model(model) if isinstance(model, Model) else None

    def _of_model(self, model: Model) -> Columns | None:
        if model.path not in self._columns:
            self._columns[model.path] = None  # while it is read: it may select from itself
            self._columns[model.path] = columns_.read(model.text, self._of_ref)
        return self._columns[model.path]

    def _of_ref(self, table: str) -> Columns | None:
        for one in calls(table, 0, len(table)):
            target = self._facts.target(called) if (called := ref(one)) else None
            return self._of_model(target) if isinstance(target, Model) else None
        return None
