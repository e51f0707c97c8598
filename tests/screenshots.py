"""Makes docs/images anew (``nox -s screenshots``): Dagster's pages of a scaffolded project that was built and published."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from .browser import opened
from .checkout import CHECKOUT
from .dagster_server import dagster_dev
from .embedded import dagster_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES: Final = CHECKOUT / "docs/images"


def main() -> None:
    with TemporaryDirectory() as scratch:
        project = dagster_project.make(Path(scratch) / "shop")
        with dagster_dev(project, Path(scratch) / "home") as server, opened() as page:
            for assets in (None, [["marts", "dim_products"]]):
                run = server.launch(assets)
                assert server.over(run)["status"] == "SUCCESS"
            page.goto(f"{server.url}/locations/orchestration.definitions/asset-groups/shopify")
            page.get_by_text("10 / 10 Passed").wait_for()
            _take(page, "assets")
            page.goto(f"{server.url}/runs/{run}")
            page.get_by_text("Process for run exited").wait_for()
            _take(page, "run")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(2_000)  # until what moves into its place is there
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
