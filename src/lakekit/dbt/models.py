"""One project in dbt, parsed once and built model by model: what a test of models needs, and ``dbt build`` is slow at.

A model is compiled and materialized by dbt's own runners, as ``dbt build`` does it: hooks, contracts, strategies and
changes of schema are dbt's. What belongs to a whole run is left out: on-run-start and -end, artifacts, data tests.
"""

from __future__ import annotations

import os
import re
import warnings
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from ..catalog.protocol import TableId
from ..engine.clock import freeze
from ..errors import BuildFailed, MissingExtra, ProjectError
from .graph import Graph, Model
from .recording import Trace, building, traced, under_way
from .rendering import memorise
from .runner import Node, environment, link_package, working_directory_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from ..catalog.protocol import Entry
    from ..engine.protocol import DbtTarget
    from .recording import Building

_KINDS: Final = ("model", "seed", "snapshot")
_CALLED_BY_DBT: Final = re.compile(r"(get_incremental|materialization|default|lakekit|trino)_")
_AT_PARSING: Final = re.compile(r"(\w+__)?generate_(schema|alias|database)_name")

_VOLATILE: Final = re.compile(r"\b(run_started_at|invocation_id|modules|env_var|graph|dbt_metadata_envs)\b")
"""What a model's SQL may depend on that is no file, no variable and not in the lake."""


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


@dataclass(frozen=True, slots=True)
class Check:
    """A data test (kind ``test``) or a unit test of the project, the models that it reads, and where it is written."""

    id: str
    name: str
    kind: str
    file: str
    models: tuple[str, ...]


class Models:
    """The models of the dbt project in ``project``, built at whatever ref the target's environment names.

    ``target`` says which engine. Parsing leaves its work in the folder ``scratch``. Raises ``ProjectError`` where there
    is no project, ``BuildFailed`` where dbt cannot parse it.
    """

    def __init__(self, project: Path, target: DbtTarget, scratch: Path, variables: Mapping[str, Any]) -> None:
        if not (project / "dbt_project.yml").is_file():
            raise ProjectError(
                f"There is no dbt project in {project}.",
                why="it has no dbt_project.yml",
                todo="set `dbt` in lakekit.toml to the folder that has one",
            )
        self._project = project
        link_package(project)
        if not _takes_files(scratch):  # a project that can only be read
            self._temporary = TemporaryDirectory(prefix="lakekit-dbt-")
            scratch = Path(self._temporary.name)
        # Where the engine is says the environment, another in each run: what is parsed under it dbt would parse anew.
        # A password is needed, or there is no profile; dbt keeps nothing of it.
        parsed_under = {
            name: None if name.startswith("LAKEKIT_") else value for name, value in target.env.items()
        }
        with working_directory_kept(), environment(parsed_under):
            self._config, self._manifest, self._adapter = _parse(project, target.name, scratch, variables)
        self._variables = dict(variables)
        self._at: DbtTarget | None = None
        self._roots = {
            name: Path(os.path.abspath(package.project_root))  # noqa: PTH100 - a link to a package is its place
            for name, package in self._config.load_dependencies().items()
        }
        self._nodes = self._by_name()
        self._names = {node.unique_id: name for name, node in self._nodes.items()}
        tests = {id_: node for id_, node in self._manifest.nodes.items() if node.resource_type == "test"}
        self._checks = {**tests, **self._manifest.unit_tests}
        self._known: Known | None = None
        if self._adapter.type() != "lakekit":  # whose own adapter does this by itself
            self._teach(self._adapter)
        self.graph = Graph({model.name: model for model in self._models()})

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
                compiled = runner.compile(self._manifest)
                build.paused = True
                sql = getattr(compiled, "compiled_code", None) or ""  # a seed has none
                once = self.graph.models[model.name].volatile or full_refresh
                memo = None if once else self._memo(runner, compiled)
                on_compiled(sql)
                build.paused = False
                if not compiled.is_ephemeral_model:
                    runner.run(compiled, self._manifest)
        except DbtBaseException as error:
            if isinstance(error, DbtRuntimeError):
                error.add_node(node)  # it then says in which file
            raise BuildFailed(f"{model.name} could not be built.", why=str(error).strip()) from error
        return Built(build, sql, None if once else traced(build, sql, memo))

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
                result = runner.run(runner.compile(self._manifest), self._manifest)
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

    @property
    def checks(self) -> list[Check]:
        """The project's data tests and unit tests."""
        names = self._names
        return [
            Check(
                id_,
                node.name,
                str(node.resource_type),
                self._file(node),
                tuple(sorted(names[parent] for parent in node.depends_on.nodes if parent in names)),
            )
            for id_, node in self._checks.items()
        ]

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
        _forget_compiled(self._manifest, node)
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
        for node in (*self._manifest.nodes.values(), *self._manifest.sources.values()):
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
        context = runner.compiler._create_node_context(node, self._manifest, {})  # noqa: SLF001 - dbt's own way in
        return memorise(
            node.raw_code, node.compiled_code, context, lambda thing: isinstance(thing, BaseRelation)
        )

    def _by_name(self) -> dict[str, Any]:
        """Models, seeds and snapshots by the names that dbt prints; where packages have the same, by theirs, too."""
        found: dict[str, Any] = {}
        nodes = [node for node in self._manifest.nodes.values() if node.resource_type in _KINDS]
        for node in sorted(nodes, key=lambda node: node.package_name != self._config.project_name):
            name = node.search_name
            found[f"{node.package_name}.{name}" if name in found else name] = node
        return found

    def _file(self, node: Any) -> str:
        """Where a node is written, from the project's folder on if it lies below: dbt says it from its package's on."""
        file, project = (
            self._roots[node.package_name] / node.original_file_path,
            self._roots[self._config.project_name],
        )
        return str(file.relative_to(project) if file.is_relative_to(project) else file)

    def _models(self) -> Iterator[Model]:
        nodes = self._manifest.nodes
        for name, node in self._nodes.items():
            read = self._read(node.depends_on.nodes) if node.resource_type != "seed" else set()
            key = node.config.get("unique_key") or ()
            inlined = [nodes[one] for one in self._inlined(node) if one in nodes]
            yield Model(
                name=name,
                kind=str(node.resource_type),
                materialized=node.config.materialized or "",
                schema=node.schema,
                table=node.alias,
                file=self._file(node),
                key=(key,) if isinstance(key, str) else tuple(key),
                parents=tuple(sorted(self._names[one] for one in read if one in self._names)),
                sources=tuple(
                    sorted(
                        f"{found.schema}.{found.identifier}"
                        for one in read
                        if (found := self._manifest.sources.get(one))
                    )
                ),
                inlined=tuple(sorted(map(self._file, inlined))),
                volatile=any(self._is_volatile(one) for one in (node, *inlined)),
                latest=node.name if getattr(node, "is_latest_version", False) else "",
            )

    def _read(self, names: list[str]) -> set[str]:
        """What a model reads in the lake: through ephemeral models, which are not there, what those read."""
        found = set()
        for name in names:
            node = self._manifest.nodes.get(name)
            if node is not None and node.config.materialized == "ephemeral":
                found |= self._read(node.depends_on.nodes)
            else:
                found.add(name)
        return found

    def _inlined(self, node: Any) -> set[str]:
        found = set()
        for name in node.depends_on.nodes if node.resource_type != "seed" else ():
            parent = self._manifest.nodes.get(name)
            if parent is not None and parent.config.materialized == "ephemeral":
                found |= {name} | self._inlined(parent)
        return found

    def _is_volatile(self, node: Any) -> bool:
        if node.resource_type != "model" or node.language != "sql":
            return True
        hooks = [hook.sql for hook in (*node.config.pre_hook, *node.config.post_hook)]
        if any(map(_VOLATILE.search, (node.raw_code, *hooks))):
            return True
        seen: set[str] = set()
        ahead = [*node.depends_on.macros, *self._of_materializations]
        while ahead:
            name = ahead.pop()
            macro = self._manifest.macros.get(name)
            if name in seen or macro is None or macro.package_name in self._known_packages:
                continue
            seen.add(name)
            if _VOLATILE.search(macro.macro_sql):
                return True
            ahead += macro.depends_on.macros
        return False

    @cached_property
    def _known_packages(self) -> set[str]:
        """The packages whose macros are known to depend on nothing but their arguments and the lake."""
        from dbt.adapters.factory import get_adapter_package_names

        return {"lakekit", *get_adapter_package_names(self._adapter.type())}

    @cached_property
    def _of_materializations(self) -> list[str]:
        """The project's macros that dbt's own may call, whatever a model says: those that take the place of dbt's."""
        macros = self._manifest.macros
        known = {macro.name for macro in macros.values() if macro.package_name in self._known_packages}
        return [
            id_
            for id_, macro in macros.items()
            if macro.package_name not in self._known_packages
            and (macro.name in known or _CALLED_BY_DBT.match(macro.name))
            and not _AT_PARSING.fullmatch(macro.name)
        ]


def _parse(project: Path, target: str, scratch: Path, variables: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    try:
        from dbt.adapters.factory import FACTORY, get_adapter
        from dbt.cli.flags import Flags
        from dbt.cli.types import Command
        from dbt.config.runtime import RuntimeConfig, load_profile, load_project
        from dbt.events.logging import setup_event_logger
        from dbt.flags import set_flags
        from dbt.parser.manifest import parse_manifest
        from dbt_common.context import set_invocation_context
        from dbt_common.exceptions import DbtBaseException

        from dbt import tracking
    except ModuleNotFoundError as error:
        raise MissingExtra("testing", error.name or "dbt") from error

    folder = str(project)
    set_invocation_context(dict(os.environ))
    given = {
        "project_dir": folder,
        "profiles_dir": folder,
        "target": target,
        "target_path": str(scratch),
        "vars": dict(variables),
        "log_level": "none",
        "log_level_file": "none",
        "version_check": False,
        "send_anonymous_usage_stats": False,
        "write_json": False,
        "populate_cache": False,
        "use_colors": False,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dbt's own, of what it imports
            flags = Flags.from_dict(Command.RUN, given)
            set_flags(flags)  # type: ignore[no-untyped-call]
            setup_event_logger(flags)
            tracking.do_not_track()  # type: ignore[no-untyped-call]
            profile = load_profile(folder, dict(variables), None, target, 1)
            config = RuntimeConfig.from_parts(
                load_project(folder, False, profile, dict(variables)), profile, flags
            )
            FACTORY.adapters.pop(profile.credentials.type, None)  # another project's
            manifest = parse_manifest(config, False, False, False, [])
            return config, manifest, get_adapter(config)
    except DbtBaseException as error:
        raise BuildFailed("dbt cannot parse the project.", why=str(error).strip()) from error


def _takes_files(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


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
