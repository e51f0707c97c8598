"""The one object: a lake at a ref.

Everything that a person does with lakekit is a method here; the command line, the tests' fixtures and the
demo are thin skins over it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from .catalog.protocol import TableId
from .errors import BuildFailed, LakekitError, MissingExtra, PublishRefused, UsageError
from .naming import MAIN, is_hash, is_valid_branch, new_branch_name, quote
from .settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    import pyarrow as pa

    from .catalog.protocol import Catalog, Commit, Entry, Kind, Ref
    from .dbt import BuildReport, Node
    from .engine.protocol import Engine
    from .landing import ConfiguredCatalog, LandingReport, Progress, Size, StreamReport
    from .settings import EngineName

_FAR: Final = 10_000
_ENOUGH: Final = 7
"""So many signs of a commit's hash name it."""


class Result:
    """A statement's rows, held as Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table, with the same types on every engine."""
        return self._table

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries, column name to Python value; ``UsageError`` where two columns share a name."""
        if doubled := {name for name in self.columns if self.columns.count(name) > 1}:
            raise UsageError(
                f"Two columns are called {', '.join(sorted(doubled))}.", todo="name one of them with `as`"
            )
        return list(self._table.to_pylist())

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows())

    def __len__(self) -> int:
        return int(self._table.num_rows)


@dataclass(frozen=True, slots=True)
class Change:
    """How one table or view differs from what it was where the branch was made.

    ``rows_before`` and ``rows_after`` are None for a view, and where the table is not there on that side.
    """

    table: TableId
    kind: Kind
    change: Literal["added", "changed", "removed"]
    rows_before: int | None = None
    rows_after: int | None = None
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()


class Lake:
    """A lakehouse at a ref: main, a branch, a tag or a commit's hash.

    ``onto`` is the branch that it is compared with and published into.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, engine: Engine, ref: str = MAIN, onto: str = MAIN
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self.engine = engine
        self.ref = ref
        self.onto = onto

    @classmethod
    def connect(cls, project: Path | None = None, *, engine: EngineName | None = None) -> Self:
        """Open the lake of the project at or above ``project`` (default: the working directory), at main.

        Raises ``ProjectError``, ``SettingsError``, ``MissingExtra``, and ``StackFailed`` if the project
        works on Trino and no stack is running.
        """
        return cls.over(Settings.load(project, engine=engine))

    @classmethod
    def over(cls, settings: Settings) -> Self:
        """Open the lake that settings describe, at main; raises what ``connect`` does."""
        return cls(settings, *_open(settings))

    def at(self, ref: str) -> Lake:
        """The same lake at another ref, which must exist (``RefNotFound``)."""
        return Lake(self.settings, self.catalog, self.engine, self.catalog.ref(ref).name)

    def branch(self, name: str | None = None) -> Branch:
        """A new branch of this ref: zero-copy, deleted when its ``with`` block ends.

        Raises ``UsageError`` for a name that cannot be one, and ``RefExists``.
        """
        name = name or new_branch_name("work")
        if not is_valid_branch(name):
            raise UsageError(
                f"'{name}' cannot name a branch.",
                why="a branch's name has letters, digits and . _ - / only, and does not read as a hash",
            )
        ref = self.catalog.create_branch(name, at=self.ref)
        return Branch(self.settings, self.catalog, self.engine, ref.name, onto=self.ref)

    def delete_branch(self, name: str) -> None:
        """Delete a branch; its data files stay, for other refs may share them."""
        if name == MAIN:
            raise UsageError(f"'{MAIN}' cannot be deleted.", why="it is what production reads")
        self.catalog.ref(name)
        self.engine.forget(name)
        self.catalog.delete_branch(name)

    def sql(self, statement: str) -> Result:
        """Run one statement of Trino SQL at this ref; raises ``QueryFailed`` or ``UnsupportedSql``."""
        return Result(self.engine.execute(self.ref, statement))

    def load(
        self,
        table: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        key: Sequence[str] = ("id",),
        cursor: str | None = None,
    ) -> StreamReport:
        """Write rows to a bronze table by append_dedup, exactly as the landing does it.

        A row replaces the one with the same ``key`` unless its ``cursor`` is older. The table is made, or
        gains columns, as the rows need.
        """
        from .landing import load

        self._require_a_branch()

        return load(self.catalog.iceberg(self.ref), _table_id(table), rows, key=key, cursor=cursor)

    def write(self, table: str, rows: pa.Table, *, key: Sequence[str] = ()) -> None:
        """Let a table hold these rows, in one commit: in place of those with the same ``key``, or of all it held.

        The table is made if it is not there, and gains the columns that it lacks. Raises ``QueryFailed`` where the rows
        do not fit.
        """
        from .engine.rows import put_through_pyiceberg

        self._require_a_branch()
        put_through_pyiceberg(self.catalog.iceberg(self.ref), _table_id(table), rows, key, replace=not key)

    def land(
        self,
        source: str,
        configured: ConfiguredCatalog,
        messages: Iterable[bytes | str | Mapping[str, Any]],
        *,
        echo: Callable[[bytes], None] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> LandingReport:
        """Write Airbyte protocol messages to the bronze tables of ``source``.

        ``echo`` gets each STATE message once everything before it is durable. Raises ``LandingFailed``.
        """
        from .landing import land

        self._require_a_branch()
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", source):
            raise UsageError(
                f"'{source}' cannot be a source.",
                why="it names a schema: small letters, digits and _, not starting with a digit",
            )
        return land(
            self.catalog.iceberg(self.ref), source, configured, messages, echo=echo, progress=progress
        )

    def states(self, source: str, configured: ConfiguredCatalog) -> list[dict[str, Any]]:
        """The STATE that the next sync of ``source`` goes on from, as this ref's bronze holds it."""
        from .landing import read_states

        return read_states(self.catalog.iceberg(self.ref), source, configured)

    def size(self, table: str) -> Size | None:
        """How much a table holds at this ref, as Iceberg's own summary says it; None if it is not there."""
        from .landing import find, size_of

        held = find(self.catalog.iceberg(self.ref), _table_id(table))
        return size_of(held) if held else None

    def build(
        self,
        select: str = "",
        *,
        exclude: str = "",
        full_refresh: bool = False,
        only_named: bool = False,
        on_node: Callable[[Node, int], None] | None = None,
    ) -> BuildReport:
        """Build and test the project's dbt models at this ref, and remember what the checks said.

        ``select`` and ``exclude`` are dbt's selection syntax; empty builds everything. With ``only_named`` no test runs
        that is not selected itself. ``on_node`` gets each node as it finishes, and how many there are in all. Failed
        checks are in the report (and keep the branch from being published); a model that fails raises ``BuildFailed``.
        """
        from .dbt import build, prepared

        self._require_a_branch()
        target = self.engine.dbt_target(self.ref)
        report = build(
            self.settings.dbt,
            target,
            select,
            exclude=exclude,
            full_refresh=full_refresh,
            only_named=only_named,
            manifest=prepared(self.settings).manifest(target.database),
            on_node=on_node,
        )
        broken = [node for node in report.failures if not node.is_check]
        known = self.catalog.checks(self.ref).results
        results = {node.label: node.ok for node in report.nodes if node.is_check}
        # A model that failed vouches against the branch until it has been built again.
        results |= {node.name: node.ok for node in report.nodes if node in broken or node.name in known}
        if results:
            # A build of everything is the whole truth: a check that is no more has no say.
            self.catalog.record_checks(self.ref, results, replace=not (select or exclude))
        if broken:
            raise self._build_failed(report, broken)
        return report

    def diff(self) -> list[Change]:
        """What changed at this ref since it left the branch that it is to go into, table by table."""
        base = self.catalog.base(self.ref, self.onto)
        before, after = self.catalog.entries(base), self.catalog.entries(self.ref)
        return [
            self._change(base, before.get(table), after.get(table))
            for table in sorted(before.keys() | after.keys())
            if _pointer(before.get(table)) != _pointer(after.get(table))
        ]

    def publish(self, *, unchecked: bool = False, message: str = "") -> Ref:
        """Merge this branch into the one it left, in one atomic step, and return that one's new state.

        Raises ``PublishRefused`` unless checks ran on the branch as it is now and all passed
        (``unchecked=True`` publishes all the same), and ``MergeConflict`` naming the tables.
        """
        if self.ref == self.onto:
            raise UsageError(
                f"'{self.ref}' cannot be published into itself.", todo="work on a branch, and publish that"
            )
        if not unchecked:
            self._require_passing_checks()
        return self.catalog.merge(self.ref, self.onto, message or f"publish {self.ref}")

    def retract(self, commit: str) -> Ref:
        """Put back what a commit at this ref changed (a publish, a landing), in one commit; return the new state.

        ``commit`` is a hash as the log has it, or how it begins. Raises ``UsageError`` where it is none of this ref's,
        and ``RetractRefused`` where one of its tables has changed since.
        """
        self._require_a_branch()
        found = [one.hash for one in self.log(_FAR) if len(commit) >= _ENOUGH and one.hash.startswith(commit)]
        if len(found) != 1:
            raise UsageError(
                f"'{commit}' is no commit of '{self.ref}'.",
                why=f"{len(found)} of its last {_FAR:,} begin so"
                if found
                else f"none of its last {_FAR:,} begins so",
                todo="give more of its hash, as `lakekit branch log` shows it",
            )
        return self.catalog.retract(found[0], self.ref)

    def log(self, limit: int = 50) -> list[Commit]:
        """The ref's newest commits, newest first."""
        return self.catalog.log(self.ref, limit)

    def close(self) -> None:
        """Release connections and in-process servers."""
        self.engine.close()
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_a_branch(self) -> None:
        if is_hash(self.ref):
            raise UsageError(
                f"{self.ref} is a commit, which nothing can be written to.",
                todo="make a branch of it, and write there",
            )

    def _build_failed(self, report: BuildReport, broken: list[Node]) -> BuildFailed:
        landed = {str(table) for table in self.catalog.entries(self.ref)}
        missing = sorted({source for node in broken for source in node.reads} - landed)
        if missing:
            sources = sorted({source.partition(".")[0] for source in missing})
            return BuildFailed(
                f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} not landed at '{self.ref}'.",
                why=f"{len(broken)} of {len(report.nodes)} nodes failed: {', '.join(n.name for n in broken)}",
                todo=f"land first (lakekit land --source {sources[0]} …), or leave out what reads it "
                f"(lakekit build --exclude '{' '.join(f'source:{source}+' for source in sources)}')",
                report=report,
            )
        built = {table.rpartition(".")[2] for table in landed} | {node.name for node in report.nodes}
        unbuilt = {name for node in broken for name in node.selects if name in node.message} - built
        if unbuilt:
            return BuildFailed(
                f"{', '.join(sorted(unbuilt))} {'is' if len(unbuilt) == 1 else 'are'} not built at '{self.ref}'.",
                why=f"{', '.join(node.name for node in broken)} failed without",
                todo=f"build what it selects from as well: '+{broken[0].name}'",
                report=report,
            )
        return BuildFailed(
            f"{len(broken)} of {len(report.nodes)} nodes failed: {', '.join(n.name for n in broken)}.",
            why="\n".join(f"{node.name}: {node.message}" for node in broken),
            report=report,
        )

    def _require_passing_checks(self) -> None:
        checks = self.catalog.checks(self.ref)
        unchecked = f"publish it unchecked: lakekit branch publish {self.ref} --unchecked"
        if not checks.results:
            raise PublishRefused(
                f"No check ran on '{self.ref}', so nothing vouches for it.",
                todo=f"build it with its tests, or {unchecked}",
            )
        if checks.failed:
            raise PublishRefused(
                f"{len(checks.failed)} of {len(checks.results)} checks failed on '{self.ref}'.",
                why=", ".join(checks.failed),
                todo=f"mend and build again, or {unchecked}",
            )
        if not checks.fresh:
            raise PublishRefused(
                f"'{self.ref}' has changed since its checks ran.",
                todo=f"build it again with its tests, or {unchecked}",
            )

    def _change(self, base: str, before: Entry | None, after: Entry | None) -> Change:
        entry = after or before
        assert entry is not None
        old = self._shape(base, before) if before else None
        new = self._shape(self.ref, after) if after else None
        return Change(
            entry.id,
            entry.kind,
            "removed" if new is None else "added" if old is None else "changed",
            old.rows if old else None,
            new.rows if new else None,
            tuple(name for name in new.columns if name not in old.columns) if old and new else (),
            tuple(name for name in old.columns if name not in new.columns) if old and new else (),
        )

    def _shape(self, ref: str, entry: Entry) -> _Shape:
        name = quote(entry.id.schema, entry.id.name)
        columns = tuple(self.engine.execute(ref, f"select * from {name} limit 0").column_names)
        if entry.kind == "view":
            return _Shape(None, columns)
        count = self.engine.execute(ref, f"select count(*) from {name}")
        return _Shape(count.column(0)[0].as_py(), columns)


@dataclass(frozen=True, slots=True)
class _Shape:
    rows: int | None
    columns: tuple[str, ...]


class Branch(Lake):
    """A lake at a branch of its own, which is deleted when the ``with`` block ends.

    What is to stay is published; ``keep()`` leaves the branch for a later look.
    """

    _kept = False

    def keep(self) -> None:
        """Leave the branch in place when the block ends."""
        self._kept = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept:
            return
        try:
            self.delete_branch(self.ref)
        except LakekitError as failure:
            if error is None:
                raise
            error.add_note(f"the branch '{self.ref}' could not be deleted: {failure}")


def _open(settings: Settings) -> tuple[Catalog, Engine]:
    try:
        if settings.engine == "embedded":
            from .catalog.embedded import EmbeddedCatalog
            from .engine.duckdb import DuckDBEngine

            embedded = EmbeddedCatalog(settings.lake)
            return embedded, DuckDBEngine(embedded)

        from .catalog.nessie import NessieCatalog
        from .engine.trino import TrinoEngine
        from .stack import stack_of

        endpoints = stack_of(settings).endpoints()
        nessie = NessieCatalog(endpoints)
        return nessie, TrinoEngine(endpoints, nessie)
    except ModuleNotFoundError as error:
        raise MissingExtra("duckdb" if settings.engine == "embedded" else "trino", str(error.name)) from error


def _pointer(entry: Entry | None) -> str | None:
    return entry.pointer if entry else None


def _table_id(dotted: str) -> TableId:
    try:
        return TableId.parse(dotted)
    except ValueError as error:
        raise UsageError(str(error), todo="name it like shopify.orders") from error
