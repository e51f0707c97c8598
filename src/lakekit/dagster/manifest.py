"""What Dagster knows of the project's models: the manifest that lakekit keeps, with dbt's unit tests among its tests."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..dbt import prepared
from ..errors import ProjectError
from ..settings import Settings
from .keys import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEST: Final = "test."
_READERS: Final = ("model.", "snapshot.")


def manifest(project: Path | str) -> dict[str, Any]:
    """The manifest of the project that a file or folder lies in (``__file__``), for ``@dbt_assets(manifest=…)``.

    dbt parses only where no process has since a file of the project changed. Raises ``ProjectError`` and ``BuildFailed``.
    """
    return _read(prepared(Settings.load(Path(project))).json)


@lru_cache(maxsize=1)
def _read(file: Path) -> dict[str, Any]:
    """The same object for every module that asks: dagster-dbt works out a manifest's lineage once an object."""
    try:
        read: dict[str, Any] = json.loads(file.read_bytes())
    except ValueError as error:
        raise ProjectError(
            f"The manifest in {file.parent} is damaged.",
            why=str(error),
            todo="delete the folder: dbt parses anew",
        ) from error
    for unit_test in read.get("unit_tests", {}).values():
        node = _as_test(unit_test)
        id_, model = node["unique_id"], node["attached_node"]
        read["nodes"][id_] = node
        read["parent_map"][id_], read["child_map"][id_] = [model], []
        read["child_map"][model].append(id_)
    for id_, node in read["nodes"].items():
        if node["resource_type"] == "test":
            node["name"] = plain(node["name"])
            _attach(id_, node, read)
    return read


def _attach(id_: str, test: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Let a test be of a model that is built: what it says of a source, or of what others inline, holds for those."""
    attached, parents = test.get("attached_node"), test["depends_on"]["nodes"]
    about = [attached] if attached else [one for one in parents if one in manifest["nodes"]] or parents
    models = [model for one in about if (model := _built(one, manifest))]
    if not models:
        return
    test["attached_node"] = model = _last(models, manifest["parent_map"])
    if model not in parents:
        parents = [model, *(one for one in parents if one not in about)]
        test["depends_on"]["nodes"] = manifest["parent_map"][id_] = parents
        manifest["child_map"][model].append(id_)


def _built(id_: str, manifest: Mapping[str, Any]) -> str | None:
    """The node itself, where it is built; else the first that reads it."""
    node = manifest["nodes"].get(id_)
    if node and node["config"]["materialized"] != "ephemeral":
        return id_
    readers = [one for one in sorted(manifest["child_map"].get(id_, ())) if one.startswith(_READERS)]
    return next((built for one in readers if (built := _built(one, manifest))), None)


def _last(models: Sequence[str], parents: Mapping[str, Sequence[str]]) -> str:
    """Of the models that a test of one's own reads the one that is built last: it is the one to be checked."""
    above: set[str] = set()
    ahead = [parent for model in models for parent in parents[model]]
    while ahead:
        one = ahead.pop()
        if one not in above:
            above.add(one)
            ahead += parents.get(one, ())
    return next((model for model in models if model not in above), models[0])


def node_id(id_: str) -> str:
    """What dbt itself calls a node of the manifest."""
    return id_.removeprefix(_TEST) if id_.startswith(f"{_TEST}unit_test.") else id_


def _as_test(unit_test: dict[str, Any]) -> dict[str, Any]:
    """A unit test as a data test of its model would be: dagster-dbt makes checks of those alone."""
    [model] = unit_test["depends_on"]["nodes"][:1]
    return {
        **unit_test,
        "unique_id": _TEST + unit_test["unique_id"],
        "resource_type": "test",
        "attached_node": model,
        "depends_on": {"nodes": [model], "macros": []},
        "config": {"enabled": True, "severity": "error", "tags": [], "meta": {}, **_config(unit_test)},
        "meta": {"description": unit_test.get("description") or ""},
        "tags": [],
    }


def _config(unit_test: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (unit_test.get("config") or {}).items() if value is not None}
