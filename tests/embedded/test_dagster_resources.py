"""Assets of Python: tables in and out at the run's ref, and the lake itself as a resource."""

# Dagster looks at annotations itself: here they are no texts.
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from dagster import (
    AssetExecutionContext,
    AssetIn,
    AssetKey,
    DagsterInstance,
    Definitions,
    StaticPartitionsDefinition,
    asset,
    materialize,
)

from lakekit import Lake
from lakekit.catalog.protocol import TableId
from lakekit.dagster import LakeIOManager, LakeResource, NessieResource, TrinoResource, asset_key, table_id
from lakekit.dagster.refs import REF
from lakekit.errors import UsageError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lakekit.toml").touch()
    with Lake.connect(tmp_path) as lake:
        lake.catalog.create_branch("try")
    return tmp_path


def run(project: Path, assets: Sequence[Any], *, ref: str = "try", partition: str | None = None) -> Any:
    lake = LakeResource(project=str(project))
    resources = {
        "io_manager": LakeIOManager(lake=lake),
        "lake": lake,
        "nessie": NessieResource(lake=lake),
        "trino": TrinoResource(lake=lake),
    }
    with DagsterInstance.ephemeral() as instance:
        return materialize(
            assets,
            resources=resources,
            instance=instance,
            tags={REF: ref},
            partition_key=partition,
            raise_on_error=False,
        )


def rows(project: Path, table: str, ref: str = "try") -> list[dict[str, Any]]:
    with Lake.connect(project) as lake:
        return lake.at(ref).sql(f"select * from {table} order by 1").rows()


PRICES = {"prices": AssetIn(key=["shop", "prices"])}


@asset(key=["shop", "prices"])
def prices() -> pa.Table:
    return pa.table({"id": [1, 2], "price": [9.5, 12.0]})


def test_frames_of_each_kind_go_in_and_come_out(project: Path) -> None:
    @asset(key=["shop", "dear"], ins=PRICES)
    def dear(prices: pl.DataFrame) -> pl.DataFrame:
        return prices.filter(pl.col("price") > 10)

    @asset(key=["shop", "doubled"], ins=PRICES)
    def doubled(prices: pd.DataFrame) -> pd.DataFrame:
        return prices.assign(price=prices["price"] * 2)

    @asset(key=["shop", "counted"], ins=PRICES)
    def counted(prices: pa.Table) -> pa.Table:
        return pa.table({"n": [prices.num_rows]})

    ran = run(project, [prices, dear, doubled, counted])
    assert ran.success
    assert rows(project, "shop.prices") == [{"id": 1, "price": 9.5}, {"id": 2, "price": 12.0}]
    assert rows(project, "shop.dear") == [{"id": 2, "price": 12.0}]
    assert rows(project, "shop.doubled") == [{"id": 1, "price": 19.0}, {"id": 2, "price": 24.0}]
    assert rows(project, "shop.counted") == [{"n": 2}]
    with Lake.connect(project) as lake:
        assert lake.catalog.entries("main") == {}


def test_a_table_is_replaced_and_one_with_a_key_is_merged(project: Path) -> None:
    def made(given: list[dict[str, Any]], key: list[str] | None) -> Any:
        @asset(key=["shop", "stock"], metadata={"lakekit/key": key} if key else {})
        def stock() -> pa.Table:
            return pa.Table.from_pylist(given)

        return stock

    assert run(project, [made([{"id": 1, "left": 5}, {"id": 2, "left": 6}], None)]).success
    assert run(project, [made([{"id": 2, "left": 0}, {"id": 3, "left": 9}], ["id"])]).success
    assert [(row["id"], row["left"]) for row in rows(project, "shop.stock")] == [(1, 5), (2, 0), (3, 9)]
    assert run(project, [made([{"id": 4, "left": 1, "shelf": "A"}], None)]).success
    assert rows(project, "shop.stock") == [{"id": 4, "left": 1, "shelf": "A"}]


def test_outside_of_a_run_a_table_is_read_at_main(project: Path) -> None:
    with Lake.connect(project) as lake:
        lake.write("shop.prices", pa.table({"id": [7]}))
    io_manager = LakeIOManager(lake=LakeResource(project=str(project)))
    definitions = Definitions(assets=[prices], resources={"io_manager": io_manager})
    assert definitions.load_asset_value(prices.key, python_type=pd.DataFrame).to_dict("list") == {"id": [7]}


def test_a_partition_takes_the_place_of_no_other(project: Path) -> None:
    days = StaticPartitionsDefinition(["2026-02-01", "2026-02-02"])

    def made(metadata: dict[str, Any]) -> Any:
        @asset(key=["shop", "weather"], partitions_def=days, metadata=metadata)
        def weather(context: AssetExecutionContext) -> pa.Table:
            return pa.table({"day": [context.partition_key], "rain": [1.5]})

        return weather

    keyed = made({"lakekit/key": ["day"]})
    for day in days.get_partition_keys():
        assert run(project, [keyed], partition=day).success
    ran = run(project, [made({})], partition="2026-02-01")
    [failure] = ran.filter_events(lambda event: event.is_step_failure)
    assert "would replace all others" in str(failure.event_specific_data)
    assert [row["day"] for row in rows(project, "shop.weather")] == ["2026-02-01", "2026-02-02"]


def test_what_is_no_table_is_told(project: Path) -> None:
    @asset(key=["shop", "prices"])
    def nonsense() -> Any:
        return {"id": 1}

    @asset
    def nowhere() -> pa.Table:
        return pa.table({"id": [1]})

    for one, told in (
        (nonsense, "returned a dict, which is no table"),
        (nowhere, "The asset nowhere is no table"),
    ):
        ran = run(project, [one])
        assert not ran.success
        [failure] = ran.filter_events(lambda event: event.is_step_failure)
        assert told in str(failure.event_specific_data)


def test_the_catalog_and_the_lake_are_at_the_runs_ref(project: Path) -> None:
    told: dict[str, Any] = {}

    @asset(key=["shop", "seen"], deps=[prices])
    def seen(context: AssetExecutionContext, lake: LakeResource, nessie: NessieResource) -> pa.Table:
        told["ref"] = nessie.ref(context).name
        told["refs"] = {ref.name for ref in nessie.refs()}
        told["tables"] = {str(table) for commit in nessie.log("try") for table in commit.tables}
        with lake.at_run(context) as work:
            return work.sql("select max(price) as price from shop.prices").arrow()

    assert run(project, [prices, seen]).success
    assert told == {"ref": "try", "refs": {"main", "try"}, "tables": {"shop.prices"}}
    assert rows(project, "shop.seen") == [{"price": 12.0}]


def test_trino_is_asked_where_there_is_trino_alone(project: Path) -> None:
    @asset(key=["shop", "asked"])
    def asked(context: AssetExecutionContext, trino: TrinoResource) -> pa.Table:
        assert trino.query(context, "select 1 as one").to_pylist() == [{"one": 1}]
        with trino.connect(context) as connection:
            return connection

    ran = run(project, [asked])
    [failure] = ran.filter_events(lambda event: event.is_step_failure)
    assert "TrinoResource needs the engine trino" in str(failure.event_specific_data)


def test_a_key_is_a_tables_place() -> None:
    table = TableId("marts", "fct_daily_sales")
    assert asset_key(table) == AssetKey(["marts", "fct_daily_sales"])
    assert table_id(asset_key(table)) == table
    with pytest.raises(UsageError, match="is no table"):
        table_id(AssetKey(["fct_daily_sales"]))
