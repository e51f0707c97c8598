"""What one file of SQL says: what it refers to, how it is configured, what it reads and does.

All of it is plain data that needs no other file, so files are read in any order, and by several processes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import jinja, staging, tables
from .broken_jinja import fault

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
    dynamic: tuple[tuple[str, int, int], ...]
    """Each ref() and source() that is made of what only running tells: the function, and the call's place."""
    named: str | None
    """What a ``{% snapshot … %}`` in it is called."""
    tables: tuple[tables.Table, ...]
    staging: staging.Glance | None
    called: frozenset[str]
    broken: Broken | None

    @property
    def config(self) -> dict[str, Any]:
        """What the file itself configures."""
        return {key: value for one in self.configurations for key, value in one.values.items()}


_CALLS: Final = re.compile(r"\(\s*(\w+)")
_NOISE: Final = re.compile(
    r"""'[^']*+'|"[^"\n]*+'[^"\n]*+"|""" + jinja.LINE_COMMENT + r"|/\*(?s:.*?)(?:\*/|\Z)|\{\#(?s:.*?)\#\}"
)
# {% set x %}…{% endset %}, perhaps with filters.
_SETS: Final = re.compile(r"\{%[-+]?\s*set\s+[\w.,\s]+?(?:\||[-+]?%\})")
_BRANCHES: Final = {"elif": ("if",), "else": ("if", "for")}
_SNAPSHOT: Final = re.compile(r"\{%[-+]?\s*snapshot\s+(\w+)")
_BLOCKS: Final = frozenset({
    "if", "for", "macro", "call", "filter", "snapshot", "test", "data_test", "materialization", "docs", "with", "autoescape",
    "block",
})  # fmt: skip


def bare(text: str) -> str:
    """``text`` without texts and comments, in lower case: where keywords are keywords. Its places are not those of ``text``."""
    return _NOISE.sub("''", text).lower()


def read(text: str, *, is_model: bool, is_staging: bool) -> Sql:
    """Read a file's text. Tables and functions are those of models; what staging models do is asked of them alone."""
    blocks = _Blocks(text)
    is_model, is_staging = is_model and not blocks.broken, is_staging and not blocks.broken
    said = bare(text) if is_model else ""
    return Sql(
        refs=tuple(blocks.refs),
        sources=tuple(blocks.sources),
        configurations=tuple(blocks.configurations),
        dynamic=tuple(blocks.dynamic),
        named=blocks.named,
        tables=tables.hard_coded(text, said) if is_model else (),
        staging=staging.glance(said) if is_staging else None,
        called=_called(said),
        broken=blocks.broken,
    )


def _called(bare: str) -> frozenset[str]:
    """Backwards, a call begins with one plain character; and all names are turned at once."""
    return frozenset(" ".join(_CALLS.findall(bare[::-1]))[::-1].split())


class _Blocks:
    """What the blocks of Jinja in a text say."""

    def __init__(self, text: str) -> None:
        self.refs: list[jinja.Ref] = []
        self.sources: list[jinja.SourceCall] = []
        self.configurations: list[Configuration] = []
        self.dynamic: list[tuple[str, int, int]] = []
        self.named: str | None = None
        self.broken: Broken | None = None
        self._open: list[tuple[str, int, int]] = []
        for block in jinja.BLOCK.finditer(text):
            start, end = block.span()
            if block[1]:
                if (alone := jinja.alone(text, start)) is None:
                    self._refuse(fault(block[0]), start, end)
                    self._calls(text, start, end)
                elif isinstance(alone, jinja.Ref):
                    self.refs.append(alone)
                else:
                    self.sources.append(alone)
            elif block[2]:
                self._statement(block[0], start, end)
                self._calls(text, start, end)
            elif block[4]:
                self.broken = Broken(f"'{block[0]}' is never closed", start, end)
            if self.broken:  # to look for the ends of further ones takes long where there are none
                break
        if self._open and not self.broken:
            name, start, end = self._open[-1]
            self.broken = Broken(f"'{{% {name} %}}' is never ended", start, end)

    def _calls(self, text: str, start: int, end: int) -> None:
        for call in jinja.calls(text, start, end):
            if call.function == "config":
                self.configurations.append(Configuration(call.keywords | _given(call), call.start, call.end))
            elif ref := jinja.ref(call):
                self.refs.append(ref)
            elif source := jinja.source(call):
                self.sources.append(source)
            else:
                self.dynamic.append((call.function, call.start, call.end))
            if call.end >= end:  # it never ends, and neither do those in it
                break

    def _statement(self, block: str, start: int, end: int) -> None:
        """Keep account of what is open, and of the first thing that is wrong with it."""
        name = jinja.keyword(block)
        if name == "snapshot" and (snapshot := _SNAPSHOT.match(block)):
            self.named = snapshot[1]
        within = self._open[-1][0] if self._open else ""
        opens = name in _BLOCKS or _SETS.match(block) is not None
        if opens:
            self._open.append((name, start, end))
        elif name == "raw":  # BLOCK takes one that ends as a whole
            self.broken = Broken("'{% raw %}' is never ended", start, end)
        elif name in _BRANCHES and within not in _BRANCHES[name]:
            self.broken = Broken(f"'{{% {name} %}}' is of nothing that is open", start, end)
        elif name.startswith("end"):
            if within == name[3:]:
                self._open.pop()
            else:
                self.broken = Broken(f"'{{% {name} %}}' ends nothing that is open", start, end)
            return
        if not self.broken:
            self._refuse(fault(block, name, opens=opens), start, end)

    def _refuse(self, why: str | None, start: int, end: int) -> None:
        if why:
            self.broken = Broken(f"Jinja cannot parse it: {why}", start, end)


def _given(call: jinja.Call) -> dict[str, Any]:
    """What config({…}) is given as a mapping."""
    first = call.arguments[0] if call.arguments else None
    return first if isinstance(first, dict) else {}


def names(text: str) -> Iterator[tuple[str, int, int]]:
    """Every function that ``text`` calls, in lower case, and where: for who has one to tell of."""
    from .tokens import Tokens, is_name

    tokens = Tokens(text)
    for index, word in enumerate(tokens.words[:-1]):
        if tokens.words[index + 1] == "(" and is_name(tokens.texts[index]):
            yield word, *tokens.spans[index]
