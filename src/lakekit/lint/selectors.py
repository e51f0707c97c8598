"""dbt's selection syntax: whether a model may be among what ``select`` and ``exclude`` say, as far as files tell.

What files cannot tell (a state, a selector by name) selects everything and excludes nothing: so whoever is told that a model is
left out can rely on it. Source: dbt's documentation of node selection.
"""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase, translate
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .dbt_project import said
from .jinja import DYNAMIC
from .subjects import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .lineage import Lineage, Node
    from .subjects import Model

_CRITERION: Final = re.compile(r"(@)?(?:(\d*)\+)?(?:([\w.]+):)?(.*?)(?:\+(\d*))?", re.DOTALL)
_ENDLESS: Final = 1 << 30
EVERYTHING: Final = ("fqn:*",)
"""What dbt selects where nothing is said."""
_WILDCARD: Final = re.compile(r"[*?\[\]]")
_UNTOLD: Final = "?"


class Criterion(NamedTuple):
    """``2+tag:daily+``: how far it reaches up and down, in generations, None for not at all; ``around`` is an ``@``."""

    around: bool
    parents: int | None
    method: str
    argument: str
    value: str
    children: int | None


Union = tuple[tuple[Criterion, ...], ...]
"""Of intersections."""

_UNKNOWN: Final[Union] = ((Criterion(False, None, _UNTOLD, "", "", None),),)


def parse(texts: Sequence[str]) -> Union:
    """Each text, and each part of one between spaces, adds to what is selected; commas take what is in all."""
    specs = [spec for text in texts for spec in text.split(" ") if spec]
    return tuple(tuple(map(_criterion, spec.split(","))) for spec in specs)


def _criterion(text: str) -> Criterion:
    found = _CRITERION.fullmatch(text)
    assert found is not None
    around, parents, method, value, children = found.groups()
    method, _, argument = (method or _default(value)).partition(".")
    return Criterion(bool(around), _generations(parents), method, argument, value, _generations(children))


def _default(value: str) -> str:
    if "/" in value:
        return "path"
    return "file" if value.lower().endswith((".sql", ".py", ".csv")) else "fqn"


def _generations(text: str | None) -> int | None:
    return None if text is None else int(text or _ENDLESS)


class Selection:
    """What is selected in one place; None stands for what cannot be told."""

    def __init__(
        self, lineage: Lineage, select: Sequence[str] | None = EVERYTHING, exclude: Sequence[str] | None = ()
    ) -> None:
        self._lineage = lineage
        self._select = _UNKNOWN if select is None else parse(select)
        self._exclude = () if exclude is None else parse(exclude)
        self._reached: dict[tuple[Criterion, bool], frozenset[str] | None] = {}

    def may_have(self, model: Model) -> bool:
        node = self._lineage.node(model)
        return self._any(self._select, node, loose=True) and not self._any(self._exclude, node, loose=False)

    def has_all_of(self, folder: str) -> bool:
        """Whether it is plain that every model in a folder is selected; ``folder`` is dbt's."""
        alone = (criteria[0] for criteria in self._select if len(criteria) == 1)
        return not self._exclude and any(
            one.value == "*"
            if one.method == "fqn"
            else one.method == "path" and (pattern := _path(one.value)) and pattern.match(f"{folder}/")
            for one in alone
        )

    def _any(self, union: Union, node: Node, *, loose: bool) -> bool:
        return any(all(self._has(one, node, loose=loose) for one in criteria) for criteria in union)

    def _has(self, one: Criterion, node: Node, *, loose: bool) -> bool:
        if self._is(one, node, loose=loose):
            return True
        if one.children is not None and any(
            self._is(one, above, loose=loose) for above in self._lineage.above([node], one.children)
        ):
            return True
        if one.parents is None and not one.around:
            return False
        if (one, loose) not in self._reached:
            self._reached[one, loose] = self._reaches(one, loose=loose)
        reached = self._reached[one, loose]
        return loose if reached is None else node.key in reached

    def _is(self, one: Criterion, node: Node, *, loose: bool) -> bool:
        matched = _METHODS.get(one.method, _untold)(one, node, self._lineage)
        return loose if matched is None else matched

    def _reaches(self, one: Criterion, *, loose: bool) -> frozenset[str] | None:
        """What ``+`` before and ``@`` add; None where it is of something that is not known."""
        lineage = self._lineage
        meant = {node.key: node for node in lineage.nodes if self._is(one, node, loose=loose)}
        if not meant:
            return None
        found = list(lineage.above(meant.values(), one.parents)) if one.parents is not None else []
        if one.around:
            below = [
                node
                for node in lineage.nodes
                if node.key in meant or any(up.key in meant for up in lineage.above([node], _ENDLESS))
            ]
            found += [*below, *lineage.above(below, _ENDLESS)]
        return frozenset(node.key for node in found)


# The methods: whether a node is what one means, by itself; None where files do not tell


def _untold(*_: object) -> bool | None:
    return None


def _by_name(one: Criterion, node: Node, _: Lineage) -> bool | None:
    if node.kind == "source":
        return False
    if one.value == "*" or _is_named(node.fqn, one.value) or _is_named(node.fqn[1:], one.value):
        return True
    version = VERSION.fullmatch(node.name)
    if version:  # a model's version is called otherwise, where this is one
        fqn = (*node.fqn[:-1], *version.groups())
        parts = one.value.split(".")
        if version[1] in parts or _is_named(fqn, one.value) or _is_named(fqn[1:], one.value):
            return None
    return False


def _is_named(fqn: tuple[str, ...], value: str) -> bool:
    if fqn[-1] == value:
        return True
    parts, whole = value.split("."), ".".join(fqn)
    wild = next((index for index, part in enumerate(parts) if _WILDCARD.search(part)), None)
    if wild is None:
        return f"{whole}.".startswith(f"{value}.")
    names = whole.split(".")
    if len(names) < len(parts) or names[:wild] != parts[:wild]:
        return False
    if fnmatchcase(".".join(names[wild:]), ".".join(parts[wild:])):
        return True
    return len(parts) == 1 and fnmatchcase(fqn[-1], value)


def _by_path(one: Criterion, node: Node, lineage: Lineage) -> bool | None:
    pattern = _path(one.value)
    if pattern is None:
        return None
    if pattern.match(f"{node.path}/"):
        return True
    # A file of properties selects what it has entries of.
    return one.value.endswith((".yml", ".yaml")) and node.name in lineage.entries(
        posixpath.normpath(one.value)
    )


@cache
def _path(value: str) -> re.Pattern[str] | None:
    """What matches a path that ends with ``/``, if a folder above it or it itself is meant."""
    normal = posixpath.normpath(value)
    parts = [] if normal == "." else normal.split("/")
    if ".." in parts or normal.startswith("/"):
        return None
    return re.compile("".join("(?:[^/]+/)*" if part == "**" else f"{_part(part)}/" for part in parts))


def _part(glob: str) -> str:
    if not _WILDCARD.search(glob):
        return re.escape(glob)
    return translate(glob).removeprefix("(?s:").removesuffix(r")\Z").replace(".*", "[^/]*")


def _by_file(one: Criterion, node: Node, _: Lineage) -> bool | None:
    file = posixpath.basename(node.path)
    return fnmatchcase(file, one.value) or fnmatchcase(posixpath.splitext(file)[0], one.value)


def _by_tag(one: Criterion, node: Node, lineage: Lineage) -> bool | None:
    tags = _tags(node.model) if node.model else lineage.tags(node)
    return None if tags is None else any(fnmatchcase(tag, one.value) for tag in tags)


def _tags(model: Model) -> list[str] | None:
    """Tags add up: of each folder in dbt_project.yml, of the properties, of the file."""
    given: list[Any] = []
    level: Any = model.facts.dbt.models
    for name in (None, model.facts.dbt.name, *model.folders, model.name):
        level = level if name is None else level.get(name)
        if not isinstance(level, dict):
            break
        given.append(said(level).get("tags"))
    if entry := model.entry:
        given += [entry.config.get("tags"), entry.config.get("+tags")]
    given += [one.values.get("tags") for one in model.sql.configurations]
    found: list[str] = []
    for tags in given:
        if tags is None:
            continue
        listed = [tags] if isinstance(tags, str) else tags
        if not isinstance(listed, list) or not all(
            isinstance(tag, str) and "{{" not in tag for tag in listed
        ):
            return None
        found += listed
    return found


def _by_config(one: Criterion, node: Node, lineage: Lineage) -> bool | None:
    if one.argument == "tags":
        return _by_tag(one, node, lineage) if not _WILDCARD.search(one.value) else None
    if not node.model:
        return False if node.kind == "source" else None
    value = node.model.config(one.argument)
    if value is None:
        value = {"materialized": "view", "enabled": True}.get(one.argument)
    if value is DYNAMIC or isinstance(value, dict) or "." in one.argument:
        return None
    return any(
        one.value == each or (isinstance(each, bool) and one.value.lower() == str(each).lower())
        for each in (value if isinstance(value, list) else [value])
    )


def _by_source(one: Criterion, node: Node, _: Lineage) -> bool | None:
    parts = one.value.split(".")
    if len(parts) > 3:
        return None
    if len(parts) == 1:
        parts.append("*")
    wanted = ["*", *parts][-3:]
    return node.kind == "source" and all(map(fnmatchcase, node.fqn, wanted))


def _by_package(one: Criterion, node: Node, _: Lineage) -> bool | None:
    return one.value == "this" or fnmatchcase(node.fqn[0], one.value)


def _by_kind(one: Criterion, node: Node, _: Lineage) -> bool | None:
    return node.kind == one.value


def _by_exposure(one: Criterion, node: Node, _: Lineage) -> bool | None:
    return node.kind == "exposure" and fnmatchcase(node.name, one.value.rpartition(".")[2])


def _never(*_: object) -> bool | None:
    return False


_METHODS: Final[dict[str, Callable[[Criterion, Node, Lineage], bool | None]]] = {
    "fqn": _by_name,
    "path": _by_path,
    "file": _by_file,
    "tag": _by_tag,
    "config": _by_config,
    "source": _by_source,
    "package": _by_package,
    "resource_type": _by_kind,
    "exposure": _by_exposure,
    # Of what is no model, nor known here.
    **dict.fromkeys(
        ("metric", "semantic_model", "saved_query", "test_name", "test_type", "unit_test"), _never
    ),
}
