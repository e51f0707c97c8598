"""Builds that were recorded: what dbt did to build a model, so that it can be done again without dbt.

A build is a dialogue: dbt asks the lake something or tells it to do something, and what it does next depends on the
answers. A recording holds the questions, and what was answered, in a digest. Played again over another state of the
lake it asks the same questions for real; as long as the answers are the same, dbt would have gone on in the same way.
Where they differ from all that was recorded, nothing is known: dbt itself must build.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..engine.clock import freeze
from .rendering import Memo, Unknown, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

_SQL: Final = "\0compiled\0"
"""What stands in a recorded step for the model's compiled SQL."""

_TRACES: Final = 8
"""How many recordings of a model are kept, the newest first: a first build, an incremental one, …"""


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One thing that dbt asked of the lake, or told it to do, and a digest of the answer."""

    name: str
    arguments: tuple[str, ...]
    answer: str


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """One build of a model: its compiled SQL, what was asked and done, and what its Jinja was answered."""

    compiled: str
    steps: tuple[Step, ...]
    memo: Memo | None = None


class Recording(msgspec.Struct):
    """What is known of a model's builds. ``source`` is the digest of its SQL files."""

    source: str
    traces: list[Trace]


@dataclass(slots=True)
class Building:
    """A build that is under way in this thread: what time it is for it, and what it has done so far."""

    now: datetime | None = None
    steps: list[Step] = field(default_factory=list)
    paused: bool = False
    statements: int = 0
    cursors: list[Any] = field(default_factory=list)
    """What Trino's statements ran through; they know what those cost."""

    def note(self, name: str, arguments: tuple[str, ...], answer: object) -> None:
        """Write down a step, unless dbt is only being watched for a moment."""
        if not self.paused:
            self.statements += name == "run"
            self.steps.append(Step(name, arguments, digest(repr(answer))))

    def may(self, name: str) -> None:
        """Raise ``Unknown`` where dbt is only being watched, and would run once more what it has run."""
        if self.paused and name == "run":
            raise Unknown(name)


under_way: ContextVar[Building | None] = ContextVar("under_way", default=None)


@contextmanager
def building(now: datetime | None) -> Iterator[Building]:
    """Everything that is asked of the lake in this block belongs to one build."""
    build = Building(now)
    token = under_way.set(build)
    try:
        yield build
    finally:
        under_way.reset(token)


def at_its_time(name: str, arguments: tuple[str, ...], now: datetime | None) -> tuple[str, ...]:
    """What is asked in a build whose clock stands still at ``now``."""
    if now is None or name not in ("run", "describe"):
        return arguments
    return tuple(freeze(argument, now) for argument in arguments)


def digest(*parts: str) -> str:
    """A short digest of some texts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def traced(build: Building, compiled: str, memo: Memo | None) -> Trace:
    """A finished build as a recording, its compiled SQL wherever it stands in a step taken out."""
    steps = tuple(
        msgspec.structs.replace(
            step, arguments=tuple(argument.replace(compiled, _SQL) for argument in step.arguments)
        )
        for step in build.steps
    )
    return Trace(compiled, steps, memo)


class Diverged(Exception):
    """The lake answered what it had not answered in any recording."""


def play(recording: Recording, source: str, sql: str, ask: Callable[[str, tuple[str, ...]], Any]) -> str:
    """Build a model as it was recorded, ``ask`` doing each step; returns its compiled SQL.

    ``sql`` is what the model's file says, ``source`` its digest with all that is inlined. Where the file has changed
    since, it is rendered anew out of what its Jinja was answered. Raises ``Diverged``.
    """
    traces = recording.traces
    if source != recording.source:
        traces = [fresh for trace in traces if (fresh := _rendered(trace, sql))]
    at = 0
    while traces:
        for trace in traces:
            if len(trace.steps) == at:
                return trace.compiled
        step = traces[0].steps[at]
        answer = digest(
            repr(ask(step.name, tuple(a.replace(_SQL, traces[0].compiled) for a in step.arguments)))
        )
        at += 1
        traces = [trace for trace in traces if trace.steps[at - 1] == Step(step.name, step.arguments, answer)]
    raise Diverged


class Recordings:
    """Recordings of one state of a project, a file a model. Several processes may use a folder at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Recording | None] = {}

    def get(self, model: str) -> Recording | None:
        """What is known of a model's builds; nothing where the file is not there, or cannot be read."""
        if model not in self._known:
            try:
                self._known[model] = msgspec.msgpack.decode(self._file(model).read_bytes(), type=Recording)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError):
                self._known[model] = None
        return self._known[model]

    def add(self, model: str, source: str, trace: Trace) -> None:
        """Keep a recording; those of the model as it said before are forgotten."""
        known = self.get(model)
        others = known.traces if known and known.source == source else []
        # The same questions with the same answers again: it was recorded by another process in the meantime.
        others = [other for other in others if other.steps != trace.steps]
        recording = Recording(source, [trace, *others][:_TRACES])
        self._known[model] = recording
        file = self._file(model)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(f".{os.getpid()}-{id(self)}")
            partial.write_bytes(msgspec.msgpack.encode(recording))
            partial.replace(file)
        except OSError:
            return  # a project that can only be read is tested all the same, without what would be quicker

    def _file(self, model: str) -> Path:
        return self._folder / f"{model}.msgpack"


def _rendered(trace: Trace, sql: str) -> Trace | None:
    """A recording with the SQL that its model says now; None where its Jinja asks what it did not ask before."""
    if trace.memo is None or not any(_SQL in text for step in trace.steps for text in step.arguments):
        return None  # a materialization of the project's own may make another SQL of it
    try:
        return msgspec.structs.replace(trace, compiled=render(sql, trace.memo))
    except Unknown:
        return None
