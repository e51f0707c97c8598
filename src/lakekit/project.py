"""What a project's folder holds, read from its files: neither dbt nor an engine is imported.

A source's schema references lie beside its staging models, a file for each stream: ``streams/shopify/orders.json``
below a model path. Such a file is an AirbyteStream, as a connector's ``discover`` prints it: the contract between
the source and the models. A test's rows are typed by it where nothing has landed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from . import streams
from .errors import ProjectError
from .naming import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_DBT: Final = "dbt_project.yml"
_PATH: Final = r"""(?:"[^"\\]*"|'[^']*'|[\w./-]+)"""
_LIST: Final = re.compile(
    rf"^model-paths:\s*\[\s*({_PATH}(?:\s*,\s*{_PATH})*)\s*\][ \t]*(?:#.*)?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a stream of a source looks like. ``key`` and ``cursor`` name some of its ``properties``."""

    source: str
    stream: str
    table: str
    """Where it lands: ``shopify.orders``."""
    properties: Mapping[str, Any]
    """The JSON schema of each column, in the columns' order."""
    key: tuple[str, ...]
    cursor: str | None
    file: Path


class Project:
    """A project in ``folder``, whose dbt project is in the folder ``dbt``.

    Files are looked for once, at the first question, and read when they are asked for.
    """

    def __init__(self, folder: Path, dbt: Path) -> None:
        self.folder = folder
        self.dbt = dbt

    @cached_property
    def model_paths(self) -> tuple[Path, ...]:
        """The folders of dbt's models; raises ``ProjectError`` where there is no dbt project."""
        file = self.dbt / _DBT
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(
                f"There is no dbt project in {self.dbt}.",
                why=f"its {_DBT} cannot be read: {error}",
                todo="set `dbt` in lakekit.toml to the folder that has one",
            ) from error
        return tuple(self.dbt / path for path in _model_paths(text, file))

    def reference(self, table: str) -> Reference:
        """The reference of one table, named as in bronze (``shopify.orders``): only its own file is read.

        Raises ``ProjectError`` where there is none, or where it is none.
        """
        try:
            file = self._files[table]
        except KeyError:
            raise ProjectError(
                f"There is no schema reference of '{table}'.",
                why=f"no file {_place(table)} is in {' or '.join(map(str, self.model_paths))}",
                todo=f"save there what the connector's `discover` prints of the stream{_nearest(table, list(self._files))}",
            ) from None
        return _read(table, file)

    def references_of(self, source: str) -> list[Reference]:
        """Every reference of a source; raises ``ProjectError`` where there is none, or one of them is none."""
        found = {table: file for table, file in self._files.items() if file.parent.name == source}
        if not found:
            known = sorted({file.parent.name for file in self._files.values()})
            raise ProjectError(
                f"There is no schema reference of the source '{source}'.",
                why=f"no file {Layer.STREAMS}/{source}/*.json is in {' or '.join(map(str, self.model_paths))}",
                todo=f"add it (lakekit add source {source} -- CONNECTOR discover …){_nearest(source, known)}",
            )
        return [_read(table, file) for table, file in found.items()]

    def references(self) -> dict[str, Reference]:
        """Every reference, by its table's name; raises ``ProjectError`` where one of them is none."""
        return {table: _read(table, file) for table, file in self._files.items()}

    @cached_property
    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for models in self.model_paths:
            for file in sorted(models.glob(f"{Layer.STREAMS}/*/*.json")):
                # Streams are called what their source calls them, tables are in lower case.
                table = f"{file.parent.name}.{file.stem.lower()}"
                if table in found:
                    raise ProjectError(
                        f"{file} is the second schema reference of '{table}'.",
                        why=f"{found[table]} is the first",
                        todo="delete one of them",
                    )
                found[table] = file
        return found


def _read(table: str, file: Path) -> Reference:
    try:
        stream = streams.read(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _unfit(file, str(error)) from error
    if stream.name != file.stem:
        raise _unfit(file, f"it is of the stream '{stream.name}', its file is called '{file.stem}'")
    return Reference(file.parent.name, stream.name, table, stream.properties, stream.key, stream.cursor, file)


def _unfit(file: Path, why: str) -> ProjectError:
    return ProjectError(
        f"{file} is no schema reference.",
        why=why,
        todo="it is one stream of what the connector's `discover` prints: name, json_schema with properties, "
        "source_defined_primary_key, default_cursor_field",
    )


def _place(table: str) -> str:
    source, _, stream = table.partition(".")
    return f"{Layer.STREAMS}/{source}/{stream}.json"


def _nearest(table: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # costs more than all the rest of this module

    near = get_close_matches(table, known, 3, 0)
    return f", or use one that is there: {', '.join(near)}" if near else ""


def _model_paths(text: str, file: Path) -> Sequence[str]:
    """The one key of dbt_project.yml that is needed here: a YAML parser takes longer to import than this file."""
    if "model-paths" not in text:
        return ("models",)  # dbt's default
    if written := _LIST.search(text):
        return [path.strip("\"'") for path in re.findall(_PATH, written[1])]
    import yaml

    try:
        paths = msgspec.convert((yaml.safe_load(text) or {}).get("model-paths", ["models"]), list[str])
    except (yaml.YAMLError, AttributeError, msgspec.ValidationError) as error:
        raise ProjectError(f"{file} has no list of model-paths.", why=str(error)) from error
    return paths
