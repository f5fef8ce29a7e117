"""A running portal and real Chromium for the tests of this folder."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support import live
from tests.support.live import LivePortal


def chromium() -> str:
    """Where Chromium is; skips the test, with the reason, where there is none."""
    found = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture(scope="session", name="portal")
def fixture_portal(template: str) -> Iterator[LivePortal]:
    """One portal for all browser tests of a worker; each test has a tenant of its own."""
    with live.running(template) as portal:
        yield portal
        assert portal.errors() == []


@pytest.fixture(scope="session", name="browser")
def fixture_browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield browser
        browser.close()
