"""A model gets another name, and so does all that names it: in one fix, or in none where that cannot be told for sure."""

from __future__ import annotations

import os
import re
from functools import cache, partial
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
    from .yaml import Node

_NAME: Final = re.compile(r"[A-Za-z_]\w*")


class Refused(Exception):
    """A rename that might do half of it is not done; the message says why."""


def fix(rename: Rename, facts: Facts) -> Fix:
    """What has to change. Raises ``Refused``: the name is taken, shared or versioned, or may be put together at run time."""
    models = facts.named(rename.old)
    if len(models) != 1:
        raise Refused(f"{len(models)} models are called so")
    if not _NAME.fullmatch(rename.new) or parse(rename.new).value != rename.new:  # "no" is False in YAML
        raise Refused(f"'{rename.new}' is no name")
    if facts.is_taken(rename.new):
        raise Refused(f"there is a '{rename.new}'")
    names = {rename.old: models[0]}
    around = _Around(facts)
    edits = []
    for path, found in _mentions(names, facts, around):
        for mention in found:
            if not mention.sure:
                line = facts.text(path).count("\n", 0, mention.start) + 1
                raise Refused(f"line {line} of {path} may name it, and nothing but running tells")
            edits.append(Edit(path, mention.start, mention.end, rename.new))
    moves = tuple(
        (path, os.path.join(os.path.dirname(path), called))
        for path in (models[0].path, *facts.files.properties, *facts.files.cubes, *around.snapshots)
        if (called := _called(os.path.basename(path), rename)) is not None
    )
    for _, target in moves:
        if os.path.lexists(target):
            raise Refused(f"there is a {target}")
    return Fix(rename.title, tuple(dict.fromkeys(edits)), moves)


def _called(name: str, rename: Rename) -> str | None:
    """What a file that is called after the model is called then: its SQL, its properties, its cube, its snapshots in tests."""
    stem, dot, ending = name.rpartition(".")
    if ending == "json":
        # <test>.<model>, and the test may have parameters: test_it[<model>-2026].<model>
        pattern = rf"(?<=[.\[-]){re.escape(rename.old)}(?=$|[\]-])"
        called = re.sub(pattern, rename.new, stem)
        return f"{called}.json" if called != stem else None
    bare = stem.lstrip("_")
    return f"{stem[: len(stem) - len(bare)]}{rename.new}{dot}{ending}" if bare == rename.old else None


class _Around:
    """What a project has around its dbt files that names models: tests, and the orchestrator's Python."""

    def __init__(self, facts: Facts) -> None:
        found = files.walk(os.path.join(facts.root, "tests"), [])
        python = (*found.get(".py", ()), *facts.files.python, *_python_below(facts))
        self.python = list(dict.fromkeys(python))
        self.scenarios = [*found.get(".yml", ()), *found.get(".yaml", ())]
        self.snapshots = [path for path in found.get(".json", ()) if "__snapshots__" in path]


def _python_below(facts: Facts) -> Iterator[str]:
    """Python in the dbt project's folder, without what is installed or made there and what is known of already."""
    known = {os.path.normpath(os.path.join(facts.folder, path)) for path in facts.dbt.model_paths}
    made = {facts.dbt.packages_path, "target", "logs", "node_modules", "__pycache__"}
    for folder, folders, names in os.walk(facts.folder):
        folders[:] = [
            name
            for name in folders
            if name[0] != "."
            and name not in made
            and os.path.join(folder, name) not in known
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        ]
        yield from (os.path.join(folder, name) for name in names if name.endswith(".py"))


def _mentions(names: Names, facts: Facts, around: _Around) -> Iterator[tuple[str, Iterable[Mention]]]:
    """By file. One that does not hold the name is not looked into."""
    project = facts.dbt.name
    whole = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")

    def holding(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        for path in paths:
            text = facts.text(path)
            if any(name in text for name in names) and whole.search(text):
                yield path, text

    is_shared = partial(_is_shared, facts=facts)
    composes = cache(partial(_composes, facts))
    readers: tuple[tuple[Iterable[str], Callable[[str, str], Iterable[Mention]]], ...] = (
        (
            (*facts.files.models, *facts.files.queries),
            lambda path, text: _in_sql(path, text, names, facts, composes),
        ),
        (facts.files.python_models, lambda _, text: python.in_models(text, names)),
        (
            around.python,
            lambda path, text: python.mentions(text, names, facts, path, is_ambiguous=is_shared),
        ),
        (
            facts.files.properties,
            lambda path, text: yaml.in_properties(text, _parsed(path, text), names, project),
        ),
        (
            around.scenarios,
            lambda path, text: yaml.in_scenarios(text, _parsed(path, text), names, facts, path),
        ),
        (
            [os.path.join(facts.folder, "dbt_project.yml")],
            lambda path, text: yaml.in_project(text, _parsed(path, text), names, project),
        ),
        (
            [os.path.join(facts.folder, "selectors.yml")],
            lambda path, text: yaml.in_selectors(text, _parsed(path, text), names, facts),
        ),
    )
    for paths, reader in readers:
        for path, text in holding(paths):
            yield path, reader(path, text)
    yield from _in_cubes(holding(facts.files.cubes), names, facts)


def _in_sql(path: str, text: str, names: Names, facts: Facts, composes: Callable[[], bool]) -> list[Mention]:
    found = list(sql.mentions(text, names, facts.dbt.name, composes))
    if any(text.count(name) > sum(one.name == name for one in found) for name in names):
        found.extend(sql.hard_coded(facts.sql(path).tables, names, facts, path))
    return found


def _parsed(path: str, text: str) -> Node:
    try:
        return parse(text)
    except YamlError as error:
        raise Refused(f"{path} may name it, and cannot be read: {error}") from error


def _in_cubes(
    held: Iterable[tuple[str, str]], names: Names, facts: Facts
) -> Iterator[tuple[str, Iterable[Mention]]]:
    documents = {path: (text, document) for path, text in held if (document := _plain(text))}
    alike = {
        name: names[name]
        for path, (text, document) in documents.items()
        for name in cubes.called_alike(document, names, facts, text, path)
    }
    for path, (text, document) in documents.items():
        yield path, cubes.mentions(text, document, names, facts, path, cubes=alike)


def _plain(text: str) -> Node | None:
    """A file of Cube's, if it is plain YAML."""
    try:
        return parse(text)
    except YamlError:  # Cube lets Jinja write its models: no one can tell what they name
        return None


def _composes(facts: Facts) -> bool:
    """Whether the project, or a package in it, has a ref() of more than plain texts."""
    packages = files.walk(os.path.join(facts.folder, facts.dbt.packages_path), []).get(".sql", ())
    return any(
        sql.composes(facts.text(path)) for path in (*facts.files.models, *facts.files.queries, *packages)
    )


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
