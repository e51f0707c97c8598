"""A lake as a test of models sees it: what is given, what is built of it, what is expected."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from typing_extensions import override

from ..catalog.protocol import TableId
from ..dbt.runner import BuildReport, Node
from ..engine.clock import freeze
from ..errors import LakekitError, UsageError
from ..lake import Branch, Lake, Result
from ..naming import quote
from .compare import compare
from .rows import rows_of
from .snapshots import path_for, read, write
from .syncs import Stream, sync
from .values import arrow_table, check_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..catalog.protocol import Ref
    from ..dbt.graph import Graph, Model
    from ..landing import LandingReport, StreamReport
    from .costs import Cost
    from .harness import Harness
    from .story import Place, Story

_READS: Final = re.compile(r"\s*(select|with|values|show|describe|explain)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BuildUnderTest(BuildReport):
    """A build in a test: what was built, and what that cost, by model."""

    costs: Mapping[str, Cost] = field(default_factory=dict)


class LakeUnderTest(Branch):
    """A lake at a branch that one test has for itself.

    Sources are given what their syncs would have brought, models are built by dbt with all that they need, and tables
    are expected to hold rows. ``story`` is what has happened at the ref so far.
    """

    measures_bytes = False
    """Whether builds find out how many bytes they read, for ``Cost.bytes_read``."""

    def __init__(self, lake: Lake, harness: Harness, story: Story, test: Place) -> None:
        super().__init__(lake.settings, lake.catalog, lake.engine, lake.ref, lake.onto)
        self.harness = harness
        self.test = test
        self.branches: set[str] = set()
        """Branches that were made of this lake, and not deleted since."""
        self.story = story
        """What has happened here."""
        self._origin: LakeUnderTest | None = None
        self._now: datetime | None = None

    @property
    def touched(self) -> int:
        """How often anything was given, built or changed by a statement here."""
        return sum(self.story.changes.values()) + self.story.statements

    @property
    def now(self) -> datetime | None:
        """What the clock says in models and queries; None while time goes on."""
        return self._now

    @now.setter
    def now(self, now: datetime | date | str | None) -> None:
        """Stop the clock, at an instant or its ISO text (in UTC unless it says otherwise), or let it go on."""
        try:
            text = now if now is None or isinstance(now, str) else now.isoformat()
            at = None if text is None else datetime.fromisoformat(text)
        except (ValueError, AttributeError) as error:
            raise UsageError(
                f"The clock cannot be stopped at {now!r}.",
                why=str(error),
                todo='give an instant: lake.now = "2026-01-05T09:30:00Z"',
            ) from error
        self._now = at if at is None or at.tzinfo else at.replace(tzinfo=UTC)

    @property
    def graph(self) -> Graph:
        """The project's models."""
        return self.harness.graph(self)

    def given(self, table: str, rows: Any, *, new_columns: Mapping[str, Any] | None = None) -> None:
        """Let a source's table (``shopify.orders``) have synced rows, or a model hold exactly these.

        Rows are dictionaries, a data frame, or the path of a CSV, JSON, JSON lines or Parquet file. Each call for a
        source is a sync of its own, a minute after the last: rows are typed by the stream's schema reference, replace
        those with the same key as the landing does it, and say again what they leave out. ``new_columns`` are fields
        that the source sends from now on: their names, and their JSON schemas. A model's rows are typed by its columns.

        Raises ``UsageError`` for a table that is neither, an unknown column, a value of another type and a missing key.
        """
        given = rows_of(rows)
        if "." not in table and table not in self.graph.models:
            alike = [known for known in self.harness.project.references() if known.endswith(f".{table}")]
            if alike:
                raise UsageError(
                    f"'{table}' is no model.", todo=f"did you mean the source's table {alike[0]}?"
                )
        if "." in table and self.graph.models.get(table) is None:
            self._sync(table, given, new_columns or {})
        elif new_columns:
            raise UsageError(
                f"{table} is a model: its columns are its SQL's.", todo="give a source new columns"
            )
        else:
            self._hold(self.graph.find(table), given)

    @override
    def build(
        self,
        select: str = "",
        *,
        exclude: str = "",
        full_refresh: bool = False,
        only_named: bool = True,
        on_node: Callable[[Node, int], None] | None = None,
    ) -> BuildUnderTest:
        """Build models, and before them what they read and has not been built of what is there now.

        ``select`` and ``exclude`` name models, with ``+`` for all that they read or that reads them; empty builds all.
        A source that was not given is empty. Data tests are not run. Raises ``UsageError`` for an unknown model, and
        ``BuildFailed``.
        """
        graph = self.graph
        chosen = graph.select(select) if select.split() else graph.ordered(graph.models)
        left_out = {model.name for model in graph.select(exclude)} if exclude.split() else set()
        chosen = [model for model in chosen if model.name not in left_out]
        started = time.monotonic()
        needed = self._needed(chosen)
        nodes, costs = [], {}
        for model in needed:
            cost = costs[model.name] = self._build(model, full_refresh=full_refresh and model in chosen)
            nodes.append(Node(model.name, model.kind, "success", cost.seconds, schema=model.schema))
            if on_node:
                on_node(nodes[-1], len(needed))
        return BuildUnderTest(tuple(nodes), time.monotonic() - started, costs)

    def prepare(self, models: Sequence[str]) -> None:
        """Build models, and what they read, unless that has been done or they were given."""
        chosen = [self.graph.models[name] for name in models if name in self.graph.models]
        for model in self._needed(chosen):
            if model.name not in self.story.given and self.story.built.get(model.name) != self._inputs(model):
                self._build(model, full_refresh=False)

    def expect(
        self,
        table: str,
        rows: Any,
        *,
        key: Sequence[str] | None = None,
        partial: bool = False,
        tolerance: float | Mapping[str, float] = 0,
    ) -> None:
        """Expect a model, or any ``schema.table``, to hold rows: these and no others, in whatever order.

        Only the columns that the rows name are looked at, typed as the table's. ``key`` tells rows apart; the model's
        unique_key if not given. ``partial`` allows others; ``tolerance`` is how far numbers may be off, in all columns
        or by column. Raises ``AssertionError`` with what differs.
        """
        __tracebackhide__ = True
        expected = rows_of(rows)
        names = list(dict.fromkeys(name for row in expected for name in row))
        model, id_ = self._named(table)
        columns = self.columns(table)
        check_columns(names, columns, f"The expectation of {table}")
        if key is None:
            key = (
                model.key if model and names and all(set(model.key) <= row.keys() for row in expected) else ()
            )
        found = self._read(id_, names or columns)
        if model and self.harness.coverage is not None:
            self.harness.coverage.expected(model.name, names or columns, self.test.id)
        if difference := compare(found, expected, key=key, partial=partial, tolerance=tolerance):
            hint = self._not_built_since(model) if model else ""
            raise AssertionError(f"{table} is not what was expected: {difference}{hint}")

    def expect_snapshot(self, table: str, *, name: str = "", key: Sequence[str] | None = None) -> None:
        """Expect a model, or any ``schema.table``, to hold what it held when its snapshot was written.

        ``pytest --lake-update`` writes it, into ``__snapshots__`` beside the test; ``name`` tells apart two of one table.
        Raises ``AssertionError`` with what differs, and ``UsageError`` where there is no snapshot yet.
        """
        __tracebackhide__ = True
        file = path_for(self.test.file, self.test.name, name or table)
        if self.test.update:
            model, id_ = self._named(table)
            columns = self.columns(table)
            write(file, self._read(id_, columns), key if key is not None else model.key if model else ())
        self.expect(table, read(file), key=key)

    def columns(self, table: str) -> list[str]:
        """The columns of a model or a ``schema.table`` that is there; raises ``UsageError`` where it is not."""
        return list(self.schema(self._named(table)[1], table).names)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a model or a ``schema.table``."""
        return Result(self._read(self._named(table)[1], self.columns(table))).rows()

    @override
    def sql(self, statement: str) -> Result:
        """Run one statement of Trino SQL at this ref, at the time that the clock says."""
        if not _READS.match(statement):
            self.story.statements += 1
        return super().sql(freeze(statement, self._now) if self._now else statement)

    @override
    def load(self, *of: Any, **how: Any) -> StreamReport:
        report = super().load(*of, **how)
        self.story.landed()
        return report

    @override
    def land(self, *of: Any, **how: Any) -> LandingReport:
        try:
            return super().land(*of, **how)
        finally:
            self.story.landed()  # what came before a failure is durable

    @override
    def branch(self, name: str | None = None) -> LakeUnderTest:
        """A branch of this lake as it is now, to try something on and perhaps publish; gone when its block ends."""
        work = LakeUnderTest(super().branch(name), self.harness, self.story.copy(), self.test)
        work.branches = self.branches
        work.branches.add(work.ref)
        work._origin, work._now = self, self._now
        work.measures_bytes = self.measures_bytes
        return work

    @override
    def delete_branch(self, name: str) -> None:
        super().delete_branch(name)
        self.branches.discard(name)

    @override
    def publish(self, *, unchecked: bool = False, message: str = "") -> Ref:
        merged = super().publish(unchecked=unchecked, message=message)
        if self._origin and self._origin.ref == self.onto:
            self._origin.story = self.story.copy()
        return merged

    def _sync(self, table: str, rows: list[dict[str, Any]], new_columns: Mapping[str, Any]) -> None:
        stream = self._stream(table)
        for name, of in new_columns.items():
            stream.properties[name] = {"type": ["null", of]} if isinstance(of, str) else of
        written = sync(stream, rows, self.story.clock.next(self._now), table)
        there = bool(self.story.changes.get(table))
        if new_columns or not there:
            self.story.shapes[table] = self.story.shapes.get(table, 0) + 1
        if written.num_rows or not there or new_columns:
            # A stream without a key is appended to.
            self.engine.put_rows(self.ref, TableId.parse(table), written, stream.key)
        self.story.streams[table] = stream
        self.story.changed(table)

    def _stream(self, table: str) -> Stream:
        """A copy of what stands in a source's table: of rows that are refused nothing may stay."""
        if held := self.story.streams.get(table):
            return held.copy()
        reference = self.harness.project.reference(table)
        stream = Stream(reference, dict(reference.properties))
        if self.story.statements and (id_ := TableId.parse(table)) in self._there():
            stream.hold(self._read(id_, self.schema(id_, table).names).to_pylist())
        return stream

    def _hold(self, model: Model, rows: list[dict[str, Any]]) -> None:
        if model.materialized == "ephemeral":
            raise UsageError(
                f"{model.name} is ephemeral: it is in no table that could be given.",
                todo="give what it reads",
            )
        schema = self._columns_of(model)
        table = arrow_table(rows, schema, what=model.name)
        for name in model.key:
            if name in schema.names and table.column(name).null_count:
                raise UsageError(
                    f"A row of {model.name} has no '{name}'.",
                    why="it is the model's unique_key",
                    todo="give each row its own",
                )
        if entry := self.catalog.entries(self.ref).get(model.id):
            super().sql(f"drop {entry.kind} {quote(model.schema, model.table)}")
        self.engine.put_rows(self.ref, model.id, table, ())
        self.story.given.add(model.name)
        self.story.changed(str(model.id))

    def _columns_of(self, model: Model) -> pa.Schema:
        """The columns of a model: those that it has, or would have if it were built of what is there."""
        if model.id in self._there():
            return self.schema(model.id, model.name)
        changed = {table: of.properties for table, of in self.story.streams.items() if of.is_changed}
        key = self.harness.columns_key(model, self.graph, changed)
        if kept := self.harness.kept.get(f"columns of {model.name}", key):
            return pa.ipc.read_schema(pa.py_buffer(kept))
        with self.branch() as tried, self.harness.unreported():
            tried.build(model.name)
            schema = tried.schema(model.id, model.name)
        self.harness.kept.put(f"columns of {model.name}", key, schema.serialize().to_pybytes())
        return schema

    def _not_built_since(self, model: Model) -> str:
        """What to say of a model that was built of something else than what is there now."""
        if model.name not in self.story.built or self.story.built[model.name] == self._inputs(model):
            return ""
        return f"\n{model.name} has not been built since what it reads was given."

    def _needed(self, chosen: Sequence[Model]) -> list[Model]:
        """The chosen models, and of all that they read what has not been built of what is there now; parents first."""
        graph, story = self.graph, self.story
        names = {model.name for model in chosen}
        # What only a given model reads needs no building.
        wanted = set(names)
        for model in reversed(graph.ordered(names | graph.ancestors(names))):
            if model.name in wanted:
                wanted.update(parent for parent in model.parents if parent not in story.given)
        needed: list[Model] = []
        moved: set[str] = set()
        for model in graph.ordered(wanted):
            reads_moved = not moved.isdisjoint(model.parents)
            stale = story.built.get(model.name) != self._inputs(model)
            if model.name in names or stale or (reads_moved and model.materialized != "view"):
                needed.append(model)
                moved.add(model.name)
            elif reads_moved:  # a view shows at once what it reads
                moved.add(model.name)
        return needed

    def _inputs(self, model: Model) -> tuple[object, ...]:
        story = self.story
        if model.materialized == "view":  # it changes when what it reads has other columns, not other rows
            above = [self.graph.models[name] for name in self.graph.ancestors([model.name])]
            sources = sorted({table for one in (model, *above) for table in one.sources})
            return (self._now, story.statements, *(story.shapes.get(table, 0) for table in sources))
        return (self._now, story.statements, *self._changes_read(model))

    def _changes_read(self, model: Model) -> tuple[int, ...]:
        """How often the rows that a model reads have changed, those behind views among them."""
        changes = self.story.changes
        found = [changes.get(table, 0) for table in model.sources]
        for parent in (self.graph.models[name] for name in model.parents):
            found.append(changes.get(str(parent.id), 0))
            if parent.materialized == "view" and parent.name not in self.story.given:
                found += self._changes_read(parent)
        return tuple(found)

    def _build(self, model: Model, *, full_refresh: bool) -> Cost:
        for table in model.sources:
            if not self.story.changes.get(table) and TableId.parse(table) not in self._there():
                self._sync(table, [], {})
        inputs = self._inputs(model)
        cost = self.harness.build(self, model, now=self._now, full_refresh=full_refresh)
        self.story.built[model.name] = inputs
        self.story.given.discard(model.name)
        self.story.changed(str(model.id))
        if self.harness.on_cost:
            self.harness.on_cost(cost)
        return cost

    def _there(self) -> set[TableId]:
        return set(self.catalog.entries(self.ref))

    def _named(self, table: str) -> tuple[Model | None, TableId]:
        model = self.graph.models.get(table)
        if model is None and "." in table:
            try:
                id_ = TableId.parse(table)
            except ValueError as error:
                raise UsageError(str(error)) from error
            return self.graph.at(id_), id_
        model = self.graph.find(table)
        return model, model.id

    def schema(self, id_: TableId, name: str) -> pa.Schema:
        """The columns of a table or view; ``name`` is what it is called where it is not there (``UsageError``)."""
        try:
            return self.engine.execute(
                self.ref, f"select * from {quote(id_.schema, id_.name)} limit 0"
            ).schema
        except LakekitError as error:
            if id_ in self._there():
                raise
            model = self.graph.at(id_)
            todo = (
                f'build it first: lake.build("{model.name}")'
                if model
                else f'give it rows first: lake.given("{name}", …)'
            )
            raise UsageError(f"{name} is not there.", todo=todo) from error

    def _read(self, id_: TableId, columns: Sequence[str]) -> pa.Table:
        listed = ", ".join(map(quote, columns))
        return self.engine.execute(self.ref, f"select {listed} from {quote(id_.schema, id_.name)}")
