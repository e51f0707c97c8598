"""A project's schema references: what is read of them, and what is said where one of them is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lakekit.demo.shop import Shop
from lakekit.errors import ProjectError
from lakekit.project import Project
from lakekit.scaffold import TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

RENDERED = TEMPLATE / "{{ cookiecutter.name }}"
ASSETS = RENDERED / "orchestration" / "assets"
ORDERS: dict[str, Any] = {
    "name": "Orders",
    "json_schema": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "note": {"type": ["null", "string"]}, "any": True},
    },
    "source_defined_primary_key": [["id"]],
}


@pytest.fixture
def shop() -> Project:
    return Project(RENDERED, RENDERED / "orchestration")


def project(folder: Path, stream: object = ORDERS, paths: str = "model-paths: [assets]\n") -> Project:
    (folder / "dbt_project.yml").write_text(f"name: shop\n{paths}")
    place = folder / "assets" / "streams" / "shop"
    place.mkdir(parents=True)
    (place / "Orders.json").write_text(stream if isinstance(stream, str) else json.dumps(stream))
    return Project(folder, folder)


def test_a_reference_is_of_the_table_that_its_stream_lands_in(tmp_path: Path) -> None:
    reference = project(tmp_path).reference("shop.orders")
    assert (reference.source, reference.stream, reference.table) == ("shop", "Orders", "shop.orders")
    assert reference.properties == ORDERS["json_schema"]["properties"]
    assert list(reference.properties) == ["id", "note", "any"]
    assert (reference.key, reference.cursor) == (("id",), None)
    assert reference.file.name == "Orders.json"


def test_the_template_has_one_for_each_of_its_sources(shop: Project) -> None:
    sources = set()
    for file in ASSETS.glob("streams/*/_*__sources.yml"):
        schema, *tables = re.findall(r"^ +(?:schema:|- name:) (\w+)$", file.read_text(), re.MULTILINE)[1:]
        sources |= {f"{schema}.{table}" for table in tables}
    assert len(sources) == 9
    assert shop.references().keys() == sources
    for table, reference in shop.references().items():
        assert reference == shop.reference(table)
        assert reference.key == ("id",)
        assert reference.cursor in reference.properties


def test_the_templates_staging_models_need_no_other_column(shop: Project) -> None:
    for model in ASSETS.glob("streams/*/stg_*.sql"):
        sql = model.read_text()
        [table] = [".".join(names) for names in re.findall(r'source\("(\w+)", "(\w+)"\)', sql)]
        # Words that are no column: strings, function calls, types, what comes after `as`, and what holds for any table.
        bare = re.sub(
            r"'[^']*'|\"[^\"]*\"|\bas [\w(), ]+?(?=,\n|\n|\))|\w+\(", " ", sql.partition("from {{")[0]
        )
        words = set(re.findall(r"[a-z_]\w*", bare)) - {
            "select",
            "zone",
            "time",
            "with",
            "_airbyte_extracted_at",
        }
        assert words, model
        assert words <= shop.reference(table).properties.keys(), model


@pytest.mark.parametrize("source", ["shopify", "klaviyo"])
def test_the_demo_shop_sends_what_the_template_expects(shop: Project, source: str) -> None:
    for configured in Shop.configured_catalog(source)["streams"]:
        reference = shop.reference(f"{source}.{configured['stream']['name']}")
        assert configured["stream"]["json_schema"]["properties"] == reference.properties
        assert configured["cursor_field"] == [reference.cursor]
        assert configured["primary_key"] == [list(reference.key)]


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        ("{", "Expecting property name"),
        ("[]", "no name"),
        ({"json_schema": ORDERS["json_schema"]}, "no name"),
        ({"name": "Orders"}, "no properties"),
        (ORDERS | {"json_schema": {"type": "object"}}, "no properties"),
        (ORDERS | {"json_schema": {"properties": {"id": "integer"}}}, "no properties"),
        (ORDERS | {"name": "Refunds"}, "of the stream 'Refunds'"),
        (ORDERS | {"source_defined_primary_key": [["customer", "id"]]}, "nested"),
        (ORDERS | {"source_defined_primary_key": [["number"]]}, "number is none of its properties"),
        (ORDERS | {"default_cursor_field": ["updated_at"]}, "updated_at is none of its properties"),
    ],
)
def test_a_file_that_is_no_reference_is_named_with_what_is_wrong(
    tmp_path: Path, stream: object, why: str
) -> None:
    with pytest.raises(ProjectError) as refused:
        project(tmp_path, stream).references()
    assert str(tmp_path / "assets" / "streams" / "shop" / "Orders.json") in refused.value.what
    assert why in refused.value.why


def test_the_nearest_names_are_shown_for_one_that_is_not_there(shop: Project) -> None:
    with pytest.raises(ProjectError) as refused:
        shop.reference("shopify.order")
    assert "streams/shopify/order.json" in refused.value.why
    assert "shopify.orders" in refused.value.todo


def test_only_the_file_that_is_asked_for_is_read(tmp_path: Path) -> None:
    some = project(tmp_path)
    (tmp_path / "assets" / "streams" / "shop" / "broken.json").write_text("{")
    assert some.reference("shop.orders").stream == "Orders"
    with pytest.raises(ProjectError, match="broken"):
        some.references()


def test_two_files_cannot_be_of_one_table(tmp_path: Path) -> None:
    some = project(tmp_path, paths="model-paths: [assets, more]\n")
    more = tmp_path / "more" / "streams" / "shop"
    more.mkdir(parents=True)
    (more / "orders.json").write_text(json.dumps(ORDERS | {"name": "orders"}))
    with pytest.raises(ProjectError, match=r"second schema reference of 'shop\.orders'"):
        some.references()


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("", ["models"]),
        ("model-paths: [assets]\n", ["assets"]),
        ("model-paths: ['assets', \"more, or less\"]  # of two teams\n", ["assets", "more, or less"]),
        ("model-paths: [\n  assets,\n  a/b\n]\n", ["assets", "a/b"]),
        ("model-paths:\n  - assets\n  - more  # later\n", ["assets", "more"]),
        ("# model-paths: [old]\n", ["models"]),
    ],
)
def test_model_paths_are_those_of_the_dbt_project(tmp_path: Path, paths: str, expected: list[str]) -> None:
    found = project(tmp_path, paths=paths).model_paths
    assert [str(path.relative_to(tmp_path)) for path in found] == expected


@pytest.mark.parametrize("paths", ["model-paths: assets\n", "model-paths: {a: b}\n", "model-paths: ]\n"])
def test_model_paths_that_are_no_list_are_told(tmp_path: Path, paths: str) -> None:
    with pytest.raises(ProjectError, match=r"dbt_project\.yml has no list of model-paths"):
        _ = project(tmp_path, paths=paths).model_paths


def test_a_folder_without_a_dbt_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no dbt project"):
        Project(tmp_path, tmp_path).references()


def test_neither_dbt_nor_an_engine_nor_a_parser_of_yaml_is_imported(shop: Project) -> None:
    asking = (
        "import sys; from pathlib import Path; from lakekit.project import Project; folder = Path(sys.argv[1]); "
        "Project(folder, folder).references(); print(*sys.modules)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", asking, str(shop.dbt)], check=True, capture_output=True, text=True
    )
    loaded = {name.partition(".")[0] for name in asked.stdout.split()}
    assert not loaded & {"dbt", "duckdb", "pyarrow", "pydantic", "trino", "yaml"}
