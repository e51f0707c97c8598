"""Starting the stack, to its first answered query, against the same services with the JVM's default flags and no caches.

All take part in each round, in turn. The caches are made first if they are missing (`lakekit stack train`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from .measure import keep, lakekit, run, spread, table

if TYPE_CHECKING:
    from .measure import Run

WITHOUT_FLAGS: Final = """
from lakekit.stack.jvm import Jvm
ours = Jvm.command
def plain(self, *what, **how):
    java, *rest = ours(self, *what, **how)
    return [java, *(flag for flag in rest if not flag.startswith("-X"))]
Jvm.command = plain
"""
WITHOUT_CACHES: Final = """
from lakekit.stack.jvm import Jvm
Jvm._aot = lambda self, name, jars: []
"""
CALL: Final = "from lakekit.cli import main; main(prog_name='lakekit')"
CONTENDERS: Final = {
    "default JVM flags, no caches": (WITHOUT_FLAGS, []),
    "lakekit without caches (tests: --ephemeral)": (WITHOUT_CACHES, ["--ephemeral"]),
    "lakekit for tests (--ephemeral)": ("", ["--ephemeral"]),
    "lakekit for development": ("", []),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--store", choices=["minio", "s3proxy"], default="minio")
    given = parser.parse_args()
    ups: dict[str, list[Run]] = {name: [] for name in CONTENDERS}
    memory: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    again: list[Run] = []
    downs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        run(lakekit("stack", "train"), Path(folder))
        for number in range(given.runs):
            for place, (name, (patch, options)) in enumerate(CONTENDERS.items()):
                project = Path(folder, f"{number}-{place}")
                project.mkdir()
                (project / "lakekit.toml").write_text(f'store = "{given.store}"\n')
                ups[name].append(run([sys.executable, "-c", patch + CALL, "up", *options], project))
                services = json.loads(run(lakekit("status", "--json"), project).output)
                memory[name].append(sum(service["memory"] for service in services) / 2**20)
                if not patch:
                    again.append(run(lakekit("up", *options), project))
                downs.append(run(lakekit("down"), project))
    base = median(one.seconds for one in ups["default JVM flags, no caches"])
    rows = [
        (
            name,
            spread(one.seconds for one in found),
            f"{base / median(one.seconds for one in found):.1f}",
            spread(memory[name], 0),
        )
        for name, found in ups.items()
    ]
    whole = table(
        ("`lakekit up` to the first answered query", "seconds", "times as fast", "resident, MiB"), rows
    )
    rest = table(
        ("", "seconds"),
        [
            ("`lakekit up` on a running stack", spread((one.seconds for one in again), 2)),
            ("`lakekit down`", spread((one.seconds for one in downs), 2)),
        ],
    )
    keep(f"stack start, {given.store}", f"{whole}\n\n{rest}")


if __name__ == "__main__":
    main()
