"""All that is known of a project: an index of its files, and what is in those that someone asked about.

A file is read when it is first asked for, once. So one model of five thousand is judged by reading a handful of files.
"""

from __future__ import annotations

import json
import os
import re
from functools import cached_property
from itertools import chain
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Final

from .. import streams
from ..errors import ProjectError
from . import catalogs, jinja, staging
from . import properties as properties_
from . import sql as sql_
from .cycles import Components
from .dbt_project import said
from .paths import grouped, stem
from .subjects import VERSION, Cube, File, Model, PropertiesFile, Python, Query, Reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ..streams import Stream
    from .assets import Assets
    from .conventions import Conventions
    from .cubes import Cubes
    from .dbt_project import DbtProject
    from .dynamic import Rendering
    from .files import Files
    from .jinja import Ref

# It begins with plain characters, so re leaps from one to the next.
_NAMED: Final = re.compile(r"""name["']?\s*:\s*(?:&\w+\s+)?["']?([^\s"',}]+)""")
_STRATEGIES: Final = frozenset({"append", "delete+insert", "insert_overwrite", "merge", "microbatch"})
"""Of incremental models: those that dbt has itself, on one adapter or another."""
_MACRO: Final = re.compile(r"\{%-?\s*macro\s+(\w+)(.*?)\{%-?\s*endmacro", re.DOTALL)


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
        self._configs: dict[tuple[str, ...], tuple[dict[str, Any], dict[str, Any]]] = {}
        self._folders: dict[str, tuple[str, ...]] = {}
        self._models: dict[str, Model] = {}
        self.held: dict[str, str] = {}
        """Texts that an editor holds and has not saved, by path: judged instead of what is on disk."""
        self._texts: dict[str, str] = {}
        self._unreadable: dict[str, str] = {}
        self._sql: dict[str, sql_.Sql] = {}
        self._properties: dict[str, properties_.Properties] = {}
        self._targets: dict[tuple[str | None, str, str | None], Model | bool | None] = {}
        self._sources: set[tuple[str, str]] = set()
        self._entries: dict[str, properties_.Entry | None] = {}
        self._read: dict[str, tuple[dict[str, properties_.Entry], Iterator[str]]] = {}
        """By folder: the entries of its files that have been read, and the files that have not."""
        self._models_by_file: dict[str, dict[str, properties_.Entry]] = {}
        self._fields: dict[str, frozenset[str] | sql_.Broken] = {}
        self._staging: dict[str, staging.Staging] = {}
        self._cubes = frozenset(files.cubes)
        self.known_parents: dict[str, tuple[str, ...]] = {}
        """What models refer to, where another process has read them."""

    # What there is

    def model(self, path: str) -> Model | None:
        """The model whose file is at ``path``, if it is one's."""
        model = self._models.get(path)
        if model is None and path in self._model_paths:
            model = self._models[path] = Model(path, self, self._between(path[: path.rfind(os.sep) + 1]))
        return model

    def _between(self, folder: str) -> tuple[str, ...]:
        """The folders between a model path and what is in ``folder``, which ends with a separator."""
        if folder not in self._folders:
            root = next((one for one in self._model_roots if folder.startswith(one)), self._model_roots[-1])
            self._folders[folder] = tuple(folder[len(root) :].split(os.sep)[:-1])
        return self._folders[folder]

    @property
    def models(self) -> Iterator[Model]:
        """Every model, in the order of their paths."""
        return filter(None, map(self.model, self.files.models))

    def named(self, name: str) -> list[Model]:
        """The models of that name: dbt wants one each."""
        return [model for path in self.names.get(name, ()) if (model := self.model(path))]

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """The paths of the models of each name."""
        return grouped(self.files.models, stem)

    def called(self, name: str) -> list[str]:
        """The paths of the models and seeds of that name, Python models among them."""
        return [*self.names.get(name, ()), *self._seeds.get(name, ())]

    @cached_property
    def _seeds(self) -> dict[str, list[str]]:
        return grouped((*self.files.seeds, *self.files.python_models), stem)

    @cached_property
    def _model_paths(self) -> frozenset[str]:
        return frozenset(self.files.models)

    @cached_property
    def _model_roots(self) -> list[str]:
        """The innermost first: one model path may lie in another."""
        roots = (os.path.normpath(os.path.join(self.folder, path)) + os.sep for path in self.dbt.model_paths)
        return sorted(roots, key=len, reverse=True)

    def subjects(self, files: Collection[str] | None = None) -> Iterator[File]:
        """All that rules judge, by kind and path; or those among ``files``, of which folders are all that is in them."""
        given = frozenset(files or ())
        below = tuple(one.rstrip(os.sep) + os.sep for one in given if os.path.isdir(one))
        kinds: tuple[tuple[tuple[str, ...], Callable[[str, Facts], File]], ...] = (
            (self.files.models, lambda path, facts: facts.model(path) or Query(path, facts)),
            (self.files.queries, Query),
            (self.files.properties, PropertiesFile),
            (self.files.references, Reference),
            (self.files.python, Python),
            (self.files.python_models, Python),
            (self.files.cubes, Cube),
            (self.files.links, File),
        )
        for paths, kind in kinds:
            for path in paths:
                if files is None or path in given or path.startswith(below):
                    yield kind(path, self)

    @property
    def paths(self) -> Iterator[str]:
        """All files that are looked at."""
        return (path for kind in self.files for path in kind)

    # What is in it

    def text(self, path: str) -> str:
        """A file's text with its line ends, without a byte order mark; empty where it cannot be read."""
        if path in self.held:
            return self.held[path]
        if path not in self._texts:
            try:
                self._texts[path] = read(path)
            except Unreadable as error:
                self._unreadable[path] = str(error)
                self._texts[path] = ""
        return self._texts[path]

    def forget(self, path: str) -> None:
        """Drop what is only wanted while a file is judged: five thousand texts are a lot."""
        if path.endswith((".sql", ".SQL")):
            self._texts.pop(path, None)
            self._sql.pop(path, None)
            self._staging.pop(path, None)

    def keep(self, texts: dict[str, str]) -> None:
        """Hold on to texts as they were judged, here or in another process."""
        self._texts.update(texts)

    def broken(self, path: str) -> sql_.Broken | None:
        """Why a file is not what it should be, if it is not."""
        if path in self.files.links:
            leads = "to a folder, and dbt follows none" if os.path.isdir(path) else "to itself"
            return sql_.Broken(f"it is a symbolic link {leads}", 0, 0)
        if path not in self._fields and not self.text(path) and path in self._unreadable:
            return sql_.Broken(self._unreadable[path], 0, 0)
        ending = path[path.rfind(".") :].lower()
        if ending == ".sql":
            return self.sql(path).broken
        if ending in {".yml", ".yaml"}:
            return self.cubes.file(path).broken if path in self._cubes else self.properties(path).broken
        if ending == ".json":
            fields = self.fields(path)
            return fields if isinstance(fields, sql_.Broken) else None
        return None

    def sql(self, path: str) -> sql_.Sql:
        known = self._sql.get(path)  # nothing is asked as often
        if known is None:
            model = self.model(path)
            known = sql_.read(
                self.text(path),
                is_model=model is not None,
                is_staging=model is not None and model.layer == "streams",
            )
            if model and (known.dynamic or not known.called.isdisjoint(self._referring)):
                known = self._rendered(known, self.text(path))
            self._sql[path] = known
        return known

    def _rendered(self, read: sql_.Sql, text: str) -> sql_.Sql:
        """The same with what rendering finds; told where the first call is that is not plain."""
        places = {function: (start, end) for function, start, end in reversed(read.dynamic)}
        called = re.search(rf"\b({'|'.join(self._referring) or '(?!)'})(?=\s*\()", text)
        default = called.span() if called else (0, 0)
        refs = {ref[:3]: ref for ref in read.refs}
        sources = {call[:2]: call for call in read.sources}
        for call in self._rendering.calls(text):
            start, end = places.get(call.function, default)
            if ref := jinja.ref(call):
                refs.setdefault(ref[:3], ref._replace(start=start, end=end))
            elif source := jinja.source(call):
                sources.setdefault(source[:2], source._replace(start=start, end=end))
        return read._replace(refs=tuple(refs.values()), sources=tuple(sources.values()))

    @cached_property
    def _referring(self) -> frozenset[str]:
        """The project's macros that refer to something, themselves or by another macro."""
        bodies = {name: set(re.findall(r"(\w+)\s*\(", body)) for name, (_, body) in self._macros.items()}
        found = {name for name, called in bodies.items() if called & {"ref", "source"}}
        while more := {name for name, called in bodies.items() if called & found} - found:
            found |= more
        return frozenset(found)

    @cached_property
    def _macros(self) -> dict[str, tuple[str, str]]:
        """The project's macros by name: each one's file and body."""
        return {
            name: (path, body)
            for path in self.files.queries
            for name, body in _MACRO.findall(self.text(path))
        }

    def has_strategy(self, name: str) -> bool:
        """Whether an incremental strategy is one of dbt's own, or one that a macro of the project brings."""
        macro = f"get_incremental_{name}_sql"
        return name in _STRATEGIES or any(one.endswith(macro) for one in self._macros)

    @cached_property
    def _rendering(self) -> Rendering:
        from .dynamic import Rendering  # Jinja takes longer to import than a thousand models to judge

        scoped = self.dbt.variables.get(self.dbt.name)
        variables = self.dbt.variables | (scoped if isinstance(scoped, dict) else {})
        return Rendering(variables, {name: path for name, (path, _) in self._macros.items()}, self.text)

    def properties(self, path: str) -> properties_.Properties:
        if path not in self._properties:
            self._properties[path] = properties_.read(self.text(path))
        return self._properties[path]

    def stream(self, path: str) -> Stream | sql_.Broken:
        """What a schema reference says."""
        text = self.text(path)
        if path in self._unreadable:
            return sql_.Broken(self._unreadable[path], 0, 0)
        try:
            return streams.read(text)
        except ValueError as error:
            at = error.pos if isinstance(error, json.JSONDecodeError) else 0
            return sql_.Broken(str(error).partition(": line ")[0], at, at)

    def fields(self, path: str) -> frozenset[str] | sql_.Broken:
        """A schema reference's fields in lower case: all that is kept of it."""
        if path not in self._fields:
            stream = self.stream(path)
            self._fields[path] = (
                stream if isinstance(stream, sql_.Broken) else frozenset(map(str.lower, stream.properties))
            )
            self._texts.pop(path, None)
        return self._fields[path]

    def reference(self, source: str, table: str) -> str | None:
        """The path of a table's schema reference, if there is one."""
        return self._references.get((source.lower(), table.lower()))

    def catalog(self, source: str) -> str | None:
        """The path of a source's configured Airbyte catalog, if the project holds one."""
        path = os.path.join(self.root, self.conventions.catalogs.replace("{source}", source))
        return path if os.path.exists(path) else None

    def configured(self, catalog: str) -> dict[str, dict[str, Any]]:
        """What a configured catalog configures, by stream. Raises ``NoCatalog``."""
        text = self.text(catalog)
        if catalog in self._unreadable:
            raise catalogs.NoCatalog(self._unreadable[catalog])
        return catalogs.read(text)

    @cached_property
    def _references(self) -> dict[tuple[str, str], str]:
        split = (path.rsplit(os.sep, 2) for path in self.files.references)
        keys = ((folder.lower(), stem(file).lower()) for _, folder, file in split)
        return dict(zip(keys, self.files.references, strict=True))

    def staging(self, model: Model) -> staging.Staging:
        """What a staging model does, token by token."""
        if model.path not in self._staging:
            self._staging[model.path] = staging.read(model.text)
        return self._staging[model.path]

    def entry(self, name: str, *, near: str) -> properties_.Entry | None:
        """A model's entry; files of its own folder are read first, others where they name it."""
        if name not in self._entries:
            self._entries[name] = self._entry_in(os.path.dirname(near), name) or next(
                (entry for path in self._naming(name) if (entry := self._models_in(path).get(name))), None
            )
        return self._entries[name]

    def _entry_in(self, folder: str, name: str) -> properties_.Entry | None:
        """The first one in a folder's files, which are read up to the one that has it."""
        if folder not in self._read:
            self._read[folder] = {}, iter(self._properties_by_folder.get(folder, ()))
        known, unread = self._read[folder]
        while name not in known and (path := next(unread, None)):
            for one, entry in self._models_in(path).items():
                known.setdefault(one, entry)
        return known.get(name)

    def _models_in(self, path: str) -> dict[str, properties_.Entry]:
        """A file's entries of models, by name."""
        if path not in self._models_by_file:
            self._models_by_file[path] = {
                entry.name: entry for entry in self.properties(path).entries if entry.section == "models"
            }
        return self._models_by_file[path]

    def entries(self, name: str) -> list[str]:
        """The paths of the files that have an entry of a model: dbt wants one."""
        return [path for path in self._naming(name) if name in self._models_in(path)]

    def _naming(self, name: str) -> Iterator[str]:
        """The paths of the files of properties that may have an entry of a model."""
        yield from self._paths_by_name.get(name, ())

    @cached_property
    def _paths_by_name(self) -> dict[str, list[str]]:
        """The paths of the files of properties that say a model's name, from a look that takes none of them apart."""
        models = {*self.names, *(match[1] for name in self.names if (match := VERSION.fullmatch(name)))}
        found: dict[str, list[str]] = {}
        for path in self.files.properties:
            for name in models.intersection(_NAMED.findall(self.text(path))):
                found.setdefault(name, []).append(path)
        return found

    def is_hidden(self, name: str) -> bool:
        """Whether a file of properties that cannot be read may have an entry of a model: then no one knows what it says."""
        paths = chain(self._naming(name), filter(self._properties_paths.__contains__, list(self._unreadable)))
        return any(map(self.broken, paths))

    @cached_property
    def _properties_paths(self) -> frozenset[str]:
        return frozenset(self.files.properties)

    def has_source(self, source: str, table: str, *, near: str) -> bool | None:
        """Whether a table of a source is declared; None where a package might that is not here, or a file that is broken."""
        if (source, table) not in self._sources:
            for path in self._properties_near(near):
                if source in self.text(path):
                    self._sources.update(
                        (one.name, known.name)
                        for one in self.properties(path).sources
                        for known in one.tables
                    )
                    if (source, table) in self._sources:
                        return True
            return None if self._misses_packages or self._may_declare(source) else False
        return True

    def _may_declare(self, source: str) -> bool:
        return any(
            (path in self._unreadable or source in self.text(path)) and self.broken(path)
            for path in self.files.properties
        )

    def _properties_near(self, path: str) -> Iterator[str]:
        folder = os.path.dirname(path)
        by_folder = self._properties_by_folder
        yield from by_folder.get(folder, ())
        for other, paths in by_folder.items():
            if other != folder:
                yield from paths

    @cached_property
    def _properties_by_folder(self) -> dict[str, list[str]]:
        return grouped(self.files.properties, os.path.dirname)

    # What goes with it

    @cached_property
    def assets(self) -> Assets:
        """What Dagster selects."""
        from .assets import Assets

        return Assets(self)

    @cached_property
    def cubes(self) -> Cubes:
        """What Cube serves."""
        from .cubes import Cubes

        return Cubes(self)

    # What refers to what

    def target(self, ref: Ref) -> Model | bool | None:
        """The model that a ref() means, or whether something else is meant.

        True if something else of that name is there, False if nothing is, None if no one can tell: a package is missing.
        """
        key = ref[:3]
        if key not in self._targets:
            self._targets[key] = self._find(ref)
        return self._targets[key]

    def _find(self, ref: Ref) -> Model | bool | None:
        if ref.package not in {None, self.dbt.name}:
            return None if self._packages is None or ref.package not in self._packages else True
        for name in (ref.name, f"{ref.name}_v{ref.version}" if ref.version else ref.name):
            if models := self.named(name):
                return models[0]
        if ref.version and (entry := self.entry(ref.name, near="")) and entry.versions:
            return ref.version in entry.versions
        if ref.name in self._others:
            return True
        return None if self._misses_packages else False

    @cached_property
    def _others(self) -> frozenset[str]:
        """What ref() finds beside models of SQL: seeds, Python models, snapshots, versioned models, packages' models."""
        found = set(self._seeds)
        found.update(named for path in self.files.queries if (named := self.sql(path).named))
        found.update(match[1] for name in self.names if (match := VERSION.fullmatch(name)))
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
                stem(file)
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

    def folder_config(self, model: Model) -> dict[str, Any]:
        """What dbt_project.yml configures for a model."""
        if model.folders not in self._configs:
            self._configs[model.folders] = self.dbt.configs(model.folders)
        all_, each = self._configs[model.folders]
        own = each.get(model.name)
        return all_ | said(own) if isinstance(own, dict) else all_

    @cached_property
    def _components(self) -> Components:
        return Components(self._parents)

    def _parents(self, path: str) -> tuple[str, ...]:
        known = self.known_parents.get(path)
        if known is not None:
            return known
        model = self.model(path)
        return self.parents(model) if model else ()

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
