"""What rules judge: the files of a project, by what they are."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from .jinja import DYNAMIC
from .paths import stem

if TYPE_CHECKING:
    from ..naming import Layer
    from .facts import Facts
    from .properties import Entry, Properties
    from .sql import Sql


VERSION: Final = re.compile(r"(.+)_(v\w+)")
"""The file of a version of a model: the model's own name, which its entry has, and the version."""


class File:
    """Any file; ``path`` is absolute."""

    __slots__ = ("facts", "path")

    def __init__(self, path: str, facts: Facts) -> None:
        self.path = path
        self.facts = facts

    @property
    def text(self) -> str:
        """What it holds; empty where it cannot be read (LK903 tells)."""
        return self.facts.text(self.path)

    @property
    def folder(self) -> str:
        """The name of the folder that it is in."""
        return os.path.basename(os.path.dirname(self.path))

    @property
    def stem(self) -> str:
        return stem(self.path)


class SqlFile(File):
    """SQL with Jinja: a model, a test, a snapshot, an analysis, a macro."""

    __slots__ = ()

    @property
    def sql(self) -> Sql:
        return self.facts.sql(self.path)


class Query(SqlFile):
    """SQL that is no model."""

    __slots__ = ()


class Model(SqlFile):
    """A model. ``folders`` are those between the model path and it; ``name`` is its file's."""

    __slots__ = ("_config", "_untold", "folders", "layer", "name")

    def __init__(self, path: str, facts: Facts, folders: tuple[str, ...]) -> None:
        super().__init__(path, facts)
        self.name = stem(path)
        self.folders = folders
        self._config: dict[str, Any] | None = None
        self._untold: Any = None
        self.layer: Layer | None = facts.conventions.layer_of(folders, self.name)

    @property
    def entry(self) -> Entry | None:
        """What a file of properties says of it."""
        entry = self.facts.entry(self.name, near=self.path)
        if entry is None and (version := VERSION.fullmatch(self.name)):
            entry = self.facts.entry(version[1], near=self.path)
            return entry if entry and entry.versions else None
        return entry

    @property
    def is_hidden(self) -> bool:
        """Whether its entry may be in a file that is broken (LK903 tells): nothing is said of what that may say."""
        if self.entry is not None:
            return False
        version = VERSION.fullmatch(self.name)
        return self.facts.is_hidden(self.name) or bool(version and self.facts.is_hidden(version[1]))

    def config(self, key: str) -> Any:
        """What is configured: in its file, its properties, or dbt_project.yml; ``DYNAMIC`` where only running tells."""
        if self._config is None:
            entry = self.entry
            given = (entry.config if entry else {}) | self.sql.config
            # Whoever says null leaves things as they are.
            told = {name: value for name, value in given.items() if value is not None}
            if self.is_hidden:
                self._untold = DYNAMIC
            else:
                told = self.facts.folder_config(self) | told
            self._config = {name: DYNAMIC if _is_jinja(value) else value for name, value in told.items()}
        return self._config.get(key, self._untold)


def _is_jinja(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_jinja, value))
    return isinstance(value, str) and "{{" in value


class PropertiesFile(File):
    """YAML with properties of models and sources."""

    __slots__ = ()

    @property
    def properties(self) -> Properties:
        return self.facts.properties(self.path)


class Reference(File):
    """A schema reference: an AirbyteStream in JSON, in the folder of its source."""

    __slots__ = ()


class Python(File):
    """Python beside the models."""

    __slots__ = ()


class Cube(File):
    """YAML of Cube's semantic model."""

    __slots__ = ()
