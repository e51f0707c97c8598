"""A connector's catalog against schema references, in each shape in which it comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lakekit.errors import UsageError
from lakekit.project import Project
from lakekit.testing import contract

if TYPE_CHECKING:
    from pathlib import Path

PROPERTIES = {
    "id": {"type": "integer"},
    "note": {"type": ["null", "string"]},
    "total": {"type": ["null", "number"]},
    "lines": {"type": ["null", "array"], "items": {"type": "object"}},
    "updated_at": {"type": ["null", "string"], "format": "date-time"},
}


def stream(name: str = "orders", **changed: Any) -> dict[str, Any]:
    properties = {key: of for key, of in (PROPERTIES | changed).items() if of is not None}
    return {
        "name": name,
        "json_schema": {"type": "object", "properties": properties},
        "source_defined_primary_key": [["id"]],
        "default_cursor_field": ["updated_at"],
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "dbt" / "assets" / "streams" / "shop"
    folder.mkdir(parents=True)
    (tmp_path / "dbt" / "dbt_project.yml").write_text("model-paths: [assets]\n")
    for name in ("orders", "customers"):
        (folder / f"{name}.json").write_text(json.dumps(stream(name)))
    return Project(tmp_path, tmp_path / "dbt")


def catalog(*streams: dict[str, Any]) -> dict[str, Any]:
    return {"streams": [stream("customers"), *streams]}


def test_what_the_landing_makes_the_same_of_is_the_same(project: Project) -> None:
    same = stream(
        id={"type": ["null", "integer"]},
        note={"type": "string", "description": "free text"},
        lines={"type": ["null", "string"]},
    )
    assert contract.discovered(project, "shop", catalog(same, stream("others"))) == []


def test_new_fields_are_told_and_break_nothing(project: Project) -> None:
    notes = contract.discovered(project, "shop", catalog(stream(vat={"type": "number"})))
    assert notes == ["shop.orders: the connector has a new field 'vat' (double)"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (stream(note=None), "- note: the field is gone"),
        (stream(note=None, notes={"type": "string"}), "- note: the field is gone; there is a new 'notes'"),
        (stream(total={"type": "string"}), "~ total: a double was agreed on, it is a varchar"),
        (stream() | {"source_defined_primary_key": [["id"], ["note"]]}, "~ the key was id, and is id, note"),
        (stream() | {"source_defined_primary_key": None}, "~ the key was id, and is none"),
        (stream() | {"default_cursor_field": ["total"]}, "~ the cursor was updated_at, and is total"),
        (stream() | {"default_cursor_field": []}, "~ the cursor was updated_at, and is none"),
        (stream("order"), "- the stream is gone; there is a stream 'order'"),
    ],
)
def test_what_is_not_kept_is_told(project: Project, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError) as failure:
        contract.discovered(project, "shop", catalog(changed))
    assert str(failure.value).splitlines() == [
        "the connector of shop does not send what its schema references say:",
        "shop.orders",
        f"  {told}",
    ]


@pytest.mark.parametrize("shape", ["bare", "message", "lines", "configured", "indented"])
def test_a_catalog_comes_in_files_too(project: Project, tmp_path: Path, shape: str) -> None:
    bare = catalog(stream(extra={"type": "boolean"}))
    message = {"type": "CATALOG", "catalog": bare}
    log = {"type": "LOG", "log": {"level": "INFO", "message": "starting"}}
    text = {
        "bare": json.dumps(bare),
        "message": json.dumps(message),
        "lines": "warming up\n" + "\n".join(map(json.dumps, (log, message, log))) + "\n",
        "configured": json.dumps(
            {"streams": [{"stream": one, "sync_mode": "incremental"} for one in bare["streams"]]}
        ),
        "indented": json.dumps(message, indent=2),
    }[shape]
    file = tmp_path / "catalog.json"
    file.write_text(text)
    for given in (file, str(file)):
        assert contract.discovered(project, "shop", given) == [
            "shop.orders: the connector has a new field 'extra' (boolean)"
        ]


def test_what_is_no_catalog_is_refused(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    with pytest.raises(UsageError, match="cannot be read"):
        contract.discovered(project, "shop", file)
    file.write_text("Traceback (most recent call last)\n")
    with pytest.raises(UsageError, match="is no catalog"):
        contract.discovered(project, "shop", file)
    with pytest.raises(UsageError, match="'shopp' has no schema references"):
        contract.discovered(project, "shopp", catalog(stream()))
