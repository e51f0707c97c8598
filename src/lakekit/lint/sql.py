"""What one file of SQL says: what it refers to, how it is configured, what it reads and does.

All of it is plain data that needs no other file, so files are read in any order, and by several processes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import jinja, staging, tables

if TYPE_CHECKING:
    from collections.abc import Iterator


class Configuration(NamedTuple):
    """A call of config(): the place is that of the whole call."""

    values: dict[str, Any]
    start: int
    end: int


class Broken(NamedTuple):
    """Why a file cannot be read for what it is, and where."""

    why: str
    start: int
    end: int


class Sql(NamedTuple):
    """``called`` are functions' names before an open parenthesis, in lower case, wherever they stand."""

    refs: tuple[jinja.Ref, ...]
    sources: tuple[jinja.SourceCall, ...]
    configurations: tuple[Configuration, ...]
    dynamic: bool
    """Whether a ref() or source() is made of what only running tells."""
    named: str | None
    """What a ``{% snapshot … %}`` in it is called."""
    tables: tuple[tables.Table, ...]
    staging: staging.Glance | None
    called: frozenset[str]
    broken: Broken | None

    def config(self, key: str) -> Any:
        """What the file itself configures, or None."""
        for one in reversed(self.configurations):
            if key in one.values:
                return one.values[key]
        return None


_CALLS: Final = re.compile(r"\(\s*(\w+)")
_NOISE: Final = re.compile(r"""'[^']*+'|"[^"\n]*+'[^"\n]*+"|--[^\n]*+|/\*(?s:.*?)\*/|\{\#(?s:.*?)\#\}""")
_OPENS: Final = re.compile(r"\{%[-+]?\s*(\w+)")
# {% set x %}…{% endset %}, perhaps with filters.
_SETS: Final = re.compile(r"\{%[-+]?\s*set\s+[\w.,\s]+?(?:\||[-+]?%\})")
_BRANCHES: Final = {"elif": ("if",), "else": ("if", "for")}
_SNAPSHOT: Final = re.compile(r"\{%[-+]?\s*snapshot\s+(\w+)")
_BLOCKS: Final = frozenset({
    "if", "for", "macro", "call", "filter", "raw", "snapshot", "test", "data_test", "materialization", "docs", "with",
    "autoescape", "block",
})  # fmt: skip


def bare(text: str) -> str:
    """``text`` without texts and comments, in lower case: where keywords are keywords. Its places are not those of ``text``."""
    return _NOISE.sub("''", text).lower()


def read(text: str, *, is_model: bool, is_staging: bool) -> Sql:
    """Read a file's text. Tables and functions are those of models; what staging models do is asked of them alone."""
    refs: list[jinja.Ref] = []
    sources: list[jinja.SourceCall] = []
    configurations: list[Configuration] = []
    dynamic, named, broken = False, None, None
    open_: list[tuple[str, int, int]] = []
    for block in jinja.BLOCK.finditer(text):
        start, end = block.span()
        if block[4]:
            broken = Broken(f"'{block[0]}' is never closed", start, end)
        elif block[2]:
            broken = _nested(block[0], start, end, open_)
            if snapshot := _SNAPSHOT.match(block[0]):
                named = snapshot[1]
        elif not block[1]:
            continue
        if broken:  # to look for the ends of further ones takes long where there are none
            break
        for call in jinja.calls(text, start, end):
            if call.function == "config":
                configurations.append(Configuration(call.keywords | _given(call), call.start, call.end))
            elif ref := jinja.ref(call):
                refs.append(ref)
            elif source := jinja.source(call):
                sources.append(source)
            else:
                dynamic = True
    if open_ and not broken:
        broken = Broken(f"'{{% {open_[-1][0]} %}}' is never ended", *open_[-1][1:])
    is_model, is_staging = is_model and not broken, is_staging and not broken
    bare_ = bare(text) if is_model else ""
    return Sql(
        refs=tuple(refs),
        sources=tuple(sources),
        configurations=tuple(configurations),
        dynamic=dynamic,
        named=named,
        tables=tables.hard_coded(text, bare_) if is_model else (),
        staging=staging.glance(bare_) if is_staging else None,
        # Backwards, a call begins with one plain character.
        called=frozenset(name[::-1] for name in _CALLS.findall(bare_[::-1])) if is_model else frozenset(),
        broken=broken,
    )


def _given(call: jinja.Call) -> dict[str, Any]:
    """What config({…}) is given as a mapping."""
    first = call.arguments[0] if call.arguments else None
    return first if isinstance(first, dict) else {}


def _nested(block: str, start: int, end: int, open_: list[tuple[str, int, int]]) -> Broken | None:
    """Keep account of what is open; what is wrong with it, if anything is."""
    word = _OPENS.match(block)
    name = word[1] if word else ""
    if name == "raw":  # BLOCK takes one that ends as a whole
        return Broken("'{% raw %}' is never ended", start, end)
    if name in _BLOCKS or _SETS.match(block):
        open_.append((name, start, end))
    elif name in _BRANCHES:
        if not open_ or open_[-1][0] not in _BRANCHES[name]:
            return Broken(f"'{{% {name} %}}' is of nothing that is open", start, end)
    elif name.startswith("end"):
        if not open_ or open_[-1][0] != name[3:]:
            return Broken(f"'{{% {name} %}}' ends nothing that is open", start, end)
        open_.pop()
    return None


def names(text: str) -> Iterator[tuple[str, int, int]]:
    """Every function that ``text`` calls, in lower case, and where: for who has one to tell of."""
    from .tokens import Tokens, is_name

    tokens = Tokens(text)
    for index, word in enumerate(tokens.words[:-1]):
        if tokens.words[index + 1] == "(" and is_name(tokens.texts[index]):
            yield word, *tokens.spans[index]
