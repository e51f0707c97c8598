"""What all tests of a run share: the project, how its models read each other, and how they were built before.

A model that was built once, in this run or an earlier one, is built again without dbt as long as it would do the same:
see ``lakekit.dbt.recording``. Only the embedded engine's builds are recorded; on Trino dbt builds every model.
"""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..dbt.fingerprint import fingerprint
from ..dbt.graph import Graph
from ..dbt.recording import Building, Diverged, Recordings, at_its_time, digest, play
from ..errors import LakekitError, ProjectError
from ..project import Project
from .costs import Cost, bytes_read_by_duckdb, bytes_read_by_trino, rows_written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from ..dbt.graph import Model
    from ..dbt.models import Check, Models
    from ..dbt.recording import Recording
    from ..dbt.runner import Node
    from ..engine.duckdb.session import Session
    from ..lake import Lake
    from ..settings import Settings
    from .coverage import Coverage
    from .lake import LakeUnderTest

_STATES_KEPT: Final = 4
_JINJA: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class Harness:
    """The project of ``settings``. What is worth keeping from one run to the next lies in the folder ``cache``."""

    def __init__(self, settings: Settings, cache: Path, variables: Mapping[str, Any] | None = None) -> None:
        self.settings = settings
        self.project = Project(settings.project, settings.dbt)
        self.cache = cache
        self._variables = dict(variables or {})
        self.coverage: Coverage | None = None
        """What tests exercise, if that is to be found out."""
        self.on_cost: Callable[[Cost], None] | None = None
        """Told what each build cost, if that is to be reported."""
        self._lake: Lake | None = None
        self._sources: dict[str, str] = {}

    def graph(self, lake: Lake) -> Graph:
        """The project's models; dbt is asked where its files have changed. Raises ``BuildFailed``."""
        self._lake = lake
        return self._graph

    def build(
        self, lake: LakeUnderTest, model: Model, *, now: datetime | None = None, full_refresh: bool = False
    ) -> Cost:
        """Build one model at the lake's ref, and return what that cost. Raises ``BuildFailed``."""
        self._lake = lake
        started, before = time.monotonic(), lake.catalog.entries(lake.ref)
        if self.settings.engine == "embedded":
            session: Session = lake.engine.session(lake.ref)  # type: ignore[attr-defined]
            ended = bytes_read_by_duckdb(session)
            building = self._build_embedded(lake, session, model, now, full_refresh)
            count_bytes = ended()
        else:
            building = self._models.build(
                model,
                lake.engine.dbt_target(lake.ref),
                now=now,
                there=before.values(),
                full_refresh=full_refresh,
                on_compiled=self._on_compiled(lake, model),
            ).building
            count_bytes = partial(bytes_read_by_trino, building)
        seconds = time.monotonic() - started
        after = lake.catalog.entries(lake.ref).get(model.id)
        count_rows = partial(rows_written, lake, before.get(model.id), after)
        return Cost(model.name, seconds, building.statements, count_rows, count_bytes)

    def _build_embedded(
        self, lake: LakeUnderTest, session: Session, model: Model, now: datetime | None, full_refresh: bool
    ) -> Building:
        source, sql = self._source(model)
        recording = None if full_refresh or self.coverage else self._recordings.get(model.name)
        if recording:
            before = lake.catalog.ref(lake.ref).hash
            building = Building(now)
            try:
                self._play(session, recording, source, sql, building)
            except Diverged:
                # What was done until then, dbt is to do itself.
                if lake.catalog.ref(lake.ref).hash != before:
                    lake.catalog.assign(lake.ref, before)
            else:
                return building
        built = self._models.build(
            model,
            lake.engine.dbt_target(lake.ref),
            now=now,
            full_refresh=full_refresh,
            on_compiled=self._on_compiled(lake, model),
        )
        if built.trace:
            self._recordings.add(model.name, source, built.trace)
        return built.building

    def _on_compiled(self, lake: LakeUnderTest, model: Model) -> Callable[[str], None]:
        """What to do with a model's SQL before it is run, while an incremental model's table is as it was."""
        coverage = self.coverage
        if coverage is None:
            return lambda _: None
        return lambda sql: coverage.measure(
            model.name, sql, lambda query: lake.sql(query).arrow(), lake.test.id
        )

    def checks(self, lake: Lake) -> list[Check]:
        """The project's data tests and unit tests; dbt is asked. Raises ``BuildFailed``."""
        self._lake = lake
        return self._models.checks

    def check(self, lake: Lake, check: Check) -> Node:
        """Run a data test or a unit test at the lake's ref. Raises ``BuildFailed`` where it cannot be run."""
        self._lake = lake
        embedded = self.settings.engine == "embedded"
        there = None if embedded else lake.catalog.entries(lake.ref).values()
        return self._models.check(check, lake.engine.dbt_target(lake.ref), there=there)

    def sources_of(self, model: Model) -> str:
        """A digest of all that the model's columns depend on, as far as it is not in the project's fingerprint."""
        names = [*sorted(self._graph.ancestors([model.name])), model.name]
        return digest(*(self._source(self._graph.models[name])[0] for name in names))

    def remembered(self, name: str, key: str) -> bytes | None:
        """What ``remember`` kept under a name and this very key."""
        with suppress(OSError):
            kept = (self._state / f"{name}.bin").read_bytes()
            if kept.startswith(key.encode() + b"\n"):
                return kept[len(key) + 1 :]
        return None

    def remember(self, name: str, key: str, what: bytes) -> None:
        """Keep something for this and later runs; not where the cache cannot be written."""
        with suppress(OSError):
            self._state.mkdir(parents=True, exist_ok=True)
            partial = self._state / f"{name}.{digest(key, str(time.time_ns()))}"
            partial.write_bytes(key.encode() + b"\n" + what)
            partial.replace(self._state / f"{name}.bin")

    def _play(
        self, session: Session, recording: Recording, source: str, sql: str, building: Building
    ) -> None:
        from ..engine.duckdb.operations import ask

        def asked(name: str, given: tuple[str, ...]) -> Any:
            building.statements += name == "run"
            try:
                return ask(session, name, at_its_time(name, given, building.now))
            except LakekitError as error:
                raise Diverged from error  # dbt says better what is wrong with the model

        play(recording, source, sql, asked)

    def _source(self, model: Model) -> tuple[str, str]:
        """The digest of a model's files, and what its own says, as dbt reads it."""
        own = self._read(model.file)
        parents = [self._graph.models[name] for name in model.parents]
        places = [f"{parent.id} {parent.materialized}" for parent in parents]
        return digest(own, *map(self._read, model.inlined), *places), own

    def _read(self, file: str) -> str:
        if file not in self._sources:
            try:
                self._sources[file] = (self.settings.dbt / file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ProjectError(f"{self.settings.dbt / file} cannot be read.", why=str(error)) from error
        return self._sources[file]

    @cached_property
    def _state(self) -> Path:
        """The folder for what holds only as long as the project's files say what they say now."""
        name = fingerprint(self.settings.dbt, self.project.model_paths, self.settings.engine, self._variables)
        folder = self.cache / name
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            states = sorted(self.cache.iterdir(), key=lambda state: state.stat().st_mtime, reverse=True)
            for old in states[_STATES_KEPT:]:
                if old.is_dir() and old != folder:
                    shutil.rmtree(old, ignore_errors=True)
        return folder

    @cached_property
    def _recordings(self) -> Recordings:
        return Recordings(self._state / "recordings")

    @cached_property
    def _graph(self) -> Graph:
        if kept := self.kept_graph():
            return kept
        graph = self._models.graph
        self.remember("graph", self._jinja, msgspec.msgpack.encode(graph))
        return graph

    def kept_graph(self) -> Graph | None:
        """The models as an earlier run found them, if nothing has changed since that could change them."""
        kept = self.remembered("graph", self._jinja)
        with suppress(msgspec.DecodeError):
            return msgspec.msgpack.decode(kept, type=Graph) if kept else None
        return None

    @cached_property
    def _jinja(self) -> str:
        """A digest of all models' Jinja."""
        # What a model reads, and how it is configured, its Jinja says and nothing else.
        files = sorted(file for path in self.project.model_paths for file in path.rglob("*.sql"))
        dbt = self.settings.dbt
        return digest(
            *(
                f"{file.relative_to(dbt)} {_JINJA.findall(self._read(str(file.relative_to(dbt))))}"
                for file in files
            )
        )

    @cached_property
    def _models(self) -> Models:
        from ..dbt.models import Models

        assert self._lake is not None
        target = self._lake.engine.dbt_target(self._lake.ref)
        return Models(self.settings.dbt, target, self.cache / "dbt", self._variables)
