"""Reading a file of scenarios: YAML with the line of everything, and errors that say where and what is expected.

Scalars are read as YAML 1.2 has it, as editors do: ``NO`` is a country, ``0012`` is twelve and not octal. Dates and instants
are text, which becomes what its column holds: a date, or the same text inside of JSON. A number keeps its digits for a
decimal column.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, get_type_hints

import msgspec
import yaml

from ..errors import UsageError
from .rows import Written
from .scenario import SHAPES, Scenario, Scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_Part = tuple[str | Any, ...]  # a key or an index
_PART: Final = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_OTHER: Final = re.compile(r"Expected `(.*)`, got `(.*)`")
_WORDS: Final = {
    "array": "a list",
    "object": "a mapping",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "Written": "a number",
}
_EMPTY: Final = re.compile(r"Expected `\w+` of length >= 1")
_TAGS: Final = {"array": "seq", "object": "map"}


@dataclass(frozen=True, slots=True)
class Span:
    """The lines of a step, from 1; ``last`` belongs to it."""

    first: int
    last: int


class Document:
    """The scenarios of a file, and where they stand in it."""

    def __init__(self, text: str, root: Any, scenarios: Sequence[Scenario]) -> None:
        self.lines = text.splitlines()
        self.scenarios = scenarios
        self._nodes = _entry(root, "scenarios")[0].value

    def line(self, scenario: int) -> int:
        """The line that a scenario starts on."""
        return _line(self._nodes[scenario])

    def span(self, scenario: int, at: Sequence[int]) -> Span:
        """The lines of a step: ``at`` is its place, and those of the branches that it is on before it."""
        steps = _entry(self._nodes[scenario], "steps")[0]
        for place in at[:-1]:
            branch = _entry(steps.value[place], "branch")[0]
            steps = branch if isinstance(branch, yaml.SequenceNode) else _entry(branch, "steps")[0]
        node = steps.value[at[-1]]
        # A block ends where the next thing starts, a flow where it ends.
        last = max(node.end_mark.line + bool(node.flow_style), _line(node))
        while last > _line(node) and re.fullmatch(r"\s*(#.*)?", self.lines[last - 1]):
            last -= 1
        return Span(_line(node), last)


def read(file: Path, name: str) -> Document:
    """The scenarios of a file, called ``name`` in errors; raises ``UsageError``."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8.", why=str(error), todo="save it as UTF-8") from error
    text = text if text.endswith("\n") else f"{text}\n"
    try:
        root, value = _load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise UsageError(f"{where}: this is not YAML.", why=error.problem or str(error)) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{name} is not YAML.", why=str(error)) from error
    try:
        scenarios = msgspec.convert(value, Scenarios).scenarios
    except msgspec.ValidationError as error:
        raise _explained(name, root, str(error)) from error
    document = Document(text, root, scenarios)
    first: dict[str, int] = {}
    for place, scenario in enumerate(scenarios):
        line = document.line(place)
        if first.setdefault(scenario.name, line) != line:
            raise UsageError(
                f"{name}:{line}: a second scenario is called '{scenario.name}'.",
                why=f"the first is in line {first[scenario.name]}",
                todo="rename one of them: a test is told by its name",
            )
    return document


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2's scalars, and no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._tags: dict[tuple[Any, ...], str] = {}

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """What PyYAML works out anew for each of a thousand keys that read alike."""
        tag = self._tags.get((kind, value, implicit))
        if tag is None:
            tag = self._tags[kind, value, implicit] = super().resolve(kind, value, implicit)
        return tag

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            # Of keys that << brings, PyYAML lets the mapping's own win.
            if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key '{key.value}' is there twice", key.start_mark
                    )
                seen.add(key.value)
        return dict(super().construct_mapping(node, deep))

    def whole(self, node: Any) -> int:
        text = self.construct_scalar(node)
        return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)

    def number(self, node: Any) -> float:
        text = self.construct_scalar(node)
        plain = text.lstrip("+-").lower()
        if plain in {".inf", ".nan"}:
            return math.copysign(float(plain[1:]), -1 if text.startswith("-") else 1)
        return Written(text)


def _tag(name: str) -> str:
    return f"tag:yaml.org,2002:{name}"


for _name, _pattern, _starts in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", "<<", "<"),
):
    _Loader.add_implicit_resolver(_tag(_name), re.compile(rf"(?:{_pattern})\Z"), list(_starts))
_Loader.add_constructor(_tag("int"), _Loader.whole)
_Loader.add_constructor(_tag("float"), _Loader.number)


def _load(text: str) -> tuple[Any, Any]:
    """The nodes of a document, and what they say."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        return root, loader.construct_document(root)
    finally:
        loader.dispose()


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _entry(node: Any, key: str) -> tuple[Any, int]:
    """What a mapping has under a key, and the line of the key."""
    return next((value, _line(name)) for name, value in node.value if name.value == key)


def _explained(name: str, root: Any, said: str) -> UsageError:
    """msgspec's complaint with the line, in words, and with what the key is for."""
    message, _, path = said.partition(" - at `")
    parts = [match.group(1, 2) for match in _PART.finditer(path)]
    keys = [key for key, _ in parts if key]
    of_field = _description(keys)
    places = list(_places(root, parts, _line(root)))
    if unknown := _UNKNOWN.fullmatch(message):
        key = unknown[1]
        known = list(_shape(parts).__struct_fields__)
        near = get_close_matches(key, known, 1)
        line = next((_entry(node, key)[1] for node, _ in places if _has(node, key)), places[0][1])
        return UsageError(
            f"{name}:{line}: there is no key '{key}' here.",
            why=f"the keys are {', '.join(known)}",
            todo=f"did you mean '{near[0]}'?" if near else of_field,
        )
    if missing := _MISSING.fullmatch(message):
        line = next((line for node, line in places if not _has(node, missing[1])), places[0][1])
        return UsageError(
            f"{name}:{line}: the key '{missing[1]}' is missing here.",
            todo=f"{missing[1]}: {_description([*keys, missing[1]])}",
        )
    line = places[0][1]
    what = f"'{keys[-1]}' cannot be this" if keys else "these are no scenarios"
    if parts and parts[-1][1]:
        what = f"this is no entry of '{keys[-1]}'"
        if keys[-1] in {"scenarios", "steps", "branch"}:
            of_field = f"its keys are {', '.join(_shape(parts).__struct_fields__)}"
    if other := _OTHER.fullmatch(message):
        tag = _tag(_TAGS.get(other[2], other[2]))
        line = next((line for node, line in places if node.tag == tag), line)
        wanted = " or ".join(_WORDS.get(word, word) for word in other[1].split(" | "))
        found = _WORDS.get(other[2], other[2])
        message = f"it is {found} where {wanted} is expected"
        if path.startswith("key"):
            message = f"a column's name is {found}: quote it"
    elif _EMPTY.fullmatch(message):
        message = "it is empty"
    return UsageError(f"{name}:{line}: {what}.", why=message, todo=of_field)


def _places(node: Any, parts: Sequence[_Part], line: int) -> Iterator[tuple[Any, int]]:
    """The nodes that a path may mean, and their lines: msgspec does not tell the keys that a user chooses."""
    if not parts:
        yield node, line
        return
    (key, index), *rest = parts
    if key and _has(node, key):
        child, line = _entry(node, key)
        yield from _places(child, rest, line)
    elif index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
        child = node.value[int(index)]
        yield from _places(child, rest, _line(child))
    elif not key and not index and isinstance(node, yaml.MappingNode):
        for name, child in node.value:
            yield from _places(child, rest, _line(name))


def _has(node: Any, key: str) -> bool:
    return isinstance(node, yaml.MappingNode) and any(name.value == key for name, _ in node.value)


def _shape(parts: Sequence[_Part]) -> Any:
    """The shape of the mapping at a path."""
    keys = [key for key, _ in parts if key]
    if keys and keys[-1] == "branch" and parts[-1][1]:
        return SHAPES["steps"]
    return SHAPES[keys[-1] if keys else ""]


def _description(keys: Sequence[str]) -> str:
    """What the last of the keys is for, as editors show it."""
    if not keys:
        return "scenarios: a list of tests, each with a name and steps"
    above = keys[-2] if len(keys) > 1 else ""
    for shape in (SHAPES.get(above), SHAPES["steps"]):
        hint = get_type_hints(shape, include_extras=True).get(keys[-1]) if shape else None
        for meta in getattr(hint, "__metadata__", ()):
            return str(meta.description)
    return ""
