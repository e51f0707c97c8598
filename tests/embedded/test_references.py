"""The template's schema references against what lands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.catalog.protocol import TableId
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog, land
from lakekit.landing.columns import META_FIELDS, arrow_type
from lakekit.project import Project
from lakekit.scaffold import new

if TYPE_CHECKING:
    from pathlib import Path


def test_bronze_has_the_columns_of_the_references_in_their_types(tmp_path: Path) -> None:
    folder = new(tmp_path / "shop")
    references = Project(folder, folder / "orchestration").references()
    shop, bronze = Shop(seed=3, orders=60), EmbeddedCatalog(tmp_path / "lake")
    for source in ("shopify", "klaviyo"):
        configured = ConfiguredCatalog.parse(shop.configured_catalog(source))
        land(bronze.iceberg("main"), source, configured, shop.messages(source, sync=1))
    assert len(references) == len(bronze.entries("main")) == 9
    for table, reference in references.items():
        id_ = TableId.parse(table)
        landed = bronze.iceberg("main").load_table((id_.schema, id_.name)).schema().as_arrow()
        expected = {name: arrow_type(schema) for name, schema in reference.properties.items()}
        expected |= {field.name: field.type for field in META_FIELDS}
        assert landed.names == list(expected), table
        for name, type_ in expected.items():
            # Iceberg reads text back as Arrow's large kind.
            assert str(landed.field(name).type).replace("large_", "") == str(type_).replace("large_", ""), (
                f"{table}.{name}"
            )
