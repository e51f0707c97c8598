"""Landing a shop's orders by append_dedup, against what a person would write with PyIceberg, and against plain Parquet.

Each contender gets the very same messages: a first sync, then a second that brings five in a hundred orders again, newer,
scattered over all of them. Each ends with the newest version of every order, which is checked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from .measure import keep, run, spread, table

if TYPE_CHECKING:
    from .measure import Run

MESSAGES: Final = """
import json, sys
from lakekit.demo.shop import Shop
orders, folder = int(sys.argv[1]), sys.argv[2]
with open(f"{folder}/first.jsonl", "wb") as first, open(f"{folder}/second.jsonl", "wb") as second:
    number = 0
    for line in Shop(seed=7, orders=orders).messages("shopify", sync=1):
        if b'"stream":"orders"' not in line or b'"updated_at"' not in line or b'"RECORD"' not in line[:40]:
            continue
        first.write(line.rstrip() + b"\\n")
        number += 1
        if number % 20 == 0:
            message = json.loads(line)
            message["record"]["data"]["updated_at"] = "2030-01-01T00:00:00+00:00"
            message["record"]["emitted_at"] += 1_000_000
            second.write(json.dumps(message, separators=(",", ":")).encode() + b"\\n")
"""

OURS: Final = """
import sys
from pathlib import Path
from lakekit.catalog.embedded import EmbeddedCatalog
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog, land
catalog = ConfiguredCatalog.parse(Shop(seed=7, orders=1).configured_catalog("shopify"))
iceberg = EmbeddedCatalog(Path(sys.argv[2])).iceberg("main")
with open(sys.argv[1], "rb") as messages:
    land(iceberg, "shopify", catalog, messages)
"""

UPSERT: Final = """
import json, sys
from pathlib import Path
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from lakekit.demo.shop import Shop
from lakekit.landing import ConfiguredCatalog
from lakekit.landing.columns import arrow_type
stream = ConfiguredCatalog.parse(Shop(seed=7, orders=1).configured_catalog("shopify")).streams["orders"]
names = list(stream.properties)
Path(sys.argv[2]).mkdir(exist_ok=True)
catalog = SqlCatalog("lake", uri=f"sqlite:///{sys.argv[2]}/c.db", warehouse=f"file://{sys.argv[2]}")
newest = {}
for line in open(sys.argv[1], "rb"):
    data = json.loads(line)["record"]["data"]
    newest[data["id"]] = {n: json.dumps(v) if isinstance(v := data.get(n), (dict, list)) else v for n in names}
schema = pa.schema([(n, t if pa.types.is_integer(t := arrow_type(stream.properties[n])) else pa.string()) for n in names])
rows = pa.Table.from_pylist([{n: v if v is None or pa.types.is_integer(schema.field(n).type) else str(v) for n, v in r.items()}
                             for r in newest.values()], schema)
catalog.create_namespace_if_not_exists("shopify")
if catalog.table_exists("shopify.orders"):
    catalog.load_table("shopify.orders").upsert(rows, join_cols=["id"])
else:
    catalog.create_table("shopify.orders", schema).append(rows)
"""

PARQUET: Final = """
import sys
from pathlib import Path
import duckdb
Path(sys.argv[2]).mkdir(exist_ok=True)
held = Path(sys.argv[2], "orders.parquet")
new = f"select record.data as data, record.data.id as id, record.data.updated_at as updated_at from read_json('{sys.argv[1]}', " \
      "columns={type: 'VARCHAR', record: 'STRUCT(data STRUCT(id BIGINT, updated_at VARCHAR, line_items JSON, total_price_set JSON, email VARCHAR, customer JSON))'})"
old = f"union all select * from '{held}'" if held.exists() else ""
duckdb.sql(f"copy (select * from ({new} {old}) qualify row_number() over (partition by id order by updated_at desc) = 1) to '{held}.new' (format parquet)")
Path(f"{held}.new").rename(held)
"""

COUNT: Final = {
    "lakekit": "from lakekit.catalog.embedded import EmbeddedCatalog; from pathlib import Path; "
    "t = EmbeddedCatalog(Path(sys.argv[1])).iceberg('main').load_table('shopify.orders').scan().to_arrow(); "
    "print(json.dumps([len(t), sum(str(x).startswith('2030') for x in t['updated_at'].to_pylist())]))",
    "PyIceberg upsert": "from pyiceberg.catalog.sql import SqlCatalog; "
    "t = SqlCatalog('lake', uri=f'sqlite:///{sys.argv[1]}/c.db').load_table('shopify.orders').scan().to_arrow(); "
    "print(json.dumps([len(t), sum(str(x).startswith('2030') for x in t['updated_at'].to_pylist())]))",
    "Parquet, rewritten by DuckDB": "import duckdb; "
    "print(json.dumps(duckdb.sql(f\"select count(*), count(*) filter (where updated_at like '2030%') from "
    "'{sys.argv[1]}/orders.parquet'\").fetchone()))",
}
CONTENDERS: Final = {"lakekit": OURS, "PyIceberg upsert": UPSERT, "Parquet, rewritten by DuckDB": PARQUET}


def ids(line: bytes) -> int:
    return int(json.loads(line)["record"]["data"]["id"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    runs: dict[str, list[tuple[Run, Run]]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        here = Path(folder)
        run([sys.executable, "-c", MESSAGES, str(given.orders), folder], here)
        sizes = [sum(1 for _ in (here / f"{sync}.jsonl").open("rb")) for sync in ("first", "second")]
        orders = [
            len({ids(line) for line in (here / f"{sync}.jsonl").open("rb")}) for sync in ("first", "second")
        ]
        megabytes = (here / "first.jsonl").stat().st_size / 1e6
        for number in range(given.runs):
            for name, script in CONTENDERS.items():
                place = str(here / f"{name.split()[0].strip(',')}-{number}")
                first, second = (
                    run([sys.executable, "-c", script, f"{folder}/{sync}.jsonl", place], here)
                    for sync in ("first", "second")
                )
                counted = run([sys.executable, "-c", f"import json, sys; {COUNT[name]}", place], here).output
                if json.loads(counted) != orders:
                    raise SystemExit(f"{name} has {counted.strip()}, not {orders}")
                runs[name].append((first, second))
    base = median(second.seconds for _, second in runs["lakekit"])
    rows = [
        [
            name,
            spread(first.seconds for first, _ in found),
            spread((sizes[0] / first.seconds for first, _ in found), 0),
            spread(second.seconds for _, second in found),
            f"{median(second.seconds for _, second in found) / base:.1f}",
            spread((max(first.peak, second.peak) for first, second in found), 0),
        ]
        for name, found in runs.items()
    ]
    header = ("", "first sync, s", "messages/s", "second sync, s", "second, ratio", "peak, MiB")
    keep(
        "landing",
        f"{sizes[0]:,} messages of {orders[0]:,} orders ({megabytes:.0f} MB), then {orders[1]:,} of them again; process start included.\n\n"
        + table(header, rows),
    )


if __name__ == "__main__":
    main()
