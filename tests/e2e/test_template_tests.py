"""A new project's own tests: they hold as they come, in any time zone, and on Trino."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import pytest

from lakekit.scaffold import Sources, new

if TYPE_CHECKING:
    from pathlib import Path

# One of each kind: a merge, lines that go, a deletion, JSON, instants to the microsecond, ranks, a division.
ON_TRINO = [
    "tests/klaviyo/test_streams.py::test_a_record_is_renamed_and_cast[klaviyo.events]",
    "tests/shopify/test_orders.py::test_an_edited_order_comes_to_its_new_lines",
    "tests/shopify/test_orders.py::test_a_deleted_order_keeps_what_it_was",
    "tests/shopify/test_order_lines.py::test_several_discounts_and_taxes_of_a_line_add_up",
    "tests/marts/test_email_attribution.py::test_only_an_email_within_the_window_earns[within it]",
    "tests/marts/test_customers.py::test_scores_rank_the_buyers_by_fifths",
    "tests/marts/test_daily_sales.py::test_an_average_is_rounded_to_the_cent[amounts2-6.67]",
]


def run(project: Path, *arguments: str) -> str:
    """What pytest prints in a project, where all that it ran has passed."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    last = ran.stdout.strip().splitlines()[-1]
    assert re.fullmatch(r"\d+ passed in .*", last), ran.stdout  # none skipped, no warning
    return ran.stdout


@pytest.mark.parametrize("sources", get_args(Sources))
def test_all_of_them_pass_and_every_model_is_built(tmp_path: Path, sources: Sources) -> None:
    project = new(tmp_path / "shop", sources=sources)
    told = run(project, "-n", "2", "--lake-costs")
    models = {file.stem for file in project.glob("orchestration/assets/**/*.sql")}
    assert models <= set(told.partition("what builds cost")[2].split())


# Havana's clocks change at midnight; Auckland's day is over before noon of UTC.
@pytest.mark.parametrize("zone", ["America/Havana", "Pacific/Auckland"])
def test_they_hold_in_any_time_zone(tmp_path: Path, zone: str) -> None:
    run(
        new(tmp_path / "shop", shop_timezone=zone),
        "tests/shopify/test_days.py",
        "tests/test_the_whole_shop.py::test_the_marts_after_two_syncs",
    )


@pytest.mark.usefixtures("stack")
def test_they_hold_on_trino(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEKIT_STACK", os.environ["LAKEKIT_TEST_STACK"])
    run(new(tmp_path / "shop"), *ON_TRINO, "--lake-engine", "trino")
