"""What all tests of a run share: the project, and how its models are built.

A model that was built once, in this run or an earlier one, is built again without dbt as long as it would do the same:
see ``lakekit.dbt.recording``. Only the embedded engine's builds are recorded; on Trino dbt builds every model.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..dbt.recording import Building, Diverged, at_its_time, digest, play
from ..errors import LakekitError
from ..project import Project
from .costs import Cost, Meter, bytes_read_by_trino, rows_written
from .kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from ..catalog.protocol import Entry, TableId
    from ..dbt.graph import Graph, Model
    from ..dbt.models import Built, Known, Models
    from ..dbt.parsed import Check
    from ..dbt.runner import Node
    from ..engine.duckdb.session import Session
    from ..lake import Lake
    from ..settings import Settings
    from .coverage import Coverage
    from .lake import LakeUnderTest


class Harness:
    """The project of ``settings``. What is worth keeping from one run to the next lies in the folder ``cache``.

    Without ``replay`` dbt is asked everything and builds everything, whatever is kept.
    """

    def __init__(
        self,
        settings: Settings,
        cache: Path,
        variables: Mapping[str, Any] | None = None,
        *,
        replay: bool = True,
    ) -> None:
        self.settings = settings
        self.project = Project(settings.project, settings.dbt)
        self.kept = Kept(self.project, cache, settings.engine, variables or {})
        self.coverage: Coverage | None = None
        """What tests exercise, if that is to be found out."""
        self.on_cost: Callable[[Cost], None] | None = None
        """Told what each build cost, if that is to be reported."""
        self._variables = variables or {}
        self._replay = replay
        self._dbt: Models | None = None
        self._graph: Graph | None = None

    def graph(self, lake: Lake) -> Graph:
        """The project's models; dbt is asked where its files have changed. Raises ``BuildFailed``."""
        if self._graph is None:
            self._graph = (self.kept.graph() if self._replay else None) or self._models(lake).graph
        return self._graph

    def build(
        self, lake: LakeUnderTest, model: Model, *, now: datetime | None = None, full_refresh: bool = False
    ) -> Cost:
        """Build one model at the lake's ref, and return what that cost. Raises ``BuildFailed``."""
        measures = lake.measures_bytes or self.on_cost is not None
        before = lake.catalog.entries(lake.ref)
        if self.settings.engine == "embedded":
            session: Session = lake.engine.session(lake.ref)  # type: ignore[attr-defined]
            with Meter(session if measures else None) as self._meter:
                building = self._build_embedded(lake, session, model, now, full_refresh)
            read = self._meter.bytes_read if measures else None
        else:
            with Meter(None) as self._meter:
                known = _known(lake, before)
                building = self._build_by_dbt(lake, model, now, full_refresh, known).building
            read = bytes_read_by_trino(building) if measures else None
        after = lake.catalog.entries(lake.ref).get(model.id)
        if self.coverage and after:  # an ephemeral model is nowhere
            self.coverage.known({model.name: lake.schema(model.id, model.name).names})
        count_rows = partial(rows_written, lake, before.get(model.id), after)
        return Cost(model.name, self._meter.seconds, building.statements, count_rows, read)

    @contextmanager
    def unreported(self) -> Iterator[None]:
        """What is built in here the test did not ask for: no report counts it."""
        watching = self.coverage, self.on_cost
        self.coverage = self.on_cost = None
        try:
            yield
        finally:
            self.coverage, self.on_cost = watching

    def checks(self, lake: Lake) -> list[Check]:
        """The project's data tests and unit tests; dbt is asked. Raises ``BuildFailed``."""
        return self._models(lake).checks

    def check(self, lake: Lake, check: Check) -> Node:
        """Run a data test or a unit test at the lake's ref. Raises ``BuildFailed`` where it cannot be run."""
        known = None
        if self.settings.engine != "embedded":
            known = _known(lake, lake.catalog.entries(lake.ref))
        return self._models(lake).check(check, lake.engine.dbt_target(lake.ref), known=known)

    def columns_key(
        self, model: Model, graph: Graph, changed: Mapping[str, Any] = MappingProxyType({})
    ) -> str:
        """A digest of all that a model's columns depend on, beside the project's other files.

        ``changed`` are source tables that send other columns than their references say: a test's alone.
        """
        names = [*sorted(graph.ancestors([model.name])), model.name]
        sources = (self.kept.source(graph.models[name], graph)[0] for name in names)
        return digest(*sources, repr(sorted(changed.items())))

    def _build_embedded(
        self, lake: LakeUnderTest, session: Session, model: Model, now: datetime | None, full_refresh: bool
    ) -> Building:
        replay = self._replay and not full_refresh and not self.coverage
        recording = self.kept.recordings.get(model.name) if replay else None
        if recording:
            from ..engine.duckdb.operations import ask

            source, sql = self.kept.source(model, self.graph(lake))
            before, building = lake.catalog.ref(lake.ref).hash, Building(now)

            def asked(name: str, given: tuple[str, ...]) -> Any:
                building.statements += name == "run"
                try:
                    return ask(session, name, at_its_time(name, given, now))
                except LakekitError as error:
                    raise Diverged from error  # dbt says better what is wrong with the model

            try:
                play(recording, source, sql, asked)
            except Diverged:
                # What was done until then, dbt is to do itself.
                if lake.catalog.ref(lake.ref).hash != before:
                    lake.catalog.assign(lake.ref, before)
            else:
                return building
        built = self._build_by_dbt(lake, model, now, full_refresh)
        if built.trace and self._replay:
            graph = self._models(lake).graph
            source, _ = self.kept.source(graph.models[model.name], graph)
            self.kept.recordings.add(model.name, source, built.trace)
        return built.building

    def _build_by_dbt(
        self,
        lake: LakeUnderTest,
        model: Model,
        now: datetime | None,
        full_refresh: bool,
        known: Known | None = None,
    ) -> Built:
        return self._models(lake).build(
            model,
            lake.engine.dbt_target(lake.ref),
            now=now,
            known=known,
            full_refresh=full_refresh,
            on_compiled=self._on_compiled(lake, model),
        )

    def _on_compiled(self, lake: LakeUnderTest, model: Model) -> Callable[[str], None]:
        """What to do with a model's SQL before it is run, while an incremental model's table is as it was."""
        coverage = self.coverage
        if coverage is None:
            return lambda _: None

        def measure(sql: str) -> None:
            with self._meter.paused():
                coverage.measure(model.name, sql, lambda query: lake.sql(query).arrow(), lake.test.id)

        return measure

    def _models(self, lake: Lake) -> Models:
        """The project in dbt, parsed when it is first needed; what it says of its models is then what holds."""
        if self._dbt is None:
            from ..dbt.models import Models

            target = lake.engine.dbt_target(lake.ref)
            self._dbt = Models(self.settings.dbt, target, self.kept.parsed, self._variables)
            if self._graph != self._dbt.graph:
                self._graph = self._dbt.graph
                self.kept.put_graph(self._graph)
        return self._dbt


def _known(lake: Lake, entries: Mapping[TableId, Entry]) -> Known:
    """What the catalog tells of a lake in a tenth of the time that Trino takes."""
    from pyiceberg.exceptions import NoSuchTableError

    from ..dbt.models import Known
    from ..engine.iceberg_types import trino_columns

    def columns(table: TableId) -> list[tuple[str, str]] | None:
        try:
            return trino_columns(
                lake.catalog.iceberg(lake.ref).load_table((table.schema, table.name)).schema()
            )
        except (NoSuchTableError, ValueError):  # a view, or a type that only Trino can name
            return None

    return Known(entries.values(), columns)
