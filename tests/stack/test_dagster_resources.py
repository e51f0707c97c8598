"""Assets of Python on Trino and Nessie: tables, statements and refs, all at the run's ref."""

# Dagster looks at annotations itself: here they are no texts.
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from dagster import AssetExecutionContext, AssetIn, DagsterInstance, asset, materialize

from lakekit import Lake
from lakekit.dagster import LakeIOManager, LakeResource, NessieResource, TrinoResource
from lakekit.dagster.refs import REF


@pytest.mark.parametrize("lake", ["trino"], indirect=True)
def test_an_asset_s_table_is_written_read_and_asked_for_where_the_run_works(lake: Lake) -> None:
    told: dict[str, Any] = {}

    @asset(key=["shop", "prices"])
    def prices() -> pa.Table:
        return pa.table({"id": [1, 2], "price": [9.5, 12.0]})

    @asset(key=["shop", "dear"], ins={"prices": AssetIn(key=["shop", "prices"])})
    def dear(prices: pl.DataFrame) -> pl.DataFrame:
        return prices.filter(pl.col("price") > 10)

    @asset(deps=[dear])
    def asked(context: AssetExecutionContext, trino: TrinoResource, nessie: NessieResource) -> None:
        told["rows"] = trino.query(context, "select id, price from shop.dear").to_pylist()
        with trino.connect(context) as connection:
            cursor = connection.cursor()
            cursor.execute("select max(price) from shop.prices")
            told["most"] = cursor.fetchall()
        told["ref"] = nessie.ref(context)
        told["newest"] = [str(table) for table in nessie.log(lake.ref, 1)[0].tables]
        told["refs"] = {ref.name for ref in nessie.refs()}

    at_home = LakeResource(project=str(lake.settings.project))
    resources = {
        "io_manager": LakeIOManager(lake=at_home),
        "trino": TrinoResource(lake=at_home),
        "nessie": NessieResource(lake=at_home),
    }
    with DagsterInstance.ephemeral() as instance:
        ran = materialize([prices, dear, asked], resources=resources, instance=instance, tags={REF: lake.ref})
    assert ran.success
    assert told["rows"] == [{"id": 2, "price": 12.0}]
    assert told["most"] == [[12.0]]
    assert told["ref"] == lake.catalog.ref(lake.ref)
    assert told["newest"] == ["shop.dear"]
    assert told["refs"] >= {"main", lake.ref}
    assert "shop" not in {table.schema for table in lake.catalog.entries("main")}
    assert lake.sql("select id from shop.dear").rows() == [{"id": 2}]
