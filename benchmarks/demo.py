"""The demo on both engines: how long each step takes, and how much memory all of it."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from .measure import keep, lakekit, run, spread, table

if TYPE_CHECKING:
    from .measure import Run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        embedded, on_trino, services = [], [], []
        for number in range(given.runs):
            embedded.append(demo(Path(folder), f"embedded-{number}", "embedded", given.orders))
            on_trino.append(demo(Path(folder), f"trino-{number}", "trino", given.orders))
            project = Path(folder, f"trino-{number}")
            services.append(json.loads(run(lakekit("status", "--json"), project).output))
            run(lakekit("down"), project)
    whole = table(
        ("engine", "seconds", "peak of the command, MiB", "ratio"),
        [
            ("embedded", *row(embedded), "1"),
            (
                "trino, from nothing running",
                *row(on_trino),
                f"{median(r.seconds for r in on_trino) / median(r.seconds for r in embedded):.1f}",
            ),
        ],
    )
    steps = table(("step, seconds", "embedded", "trino"), step_rows(embedded, on_trino))
    memory = table(
        ("service after both syncs", "MiB resident"),
        [
            (name, spread((one[name] for one in map(by_name, services)), 0))
            for name in [*by_name(services[0]), "in all"]
            if name in by_name(services[0])
        ]
        + [("in all", spread((sum(by_name(one).values()) for one in services), 0))],
    )
    keep(f"demo, {given.orders:,} orders", f"{whole}\n\n{steps}\n\n{memory}")


def demo(folder: Path, name: str, engine: str, orders: int) -> Run:
    return run(lakekit("demo", "--engine", engine, "--dir", name, "--orders", str(orders), "--json"), folder)


def row(runs: list[Run]) -> tuple[str, str]:
    return spread(one.seconds for one in runs), spread((one.peak for one in runs), 0)


def step_rows(*engines: list[Run]) -> list[list[str]]:
    told = [
        [
            {
                re.sub(r" on branch .*", "", step["step"]): step["seconds"]
                for step in json.loads(one.output)["steps"]
            }
            for one in runs
        ]
        for runs in engines
    ]
    names = dict.fromkeys(name for runs in told for steps in runs for name in steps)
    return [
        [name, *(spread(s[name] for s in runs) if name in runs[0] else "-" for runs in told)]
        for name in names
    ]


def by_name(services: list[dict[str, float | str]]) -> dict[str, float]:
    return {str(service["name"]): float(service["memory"]) / 2**20 for service in services}


if __name__ == "__main__":
    main()
