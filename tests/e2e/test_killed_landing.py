"""A landing killed at any moment and run again ends in the very bronze that an undisturbed one makes."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from lakekit.demo.shop import Shop
from lakekit.errors import LandingFailed
from lakekit.landing import ConfiguredCatalog

if TYPE_CHECKING:
    from lakekit import Lake

SHOP = Shop(seed=3, orders=300)
CATALOG = ConfiguredCatalog.parse(SHOP.configured_catalog("shopify"))

LANDING = """
import sys
from pathlib import Path
from lakekit import Lake
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog, land
shop = Shop(seed=3, orders=300)
with Lake.connect(Path(sys.argv[1])) as lake:
    print("ready", flush=True)
    land(
        lake.catalog.iceberg(sys.argv[2]), "shopify", ConfiguredCatalog.parse(shop.configured_catalog("shopify")), shop.messages("shopify", sync=1),
        rows_a_flush=100,
    )
"""


def bronze(lake: Lake) -> dict[str, list[str]]:
    catalog = lake.catalog.iceberg(lake.ref)
    return {
        name: sorted(
            repr(sorted(row.items()))
            for row in catalog.load_table(("shopify", name)).scan().to_arrow().to_pylist()
        )
        for name in CATALOG.streams
    }


def start(lake: Lake, ref: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LANDING, str(lake.settings.project), ref], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


def test_killed_at_random_moments_and_run_again(lake: Lake) -> None:
    with lake.branch() as whole, lake.branch() as disturbed:
        began = time.monotonic()
        assert start(lake, whole.ref).wait() == 0
        seconds = time.monotonic() - began
        moments = random.Random(seconds)
        killed = []
        for _ in range(4):
            process = start(lake, disturbed.ref)
            killed.append(moments.uniform(0, seconds))
            try:
                process.wait(killed[-1])
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                assert process.wait() in {-signal.SIGKILL, 0}  # it may have ended at that very moment
        assert start(lake, disturbed.ref).wait() == 0
        assert bronze(disturbed) == bronze(whole), f"killed after {killed} s"
        assert disturbed.states("shopify", CATALOG) == whole.states("shopify", CATALOG)


def record(**data: Any) -> dict[str, Any]:
    return {"type": "RECORD", "record": {"stream": "orders", "data": data, "emitted_at": 1}}


def test_a_schema_that_changes_in_mid_stream_loses_no_row(lake: Lake) -> None:
    """A field turns from number to object, and one comes that no schema knew: rows stay, and say what they lost."""
    with lake.branch() as work:
        work.land(
            "shopify",
            CATALOG,
            [
                record(id=1, updated_at="2026-01-01T00:00:00Z", order_number=1001),
                record(
                    id=2,
                    updated_at="2026-01-02T00:00:00Z",
                    order_number={"prefix": "A", "n": 1002},
                    brand_new=True,
                ),
                record(id=3, updated_at="2026-01-03T00:00:00Z", order_number="1003"),
            ],
        )
        rows = work.sql("select id, order_number from shopify.orders order by id").rows()
        assert [(row["id"], row["order_number"]) for row in rows] == [(1, 1001), (2, None), (3, 1003)]
        table = work.catalog.iceberg(work.ref).load_table(("shopify", "orders")).scan().to_arrow().to_pylist()
        changes = {
            row["id"]: [change["field"] for change in row["_airbyte_meta"]["changes"]] for row in table
        }
        assert changes == {1: [], 2: ["order_number"], 3: []}


def test_a_refresh_is_refused_rather_than_ignored(lake: Lake) -> None:
    catalog = json.loads(json.dumps(SHOP.configured_catalog("shopify")))
    for entry in catalog["streams"]:
        entry |= {"generation_id": 2, "minimum_generation_id": 2}
    order = record(id=1, updated_at="2026-01-01T00:00:00Z")
    with lake.branch() as work:
        work.land("shopify", ConfiguredCatalog.parse(catalog), [order])
        with pytest.raises(LandingFailed, match=r"drop shopify\.orders"):
            work.land("shopify", ConfiguredCatalog.parse(catalog), [order])
