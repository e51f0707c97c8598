"""One project in dbt, parsed once and built model by model: what a test of models needs, and ``dbt build`` is slow at.

A model is compiled and materialized by dbt's own runners, as ``dbt build`` does it: hooks, contracts, strategies and
changes of schema are dbt's. What belongs to a whole run is left out: on-run-start and -end, artifacts, data tests.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..catalog.protocol import TableId
from ..engine.clock import freeze
from ..errors import BuildFailed
from .parsed import parse
from .recording import Trace, building, traced, under_way
from .rendering import memorise
from .runner import Node, environment, require_project, working_directory_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from ..catalog.protocol import Entry
    from ..engine.protocol import DbtTarget
    from .graph import Model
    from .parsed import Check
    from .recording import Building


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the lake at a ref: what is there, and the columns of a table, by name and Trino's type."""

    entries: Collection[Entry]
    columns: Callable[[TableId], list[tuple[str, str]] | None]


@dataclass(frozen=True, slots=True)
class Built:
    """A model that was built: what was done, its compiled SQL, and a recording, if it can be built from one again."""

    building: Building
    sql: str
    trace: Trace | None


class Models:
    """The models of the dbt project in ``project``, built at whatever ref the target's environment names.

    ``target`` says which engine. Parsing leaves its work in the folder ``scratch``. Raises ``ProjectError`` where there
    is no project, ``BuildFailed`` where dbt cannot parse it.
    """

    def __init__(self, project: Path, target: DbtTarget, scratch: Path, variables: Mapping[str, Any]) -> None:
        require_project(project)
        self._project = project
        self._variables = dict(variables)
        parsed = parse(project, target, scratch, variables)
        self._config, self.manifest, self._adapter = parsed.config, parsed.manifest, parsed.adapter
        self._nodes, self._checks = parsed.nodes, parsed.check_nodes
        self.graph, self.checks = parsed.graph(), parsed.checks()
        self._at: DbtTarget | None = None
        self._known: Known | None = None
        if self._adapter.type() != "lakekit":  # whose own adapter does this by itself
            self._teach(self._adapter)

    def build(
        self,
        model: Model,
        target: DbtTarget,
        *,
        now: datetime | None = None,
        known: Known | None = None,
        full_refresh: bool = False,
        on_compiled: Callable[[str], None] = lambda _: None,
    ) -> Built:
        """Build one model at the target's ref. Raises ``BuildFailed``.

        ``now`` is what the clock says to it, if not the time; ``known`` is what need not be asked of an engine that is
        far away. ``on_compiled`` is told its SQL before it is run.
        """
        from dbt_common.exceptions import DbtBaseException, DbtRuntimeError

        node = self._nodes[model.name]
        try:
            with self._running(node, target, now, known, full_refresh=full_refresh) as (runner, build):
                compiled = runner.compile(self.manifest)
                build.paused = True
                sql = getattr(compiled, "compiled_code", None) or ""  # a seed has none
                once = self.graph.models[model.name].volatile or full_refresh
                memo = None if once else self._memo(runner, compiled)
                on_compiled(sql)
                build.paused = False
                if not compiled.is_ephemeral_model:
                    runner.run(compiled, self.manifest)
        except DbtBaseException as error:
            if isinstance(error, DbtRuntimeError):
                error.add_node(node)  # it then says in which file
            raise BuildFailed(f"{model.name} could not be built.", why=str(error).strip()) from error
        return Built(build, sql, None if once else traced(build, sql, memo))

    def node(self, model: Model) -> Any:
        """What dbt itself knows of a model."""
        return self._nodes[model.name]

    def compile(self, model: Model, target: DbtTarget) -> str:
        """A model's SQL as it is at the target's ref. Raises ``BuildFailed``."""
        from dbt_common.exceptions import DbtBaseException

        try:
            with self._running(self._nodes[model.name], target, None, None) as (runner, _):
                return str(runner.compile(self.manifest).compiled_code)
        except DbtBaseException as error:
            raise BuildFailed(f"{model.name} could not be compiled.", why=str(error).strip()) from error

    def check(
        self,
        check: Check,
        target: DbtTarget,
        *,
        now: datetime | None = None,
        known: Known | None = None,
    ) -> Node:
        """Run one data test or unit test at the target's ref, as ``build`` builds a model.

        Raises ``BuildFailed`` where it cannot be run; that it fails is in what is returned.
        """
        from dbt_common.exceptions import DbtBaseException

        node = self._checks[check.id]
        try:
            with self._running(node, target, now, known) as (runner, _):
                result = runner.run(runner.compile(self.manifest), self.manifest)
        except DbtBaseException as error:
            raise BuildFailed(f"{check.name} could not be run.", why=str(error).strip()) from error
        query = getattr(node, "compiled_code", "") or ""
        return Node(
            check.name,
            check.kind,
            str(result.status),
            0.0,
            (result.message or "").strip(),
            query=query.strip(),
        )

    @contextmanager
    def _running(
        self,
        node: Any,
        target: DbtTarget,
        now: datetime | None,
        known: Known | None,
        *,
        full_refresh: bool = False,
    ) -> Iterator[tuple[Any, Building]]:
        """dbt's own runner of a node, connected at the target's ref."""
        from dbt_common.context import set_invocation_context

        self._take_over(full_refresh=full_refresh)
        self._go_to(target)
        adapter = self._adapter
        self._known = known
        if known:
            _tell(adapter, self._config.credentials.database, known.entries)
        _forget_compiled(self.manifest, node)
        with building(now) as build, environment(target.env), working_directory_kept():
            set_invocation_context(dict(os.environ))
            try:
                with adapter.connection_named(node.unique_id, node):
                    yield _runner(node)(self._config, adapter, node, 1, 1), build
            finally:
                adapter.release_connection()

    def _take_over(self, *, full_refresh: bool) -> None:
        """Let what dbt keeps for a whole process be ours: another project, or `dbt build`, may have run in it since."""
        from dbt.adapters.factory import FACTORY
        from dbt.flags import set_flags

        FACTORY.adapters[self._adapter.type()] = self._adapter
        flags = copy(self._config.args)
        object.__setattr__(flags, "FULL_REFRESH", full_refresh)
        self._config.args = flags
        set_flags(flags)  # type: ignore[no-untyped-call]

    def _go_to(self, target: DbtTarget) -> None:
        """Let everything that is built from now on be built there."""
        if target == self._at:
            return
        from dbt.config.runtime import load_profile
        from dbt_common.context import set_invocation_context

        with environment(target.env), working_directory_kept():
            set_invocation_context(dict(os.environ))
            profile = load_profile(str(self._project), self._variables, None, target.name, 1)
        before = self._config.credentials.database
        self._config.credentials = profile.credentials
        for node in (*self.manifest.nodes.values(), *self.manifest.sources.values()):
            if node.database == before:
                node.database = profile.credentials.database
        self._adapter.cleanup_connections()
        self._at = target

    def _teach(self, adapter: Any) -> None:
        """Let statements of a build be made at its time, and columns that are known not be asked for."""
        add_query, ask_for_columns = adapter.connections.add_query, adapter.get_columns_in_relation

        def at_its_time(sql: str, *how: Any, **more: Any) -> Any:
            build = under_way.get()
            if build is None:
                return add_query(sql, *how, **more)
            connection, cursor = add_query(freeze(sql, build.now) if build.now else sql, *how, **more)
            build.statements += 1
            build.cursors.append(cursor._cursor)  # noqa: SLF001 - dbt-trino wraps Trino's, which knows what it cost
            return connection, cursor

        adapter.connections.add_query = at_its_time

        def columns(relation: Any) -> Any:
            found = (
                self._known.columns(TableId(str(relation.schema), str(relation.identifier)))
                if self._known
                else None
            )
            if found is None:
                return ask_for_columns(relation)
            return [adapter.Column.from_description(name, type_) for name, type_ in found]

        adapter.get_columns_in_relation = columns

    def _memo(self, runner: Any, node: Any) -> Any:
        from dbt.adapters.base.relation import BaseRelation

        # What is inlined stands in no template of its own; and only the embedded engine's builds are recorded.
        if node.extra_ctes or self._adapter.type() != "lakekit":
            return None
        context = runner.compiler._create_node_context(node, self.manifest, {})  # noqa: SLF001 - dbt's own way in
        return memorise(
            node.raw_code, node.compiled_code, context, lambda thing: isinstance(thing, BaseRelation)
        )


def _runner(node: Any) -> Any:
    from dbt.task.run import ModelRunner
    from dbt.task.seed import SeedRunner
    from dbt.task.snapshot import SnapshotRunner
    from dbt.task.test import TestRunner

    runners = {"seed": SeedRunner, "snapshot": SnapshotRunner, "test": TestRunner, "unit_test": TestRunner}
    return runners.get(str(node.resource_type), ModelRunner)


def _tell(adapter: Any, database: str, there: Iterable[Entry]) -> None:
    """Let an adapter know what is in the lake, so that it does not ask."""
    relation, cache = adapter.Relation, adapter.cache
    cache.clear()
    schemas = {entry.id.schema for entry in there}
    cache.update_schemas([(database, schema) for schema in schemas])
    for entry in there:
        cache.add(
            relation.create(
                database=database, schema=entry.id.schema, identifier=entry.id.name, type=entry.kind
            )
        )


def _forget_compiled(manifest: Any, node: Any) -> None:
    """Let dbt compile a model, and what is inlined in it, as if it had not done so before."""
    if not hasattr(node, "compiled"):
        return  # a unit test, of which dbt makes a node of its own
    for one in (node, *(manifest.nodes.get(name) for name in getattr(node.depends_on, "nodes", ()))):
        if one is None or not hasattr(one, "compiled"):
            continue
        one.compiled, one.compiled_code = False, None
        one.extra_ctes_injected, one.extra_ctes = False, []
        if one is not node and one.config.materialized == "ephemeral":
            _forget_compiled(manifest, one)
