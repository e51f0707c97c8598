"""The models that a new one selects from: their columns, what these hold, and the key that their tests prove."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlglot
import yaml
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..errors import UsageError
from ..naming import EXTRACTED_AT
from . import words
from .staging import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ..project import Project

_CONFIG: Final = re.compile(r"\{\{-?\s*config\(.*?\}\}", re.DOTALL)
_BLOCKS: Final = re.compile(
    r"\{%-?\s*set\s+\w+\s*-?%\}.*?\{%-?\s*endset\s*-?%\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)
_QUERY: Final = re.compile(r"\(\s*\{\{.*?\}\}\s*\)", re.DOTALL)
_EXPRESSION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_REF: Final = re.compile(r"""\bref\(\s*["'](\w+)["']""")
_SOURCE: Final = re.compile(r"""\bsource\(\s*["'](\w+)["']\s*,\s*["'](\w+)["']""")


class Parent(NamedTuple):
    """``columns`` are empty where its SQL does not list them; ``kinds`` are theirs, as far as files tell.

    ``cursor`` is what the source's own is called in staging, where there is but one source.
    """

    name: str
    columns: tuple[str, ...]
    kinds: Mapping[str, str]
    cursor: str
    key: tuple[str, ...]

    @property
    def entity(self) -> str:
        """What its rows are: ``orders`` of ``int_shopify__orders``."""
        return self.name.rpartition("__")[2] if "__" in self.name else self.name.partition("_")[2]

    def example(self, column: str) -> Any:
        """A value that a column may hold: text is read as whatever its type is, but for a few."""
        if column == EXTRACTED_AT:
            return 1
        kind = self.kinds.get(column, "")
        if kind == "date" or (not kind and column.endswith(("_date", "_day", "_month", "_week"))):
            return "2026-02-01"
        if "zone" in kind or (not kind and column.endswith("_at")):
            return "2026-02-10T09:30:00Z"
        if kind.startswith("time"):
            return "2026-02-10T09:30:00" if kind.startswith("timestamp") else "09:30:00"
        return True if kind == "boolean" else "1"


def find(project: Project, name: str) -> Parent:
    """A model of the project; raises ``UsageError`` where there is none of that name."""
    texts = {file.stem: file for folder in project.model_paths for file in folder.rglob("*.sql")}
    if name not in texts:
        raise UsageError(
            f"There is no model '{name}'.",
            todo=f"did you mean one of these: {words.nearest(name, texts)}?",
        )
    query = _parsed(_read(texts[name]))
    columns = tuple(query.named_selects) if query else ()
    if "*" in columns or any(column.startswith("jinja_") for column in columns):
        columns = ()
    return Parent(name, columns, *_staged(project, texts, name), _key(project, name))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} cannot be read.", why=str(error), todo="save it as UTF-8") from error


def _parsed(text: str) -> exp.Query | None:
    """A model's SQL, with names in the place of what Jinja would make of it; None where that is no query."""
    text = _QUERY.sub("(select 1 as jinja)", _BLOCKS.sub("", _CONFIG.sub("", text)))
    places = iter(range(len(text)))
    try:
        query = sqlglot.parse_one(_EXPRESSION.sub(lambda _: f"jinja_{next(places)}", text), dialect="trino")
    except SqlglotError:
        return None
    return query if isinstance(query, exp.Query) else None


def _staged(project: Project, texts: Mapping[str, Path], name: str) -> tuple[dict[str, str], str]:
    """The types of columns that staging has above a model, and its cursor: what keeps its name on the way is the same."""
    kinds: dict[str, str] = {}
    cursors = []
    ahead, seen = [name], {name}
    while ahead:
        one = ahead.pop()
        text = _read(texts[one])
        if source := _SOURCE.search(text):
            reference = project.reference(".".join(source.groups()))
            cursors.append("")
            query = _parsed(text)
            for column in query.selects if query else ():
                inner = column.unalias()
                if isinstance(inner, exp.Cast):
                    kinds.setdefault(column.alias_or_name, inner.to.sql("trino").lower())
                elif isinstance(inner, exp.Column) and inner.name in reference.properties:
                    kinds.setdefault(column.alias_or_name, type_of(reference.properties[inner.name]))
                    if inner.name == reference.cursor:
                        cursors[-1] = column.alias_or_name
        above = [parent for parent in _REF.findall(text) if parent in texts and parent not in seen]
        ahead += above
        seen.update(above)
    return kinds, cursors[0] if len(cursors) == 1 else ""


def _key(project: Project, name: str) -> tuple[str, ...]:
    for entry in _entries(project, name):
        for column in entry.get("columns") or ():
            if "unique" in map(_test, _tests(column)):
                return (column["name"],)
        for test in _tests(entry):
            if _test(test).endswith("unique_combination_of_columns"):
                said = next(iter(test.values()))
                return tuple(said.get("arguments", said).get("combination_of_columns", ()))
    return ()


def _entries(project: Project, name: str) -> Iterator[dict[str, Any]]:
    for folder in project.model_paths:
        for file in sorted((*folder.rglob("*.yml"), *folder.rglob("*.yaml"))):
            text = _read(file)
            if name in text:
                try:
                    models = yaml.safe_load(text)["models"]
                    yield from [one for one in models if one["name"] == name]
                except yaml.YAMLError as error:
                    raise UsageError(f"{file} is no YAML.", why=str(error), todo="mend it first") from error
                except (LookupError, TypeError):  # it is of other things
                    continue


def _tests(entry: dict[str, Any]) -> list[Any]:
    """Its data tests, under the name that dbt once had for them, too."""
    return [*(entry.get("data_tests") or ()), *(entry.get("tests") or ())]


def _test(said: Any) -> str:
    """A data test's name, with its arguments or without."""
    return said if isinstance(said, str) else str(next(iter(said)))
