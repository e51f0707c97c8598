"""What is kept from one test run to the next: how models read each other, how they were built, what columns they have.

All of it holds only for the project as it was: it lies in a folder that is named after what the project's files say.
"""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..dbt.fingerprint import fingerprint
from ..dbt.graph import Graph
from ..dbt.recording import Recordings, digest
from ..errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..dbt.graph import Model
    from ..project import Project

_STATES: Final = 4
"""How many states of a project are kept, the newest."""

_TEXT: Final = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^"'])*?"""
_JINJA: Final = re.compile(
    r"\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}"
    rf"|(\{{\{{{_TEXT}\}}\}}|\{{%{_TEXT}%\}})",
    re.DOTALL,
)
"""What Jinja evaluates, in a group; comments and raw text, which may only look so, in none."""


class Kept:
    """What is kept of a project, as it is now, in the folder ``cache``. Several processes may use it at a time."""

    def __init__(self, project: Project, cache: Path, engine: str, variables: Mapping[str, Any]) -> None:
        self._project = project
        self._cache = cache
        self._engine = engine
        self._variables = variables
        self._texts: dict[str, str] = {}
        self.plans = cache / "plans"
        """Where the embedded engine keeps what it has worked out of statements; they do not depend on the project."""
        self.parsed = cache / "dbt" / engine
        """Where dbt keeps what it has parsed: it looks itself at what has changed since."""

    @cached_property
    def recordings(self) -> Recordings:
        """How models were built."""
        return Recordings(self._folder / "recordings")

    def graph(self) -> Graph | None:
        """The models as an earlier run found them, if no file has changed that could change them."""
        kept = self.get("graph", self._jinja)
        with suppress(msgspec.DecodeError):
            return msgspec.msgpack.decode(kept, type=Graph) if kept else None
        return None

    def put_graph(self, graph: Graph) -> None:
        """Keep the models as dbt has found them."""
        self.put("graph", self._jinja, msgspec.msgpack.encode(graph))

    def get(self, name: str, key: str) -> bytes | None:
        """What was put under a name with this very key."""
        with suppress(OSError):
            kept = self._file(name).read_bytes()
            if kept.startswith(key.encode() + b"\n"):
                return kept[len(key) + 1 :]
        return None

    def put(self, name: str, key: str, what: bytes) -> None:
        """Keep something for this and later runs; not where the cache cannot be written."""
        file = self._file(name)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(f".{digest(key, str(time.time_ns()))}")
            draft.write_bytes(key.encode() + b"\n" + what)
            draft.replace(file)

    def source(self, model: Model, graph: Graph) -> tuple[str, str]:
        """A digest of what a model is made of beside the project's other files, and what its own file says."""
        own = self._read(model.file)
        places = [f"{graph.models[name].id} {graph.models[name].materialized}" for name in model.parents]
        return digest(own, *map(self._read, model.inlined), *places), own

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.bin"

    def _read(self, file: str) -> str:
        """A model's file, as dbt reads it."""
        if file not in self._texts:
            path = self._project.dbt / file
            try:
                self._texts[file] = path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ProjectError(f"{path} cannot be read.", why=str(error)) from error
        return self._texts[file]

    @cached_property
    def _folder(self) -> Path:
        states = self._cache / "states"
        name = fingerprint(self._project.dbt, self._project.model_paths, self._engine, self._variables)
        folder = states / name
        with suppress(OSError):  # a project that can only be read is tested all the same
            folder.mkdir(parents=True, exist_ok=True)
            by_age = sorted(states.iterdir(), key=lambda state: state.stat().st_mtime, reverse=True)
            for old in by_age[_STATES:]:
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
        return folder

    @cached_property
    def _jinja(self) -> str:
        """A digest of all models' Jinja: what a model reads, and how it is configured, it says and nothing else."""
        dbt = self._project.dbt
        files = sorted(
            str(file.relative_to(dbt)) for path in self._project.model_paths for file in path.rglob("*.sql")
        )
        return digest(*(f"{file} {jinja(self._read(file))}" for file in files))


def jinja(sql: str) -> list[str]:
    """What Jinja evaluates of a model's file, piece by piece."""
    return [piece for piece in _JINJA.findall(sql) if piece]
