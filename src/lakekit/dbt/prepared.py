"""A project's manifest: parsed by dbt once, and kept until something in the project's files changes."""

from __future__ import annotations

import dataclasses
import json
import pickle
from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock

from ..engine.protocol import DbtTarget
from ..errors import MissingExtra, ProjectError
from .fingerprint import fingerprint
from .parsed import parse
from .runner import require_project

if TYPE_CHECKING:
    from ..settings import EngineName, Settings

_ADAPTERS: Final[dict[EngineName, tuple[str, str]]] = {
    "embedded": ("duckdb", "duckdb"),
    "trino": ("trino", "dbt.adapters.trino"),
}
"""What dbt parses for an engine with: the extra, and the module of it that there has to be."""

_KEPT: Final = 3
"""Processes that were started before a change may still be about to read what was before it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A manifest in a folder of its own, in the form that dbt writes and in the one that it works with."""

    folder: Path

    @property
    def json(self) -> Path:
        """The file that ``dbt parse`` calls manifest.json."""
        return self.folder / "manifest.json"

    def manifest(self, database: str) -> Any:
        """dbt's own object, made anew at each call: a build writes into it.

        Everything that is the target's, rather than in a database of its own, is in ``database``: a branch's catalog.
        """
        from dbt.contracts.graph.manifest import Manifest

        own, fields = pickle.loads((self.folder / "manifest.pickle").read_bytes())  # noqa: S301 # the project's own file
        for node in (*fields["nodes"].values(), *fields["sources"].values()):
            if node.database == own:
                node.database = database
        return Manifest(**fields)


def prepared(settings: Settings) -> Prepared:
    """The manifest of a project as its files are now; dbt parses where no process has before.

    Raises ``ProjectError`` where there is no dbt project or nothing can be kept, ``MissingExtra`` where the engine is not
    installed, and ``BuildFailed`` where dbt cannot parse it.
    """
    require_project(settings.dbt)
    kept = settings.project / ".lakekit" / "dbt" / settings.engine
    if (place := _place(settings, kept)).json.exists():
        return place
    try:
        kept.mkdir(parents=True, exist_ok=True)
        with FileLock(kept / "lock"):
            # Nobody else has parsed it meanwhile, and no file was saved.
            while not (place := _place(settings, kept)).json.exists():
                _parse(settings, place, kept)
    except OSError as error:
        raise ProjectError(
            f"What dbt parses cannot be kept in {kept}.",
            why=error.strerror or str(error),
            todo="let it be written there",
        ) from error
    return place


def _place(settings: Settings, kept: Path) -> Prepared:
    # No SQL is left out: what a model refers to and how it is configured is in the manifest.
    return Prepared(kept / fingerprint(settings.dbt, (), settings.engine, {}))


def _parse(settings: Settings, place: Prepared, kept: Path) -> None:
    extra, module = _ADAPTERS[settings.engine]
    if find_spec(module) is None:
        raise MissingExtra(extra, module)
    parsed = parse(settings.dbt, DbtTarget(settings.engine, {}), kept / "partial", {})
    manifest, own = parsed.manifest, parsed.config.credentials.database
    written = Path(mkdtemp(dir=kept, prefix="new-"))
    (written / "manifest.json").write_text(
        json.dumps(manifest.writable_manifest().to_dict(omit_none=True)), encoding="utf-8"
    )
    # Field by field: what dbt's own pickling restores lacks some, and has its indexes in each other's places.
    fields = {one.name: getattr(manifest, one.name) for one in dataclasses.fields(manifest)}
    told = {name: value for name, value in fields.items() if not name.startswith("_")}
    (written / "manifest.pickle").write_bytes(pickle.dumps((own, told)))
    if _place(settings, kept) != place:
        rmtree(written)  # of files that are others by now
        return
    rmtree(place.folder, ignore_errors=True)  # half deleted by a process that was killed
    written.replace(place.folder)
    older = sorted(kept.glob("*/manifest.json"), key=lambda file: file.stat().st_mtime, reverse=True)[_KEPT:]
    for file in older:
        rmtree(file.parent, ignore_errors=True)
