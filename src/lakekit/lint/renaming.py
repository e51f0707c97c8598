"""A model gets another name, and so does all that names it: in one fix, or in none where that cannot be told for sure."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from . import files
from .findings import Edit, Fix
from .mentions import cubes, python, sql, yaml
from .yaml import YamlError, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .facts import Facts
    from .findings import Rename
    from .mentions import Mention, Names

_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def fix(rename: Rename, facts: Facts) -> Fix | None:
    """What has to change; None where a name is taken, shared or versioned, or may be put together at run time."""
    models = facts.named(rename.old)
    if len(models) != 1 or not _NAME.fullmatch(rename.new) or facts.is_taken(rename.new):
        return None
    names = {rename.old: models[0]}
    around = _Around(facts)
    edits = []
    try:
        for path, found in _mentions(names, facts, around):
            for mention in found:
                if not mention.sure:
                    return None
                edits.append(Edit(path, mention.start, mention.end, rename.new))
    except YamlError:  # what cannot be read may name it
        return None
    moves = tuple(
        (path, os.path.join(os.path.dirname(path), called))
        for path in (models[0].path, *facts.files.properties, *around.snapshots)
        if (called := _called(os.path.basename(path), rename)) is not None
    )
    if any(os.path.lexists(target) for _, target in moves):
        return None
    return Fix(rename.title, tuple(dict.fromkeys(edits)), moves)


def _called(name: str, rename: Rename) -> str | None:
    """What a file that is called after the model is called then: its SQL, its properties, its snapshots in tests."""
    stem, dot, ending = name.rpartition(".")
    if ending == "json":
        before, between, last = stem.rpartition(".")
        return f"{before}{between}{rename.new}.json" if between and last == rename.old else None
    bare = stem.lstrip("_")
    return f"{stem[: len(stem) - len(bare)]}{rename.new}{dot}{ending}" if bare == rename.old else None


class _Around:
    """What a project has around its dbt files that names models: tests, and the orchestrator's Python."""

    def __init__(self, facts: Facts) -> None:
        found = files.walk(os.path.join(facts.root, "tests"), []) if facts.root != facts.folder else {}
        self.python = [*found.get(".py", ()), *facts.files.python, *_below(facts.folder, ".py")]
        self.scenarios = [*found.get(".yml", ()), *found.get(".yaml", ())]
        self.snapshots = [path for path in found.get(".json", ()) if "__snapshots__" in path]


def _below(folder: str, ending: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.path for entry in entries if entry.name.endswith(ending) and entry.is_file())


def _mentions(names: Names, facts: Facts, around: _Around) -> Iterator[tuple[str, Iterable[Mention]]]:
    """By file. One that does not hold the name is not looked into."""
    project = facts.dbt.name

    def holding(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        for path in paths:
            text = facts.text(path)
            if any(name in text for name in names):
                yield path, text

    for path, text in holding((*facts.files.models, *facts.files.queries)):
        yield path, sql.mentions(text, names, project)
        yield path, sql.hard_coded(facts.sql(path).tables, names, facts, path)
    for path, text in holding(facts.files.python_models):
        yield path, python.in_models(text, names)
    for path, text in holding(around.python):
        yield path, python.mentions(text, names, facts, path, is_ambiguous=partial(_is_shared, facts=facts))
    readers: dict[str, Callable[[str, str], Iterable[Mention]]] = {
        **dict.fromkeys(
            facts.files.properties, lambda _, text: yaml.in_properties(text, parse(text), names, project)
        ),
        **dict.fromkeys(
            around.scenarios, lambda path, text: yaml.in_scenarios(text, parse(text), names, facts, path)
        ),
        os.path.join(facts.folder, "dbt_project.yml"): (
            lambda _, text: yaml.in_project(text, parse(text), names, project)
        ),
        os.path.join(facts.folder, "selectors.yml"): (
            lambda _, text: yaml.in_selectors(text, parse(text), names, facts)
        ),
    }
    for path, text in holding(filter(os.path.exists, readers)):
        yield path, readers[path](path, text)
    yield from _in_cubes(holding(facts.files.cubes), names, facts)


def _in_cubes(
    held: Iterable[tuple[str, str]], names: Names, facts: Facts
) -> Iterator[tuple[str, Iterable[Mention]]]:
    documents = {path: (text, parse(text)) for path, text in held if _is_plain(text)}
    alike = {
        name: names[name]
        for path, (text, document) in documents.items()
        for name in cubes.called_alike(document, names, facts, text, path)
    }
    for path, (text, document) in documents.items():
        yield path, cubes.mentions(text, document, names, facts, path, cubes=alike)


def _is_plain(text: str) -> bool:
    try:
        parse(text)
    except YamlError:  # Cube lets Jinja write its models: no one can tell what they name
        return False
    return True


def _is_shared(name: str, facts: Facts) -> bool:
    """Whether a source's table or a column is called so, too."""
    for path in facts.files.properties:
        if name in facts.text(path):
            known = facts.properties(path)
            if any(name == table.name for source in known.sources for table in source.tables):
                return True
            if any(name == column.name for entry in known.entries for column in entry.columns):
                return True
    return False
