"""A project as dbt has parsed it: its models and tests, what they read, and what else their SQL depends on."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from ..errors import BuildFailed, MissingExtra
from .graph import Graph, Model
from .runner import environment, link_package, working_directory_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..engine.protocol import DbtTarget

_KINDS: Final = ("model", "seed", "snapshot")
_CALLED_BY_DBT: Final = re.compile(r"(get_incremental|materialization|default|lakekit|trino)_")
_AT_PARSING: Final = re.compile(r"(\w+__)?generate_(schema|alias|database)_name")

_VOLATILE: Final = re.compile(r"\b(run_started_at|invocation_id|modules|env_var|graph|dbt_metadata_envs)\b")
"""What a model's SQL may depend on that is no file, no variable and not in the lake."""


@dataclass(frozen=True, slots=True)
class Check:
    """A data test (kind ``test``) or a unit test of the project, the models that it reads, and where it is written."""

    id: str
    name: str
    kind: str
    file: str
    models: tuple[str, ...]


class Parsed:
    """dbt's configuration, manifest and adapter of a project, and what follows from them."""

    def __init__(self, config: Any, manifest: Any, adapter: Any) -> None:
        self.config = config
        self.manifest = manifest
        self.adapter = adapter
        self.temporary: TemporaryDirectory[str] | None = None

    def graph(self) -> Graph:
        """The models, and how they read each other."""
        return Graph({model.name: model for model in self._models()})

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
            for id_, node in self.check_nodes.items()
        ]

    @cached_property
    def check_nodes(self) -> dict[str, Any]:
        """dbt's nodes of data tests and unit tests, by their ids."""
        tests = {id_: node for id_, node in self.manifest.nodes.items() if node.resource_type == "test"}
        return {**tests, **self.manifest.unit_tests}

    @cached_property
    def nodes(self) -> dict[str, Any]:
        """Models, seeds and snapshots by the names that dbt prints; where packages have the same, by theirs, too."""
        found: dict[str, Any] = {}
        nodes = [node for node in self.manifest.nodes.values() if node.resource_type in _KINDS]
        for node in sorted(nodes, key=lambda node: node.package_name != self.config.project_name):
            name = node.search_name
            found[f"{node.package_name}.{name}" if name in found else name] = node
        return found

    def _file(self, node: Any) -> str:
        """Where a node is written, from the project's folder on if it lies below: dbt says it from its package's on."""
        file, project = (
            self._roots[node.package_name] / node.original_file_path,
            self._roots[self.config.project_name],
        )
        return str(file.relative_to(project) if file.is_relative_to(project) else file)

    def _models(self) -> Iterator[Model]:
        nodes = self.manifest.nodes
        for name, node in self.nodes.items():
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
                        if (found := self.manifest.sources.get(one))
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
            node = self.manifest.nodes.get(name)
            if node is not None and node.config.materialized == "ephemeral":
                found |= self._read(node.depends_on.nodes)
            else:
                found.add(name)
        return found

    def _inlined(self, node: Any) -> set[str]:
        found = set()
        for name in node.depends_on.nodes if node.resource_type != "seed" else ():
            parent = self.manifest.nodes.get(name)
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
            macro = self.manifest.macros.get(name)
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

        return {"lakekit", *get_adapter_package_names(self.adapter.type())}

    @cached_property
    def _of_materializations(self) -> list[str]:
        """The project's macros that dbt's own may call, whatever a model says: those that take the place of dbt's."""
        macros = self.manifest.macros
        known = {macro.name for macro in macros.values() if macro.package_name in self._known_packages}
        return [
            id_
            for id_, macro in macros.items()
            if macro.package_name not in self._known_packages
            and (macro.name in known or _CALLED_BY_DBT.match(macro.name))
            and not _AT_PARSING.fullmatch(macro.name)
        ]

    @cached_property
    def _names(self) -> dict[str, str]:
        return {node.unique_id: name for name, node in self.nodes.items()}

    @cached_property
    def _roots(self) -> dict[str, Path]:
        return {
            name: Path(os.path.abspath(package.project_root))  # noqa: PTH100 - a link to a package is its place
            for name, package in self.config.load_dependencies().items()
        }


def parse(project: Path, target: DbtTarget, scratch: Path, variables: Mapping[str, Any]) -> Parsed:
    """Let dbt parse the project in a folder; raises ``BuildFailed``. What it keeps for the next time lies in ``scratch``."""
    link_package(project)
    temporary = None
    if not _takes_files(scratch):  # a project that can only be read
        temporary = TemporaryDirectory(prefix="lakekit-dbt-")
        scratch = Path(temporary.name)
    # Where the engine is says the environment, another in each run: what is parsed under it dbt would parse anew.
    # A password is needed, or there is no profile; dbt keeps nothing of it.
    under = {name: None if name.startswith("LAKEKIT_") else value for name, value in target.env.items()}
    with working_directory_kept(), environment(under):
        parsed = _run_parser(project, target.name, scratch, variables)
    parsed.temporary = temporary  # gone with what was parsed there
    return parsed


def _run_parser(project: Path, target: str, scratch: Path, variables: Mapping[str, Any]) -> Parsed:
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
        raise MissingExtra("duckdb", error.name or "dbt") from error

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
            return Parsed(config, manifest, get_adapter(config))
    except DbtBaseException as error:
        raise BuildFailed("dbt cannot parse the project.", why=str(error).strip()) from error


def _takes_files(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
