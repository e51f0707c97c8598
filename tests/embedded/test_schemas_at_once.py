"""Several processes that make, or drop, one schema if it is not there, or is: none of them fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from lakekit import Lake
from lakekit.errors import QueryFailed

if TYPE_CHECKING:
    from pathlib import Path


def test_one_schema_made_and_dropped_by_several_at_once(tmp_path: Path) -> None:
    (tmp_path / "lakekit.toml").touch()
    several, rounds = 4, 10
    at_once = Barrier(several)

    def again_and_again(_: int) -> None:
        with Lake.connect(tmp_path) as lake:
            for _ in range(rounds):
                at_once.wait(60)
                lake.sql("create schema if not exists core")
                at_once.wait(60)
                assert "core" in {row["Schema"] for row in lake.sql("show schemas")}
                at_once.wait(60)
                lake.sql("drop schema if exists core")

    with ThreadPoolExecutor(several) as pool:
        list(pool.map(again_and_again, range(several)))
    with Lake.connect(tmp_path) as lake:
        lake.sql("create schema core")
        with pytest.raises(QueryFailed, match="exists already"):
            lake.sql("create schema core")
