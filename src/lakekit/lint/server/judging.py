"""A project as an editor sees it: what is on disk, and over it what is typed and not saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .. import opening
from ..baseline import unknown
from ..run import NOTHING, Selection, lint
from ..subjects import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ..facts import Facts
    from ..findings import Finding
    from ..jinja import Ref

Project = tuple[str, str]
"""Its folder, and the dbt project's."""


class Named(NamedTuple):
    """Where a file names a model."""

    model: Model
    start: int
    end: int


def look(project: Project, held: Mapping[str, str]) -> Facts:
    """All of a project anew, for files come and go; ``held`` are the texts of open files. Raises ``LakekitError``."""
    facts = opening.load(*project)
    facts.held = dict(held)
    return facts


def judge(facts: Facts, files: Iterable[str] | None) -> Sequence[Finding]:
    """What is found in some files, or in all. Raises ``LakekitError`` for settings that cannot be."""
    asked = None if files is None else frozenset(files)
    return unknown(lint(facts, Selection(ignore=(NOTHING,)), asked).findings, facts)


def named(facts: Facts, path: str, offset: int) -> Named | None:
    """The model that is named at a place of a file; where nothing is, the file's own, if it is one's."""
    for name, start, end in _names(facts, path):
        if start <= offset <= end:
            return Named(name, start, end) if name else None
    model = facts.model(path)
    return Named(model, *_word(facts.text(path), offset)) if model else None


def _names(facts: Facts, path: str) -> Iterator[tuple[Model | None, int, int]]:
    """All names in a file's ref() and source() calls and entries, with the models that they mean."""
    refs: tuple[Ref, ...] = ()
    if facts.model(path) or path in facts.files.queries:
        sql = facts.sql(path)
        refs = sql.refs
        yield from ((None, call.start, call.end) for call in sql.sources)
    elif path in facts.files.properties:
        properties = facts.properties(path)
        refs = properties.refs
        for entry in properties.entries:
            own = (entry.name, entry.start, entry.end) if entry.section == "models" else None
            for name, start, end in filter(None, (own, entry.model)):
                if models := facts.named(name):
                    yield models[0], start, end
    for ref in refs:
        target = facts.target(ref)
        yield target if isinstance(target, Model) else None, ref.start, ref.end


def _word(text: str, offset: int) -> tuple[int, int]:
    """The word around a place: what an editor marks while it asks for a new name."""
    start = end = offset
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return start, end
