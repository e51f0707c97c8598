"""In SQL with Jinja: ref(), and tables that are named themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .. import jinja
from ..tables import QUOTES, parts
from . import Mention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..facts import Facts
    from ..tables import Table
    from . import Names

_LITERAL: Final = re.compile(r""""((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)'""")
_COMPOSED: Final = re.compile(
    r"""\bref\s*\((?!\s*(?:'[^'"\\]*'|"[^'"\\]*")\s*(?:,\s*(?:'[^'"\\]*'|"[^'"\\]*")\s*)?\))"""
)
_PART: Final = r"""(?:"[^"\s]+"|\w+)"""
_TABLE: Final = re.compile(rf"""(?i:\b(?:from|join)\s+)((?:{_PART}\.)+)("?)(\w+)\2(?![\w."]|\s*\()""")


def mentions(text: str, names: Names, project: str, composes: Callable[[], bool]) -> Iterator[Mention]:
    """What the blocks of a file refer to; ``project`` is the dbt project's own name.

    ``composes`` tells whether a ref() somewhere is made of what it is given: then any text in a block may be a name.
    """
    yield from _blocks(text, (0, len(text)), names, project, composes)


def composes(text: str) -> bool:
    """Whether there is a ref() whose arguments are not all plain texts."""
    return _COMPOSED.search(text) is not None


def _blocks(
    text: str, span: tuple[int, int], names: Names, project: str, composes: Callable[[], bool]
) -> Iterator[Mention]:
    for block in jinja.BLOCK.finditer(text, *span):
        if block[1] or block[2]:
            yield from _block(text, block.span(), names, project, composes)


def _block(
    text: str, span: tuple[int, int], names: Names, project: str, composes: Callable[[], bool]
) -> Iterator[Mention]:
    start, end = span
    calls = list(jinja.calls(text, start, end))
    told = set()
    for call in calls:
        if ref := jinja.ref(call):
            told.add(ref.start)
            yield from _of(ref, text, names, project)
    for literal in _LITERAL.finditer(text, start, end):
        first, last = literal.start() + 1, literal.end() - 1
        content = text[first:last]
        around = {call.function for call in calls if call.start < first < call.end}
        if content in names and first not in told and not around & {"source", "config"}:
            if "ref" in around or composes():
                yield Mention(content, first, last, sure=False)
        elif "ref(" in content:  # a hook, which is rendered later
            if "\\" in content:
                yield from (Mention(name, first, last, sure=False) for name in names if name in content)
            else:
                yield from _blocks(text, (first, last), names, project, composes)


def refs(text: str, start: int, end: int, names: Names, project: str) -> Iterator[Mention]:
    """What a value in YAML, at that place, refers to: an expression, or a text with expressions in it."""
    spans = [(start, end)]
    if text.find("{{", start, end) >= 0 or text.find("{%", start, end) >= 0:
        spans = [block.span() for block in jinja.BLOCK.finditer(text, start, end) if block[1] or block[2]]
    for span in spans:
        for call in jinja.calls(text, *span):
            if ref := jinja.ref(call):
                yield from _of(ref, text, names, project)


def _of(ref: jinja.Ref, text: str, names: Names, project: str) -> Iterator[Mention]:
    """What a ref() in ``text`` names: of a version of a model, or with an escape in its name, it may be something else."""
    if ref.name in names and ref.package in {None, project}:
        plain = ref.version is None and text[ref.start : ref.end] == ref.name
        yield Mention(ref.name, ref.start, ref.end, plain)


def hard_coded(tables: tuple[Table, ...], names: Names, facts: Facts, near: str) -> Iterator[Mention]:
    """Models that a model names as tables."""
    for table in tables:
        if name := named(table.name, names, facts, near):
            end = table.end - table.name.endswith(QUOTES)
            yield Mention(name, end - len(name), end)


def named(table: str, names: Names, facts: Facts, near: str) -> str | None:
    """The model that a table's name means, if it is one of ``names`` and no source's table."""
    schema, name = parts(table)
    return name if name in names and not (schema and facts.has_source(schema, name, near=near)) else None


def tables(text: str, start: int, end: int, names: Names, facts: Facts, near: str) -> Iterator[Mention]:
    """Models that a statement, at that place, selects from by their schema: ``from marts.fct_sales``."""
    for found in _TABLE.finditer(text, start, end):
        if name := named(found[1] + found[3], names, facts, near):
            yield Mention(name, *found.span(3))
