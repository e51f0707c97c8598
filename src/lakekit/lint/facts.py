"""All that is known of a project: an index of its files, and what is in those that someone asked about.

A file is read when it is first asked for, once. So one model of five thousand is judged by reading a handful of files.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from .. import streams
from ..errors import ProjectError
from . import properties as properties_
from . import sql as sql_
from . import staging
from .cycles import Components
from .subjects import Cube, File, Model, PropertiesFile, Python, Query, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..naming import Layer
    from ..streams import Stream
    from .conventions import Conventions
    from .dbt_project import DbtProject
    from .files import Files
    from .jinja import Ref

_VERSION: Final = re.compile(r"(.+)_v\w+")


class Unreadable(Exception):
    """A file's text is not to be had; the message says why in a few words."""


class Facts:
    """``root`` is the folder that holds ``lakekit.toml`` (or the dbt project's own), ``folder`` the dbt project's."""

    def __init__(
        self, root: str, folder: str, dbt: DbtProject, conventions: Conventions, files: Files
    ) -> None:
        self.root = root
        self.folder = folder
        self.dbt = dbt
        self.conventions = conventions
        self.files = files
        self._texts: dict[str, str] = {}
        self._unreadable: dict[str, str] = {}
        self._sql: dict[str, sql_.Sql] = {}
        self._properties: dict[str, properties_.Properties] = {}
        self._entries: dict[str, properties_.Entry | None] = {}
        self._models_by_file: dict[str, dict[str, properties_.Entry]] = {}
        self._streams: dict[str, Stream | sql_.Broken] = {}
        self._staging: dict[str, staging.Staging] = {}
        self._cubes = frozenset(files.cubes)
        self.known_parents: dict[str, tuple[str, ...]] = {}
        """What models refer to, where another process has read them."""

    # What there is

    @cached_property
    def models(self) -> dict[str, Model]:
        """Every model by its path."""
        lengths = sorted(
            (len(os.path.normpath(os.path.join(self.folder, path))) + 1 for path in self.dbt.model_paths),
            reverse=True,
        )
        roots = [os.path.normpath(os.path.join(self.folder, path)) + os.sep for path in self.dbt.model_paths]
        found = {}
        for path in self.files.models:
            root = next((len(one) for one in roots if path.startswith(one)), lengths[0])
            found[path] = Model(path, self, tuple(path[root:].split(os.sep)[:-1]))
        return found

    @cached_property
    def names(self) -> dict[str, list[Model]]:
        """Every model by its name: dbt wants one each."""
        found: dict[str, list[Model]] = {}
        for model in self.models.values():
            found.setdefault(model.name, []).append(model)
        return found

    def subjects(self) -> Iterator[File]:
        """All that rules judge, by kind and path."""
        yield from self.models.values()
        for paths, kind in (
            (self.files.queries, Query),
            (self.files.properties, PropertiesFile),
            (self.files.references, Reference),
            (self.files.python, Python),
            (self.files.python_models, Python),
            (self.files.cubes, Cube),
            (self.files.links, File),
        ):
            for path in paths:
                yield kind(path, self)

    def in_layer(self, layer: Layer) -> Iterator[Model]:
        return (model for model in self.models.values() if model.layer == layer)

    # What is in it

    def text(self, path: str) -> str:
        """A file's text with its line ends, without a byte order mark; empty where it cannot be read."""
        if path not in self._texts:
            try:
                self._texts[path] = read(path)
            except Unreadable as error:
                self._unreadable[path] = str(error)
                self._texts[path] = ""
        return self._texts[path]

    def forget(self, path: str) -> None:
        """Drop what is only wanted while a file is judged: five thousand texts are a lot."""
        if path in self.models:
            self._texts.pop(path, None)
            self._sql.pop(path, None)
            self._staging.pop(path, None)

    def broken(self, path: str) -> sql_.Broken | None:
        """Why a file is not what it should be, if it is not."""
        if path in self.files.links:
            leads = "to a folder, and dbt follows none" if os.path.isdir(path) else "to itself"
            return sql_.Broken(f"it is a symbolic link {leads}", 0, 0)
        self.text(path)
        if why := self._unreadable.get(path):
            return sql_.Broken(why, 0, 0)
        ending = path.lower()
        if ending.endswith(".sql"):
            return self.sql(path).broken
        if ending.endswith((".yml", ".yaml")):
            return None if path in self._cubes else self.properties(path).broken
        if ending.endswith(".json"):
            stream = self.stream(path)
            return stream if isinstance(stream, sql_.Broken) else None
        return None

    def sql(self, path: str) -> sql_.Sql:
        if path not in self._sql:
            model = self.models.get(path)
            self._sql[path] = sql_.read(
                self.text(path),
                is_model=model is not None,
                is_staging=model is not None and model.layer == "streams",
            )
        return self._sql[path]

    def properties(self, path: str) -> properties_.Properties:
        if path not in self._properties:
            self._properties[path] = properties_.read(self.text(path))
        return self._properties[path]

    def stream(self, path: str) -> Stream | sql_.Broken:
        """What a schema reference says."""
        if path not in self._streams:
            text = self.text(path)
            try:
                self._streams[path] = streams.read(text)
            except ValueError as error:
                at = error.pos if isinstance(error, streams.json.JSONDecodeError) else 0
                self._streams[path] = sql_.Broken(str(error).partition(": line ")[0], at, at)
        return self._streams[path]

    def reference(self, source: str, table: str) -> str | None:
        """The path of a table's schema reference, if there is one."""
        return self._references.get((source.lower(), table.lower()))

    @cached_property
    def _references(self) -> dict[tuple[str, str], str]:
        return {
            (os.path.basename(os.path.dirname(path)).lower(), _stem(path).lower()): path
            for path in self.files.references
        }

    def staging(self, model: Model) -> staging.Staging:
        """What a staging model does, token by token."""
        if model.path not in self._staging:
            self._staging[model.path] = staging.read(model.text)
        return self._staging[model.path]

    def entry(self, name: str, *, near: str) -> properties_.Entry | None:
        """A model's entry; files of its own folder are read first, others where they name it."""
        if name not in self._entries:
            self._entries[name] = next(
                (
                    entry
                    for path in self._properties_near(near)
                    if name in self.text(path) and (entry := self._models_in(path).get(name))
                ),
                None,
            )
        return self._entries[name]

    def _models_in(self, path: str) -> dict[str, properties_.Entry]:
        """A file's entries of models, by name."""
        if path not in self._models_by_file:
            self._models_by_file[path] = {
                entry.name: entry for entry in self.properties(path).entries if entry.section == "models"
            }
        return self._models_by_file[path]

    def has_source(self, source: str, table: str, *, near: str) -> bool | None:
        """Whether a table of a source is declared; None where an installed package might, and is not here."""
        for path in self._properties_near(near):
            if source in self.text(path) and any(
                one.name == source and any(known.name == table for known in one.tables)
                for one in self.properties(path).sources
            ):
                return True
        return None if self._misses_packages else False

    def _properties_near(self, path: str) -> Iterator[str]:
        folder = os.path.dirname(path) + os.sep
        by_folder = self._properties_by_folder
        yield from by_folder.get(folder, ())
        for other, paths in by_folder.items():
            if other != folder:
                yield from paths

    @cached_property
    def _properties_by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files.properties:
            found.setdefault(os.path.dirname(path) + os.sep, []).append(path)
        return found

    # What refers to what

    def target(self, ref: Ref) -> Model | bool | None:
        """The model that a ref() means; True if it is something else that is there, False if nothing is, None if no one
        can tell, because a package is not installed.
        """
        if ref.package not in {None, self.dbt.name}:
            return None if self._packages is None or ref.package not in self._packages else True
        for name in (ref.name, f"{ref.name}_v{ref.version}" if ref.version else ref.name):
            if models := self.names.get(name):
                return models[0]
        if ref.name in self._others:
            return True
        return None if self._misses_packages else False

    @cached_property
    def _others(self) -> frozenset[str]:
        """What ref() finds beside models of SQL: seeds, Python models, snapshots, versioned models, packages' models."""
        found = {_stem(path) for path in (*self.files.seeds, *self.files.python_models)}
        found.update(named for path in self.files.queries if (named := self.sql(path).named))
        found.update(match[1] for name in self.names if (match := _VERSION.fullmatch(name)))
        for path in self.files.properties:
            if "version" in self.text(path) or "snapshots" in self.text(path):
                found.update(
                    entry.name
                    for entry in self.properties(path).entries
                    if entry.versions or entry.section == "snapshots"
                )
        for models in (self._packages or {}).values():
            found.update(models)
        return frozenset(found)

    @cached_property
    def _packages(self) -> dict[str, frozenset[str]] | None:
        """The installed packages' models and seeds; None where there are none."""
        folder = os.path.join(self.folder, self.dbt.packages_path)
        try:
            packages = sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ProjectError(f"{folder} cannot be read.", why=error.strerror or str(error)) from error
        return {
            package: frozenset(
                _stem(file)
                for _, _, files in os.walk(os.path.join(folder, package))
                for file in files
                if file.endswith((".sql", ".csv", ".py"))
            )
            for package in packages
        }

    @cached_property
    def _misses_packages(self) -> bool:
        declared = any(
            os.path.exists(os.path.join(self.folder, name)) for name in ("packages.yml", "dependencies.yml")
        )
        return declared and self._packages is None

    def is_taken(self, name: str) -> bool:
        """Whether anything that ref() finds is called so; an installed package's model is."""
        return name in self.names or name in self._others

    def cycle(self, model: Model) -> list[str] | None:
        """The shortest way from a model back to itself, as paths that begin and end with its own; None if there is none."""
        return self._components.cycle(model.path)

    @cached_property
    def _components(self) -> Components:
        return Components(lambda path: self.parents(self.models[path]))

    def parents(self, model: Model) -> tuple[str, ...]:
        """The paths of the models that a model selects from."""
        if model.path not in self.known_parents:
            targets = map(self.target, model.sql.refs)
            self.known_parents[model.path] = tuple(
                dict.fromkeys(target.path for target in targets if isinstance(target, Model))
            )
        return self.known_parents[model.path]


def read(path: str) -> str:
    """A file's text with its line ends, without a byte order mark. Raises ``Unreadable``."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            if not S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("it is no regular file")
            chunks = []
            while chunk := os.read(descriptor, 1 << 20):
                chunks.append(chunk)
                if len(chunks) > _LARGEST:
                    raise Unreadable(f"it is larger than {_LARGEST} MiB")
        finally:
            os.close(descriptor)
        return b"".join(chunks).decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"it is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}"
        ) from error
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


_LARGEST: Final = 32
"""MiB: what is larger was made by no one's hand."""


def _stem(path: str) -> str:
    return os.path.basename(path).rpartition(".")[0]
