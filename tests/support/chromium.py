"""Real Chromium for tests: one per xdist worker, because Playwright's synchronous API can run only once."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def program() -> str:
    """Where Chromium is; skips the test, with the reason, where there is none."""
    known = (os.environ.get("CHROMIUM_PATH"), *map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    found = next(filter(None, known), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture(scope="session", name="browser")
def fixture_browser() -> Iterator[Browser]:
    """A browser; every test opens a context of its own in it."""
    executable = program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()
