"""The installed Chromium, without a window, and what goes wrong on its pages."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import ConsoleMessage, Page, Response

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The program; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(_NAMES)} on PATH (apt install chromium)")
    return found


@contextmanager
def opened(*, width: int = 1700, height: int = 1000) -> Iterator[Page]:
    """A page of so many pixels; fails at the end if a script of it failed, or anything that it asked for."""
    wrong: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(message.text)

    def answered(response: Response) -> None:
        if response.status >= 400:
            wrong.append(f"{response.status} {response.url}")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", said)
            page.on("response", answered)
            yield page
        finally:
            browser.close()
    assert not wrong, wrong
