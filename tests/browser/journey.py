"""The main job, step by step, as a person does it: by what is on the page, in any language."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.live import LivePortal
from tests.support.people import Person

# Chromium reports every answer that is a refusal (the pages' own are 422), and that a driver was faster than autofocus.
HARMLESS = re.compile(r"status of 422|Autofocus processing was blocked")
PATIENCE_MS = 90_000  # a worker may have to start first, on busy cores


@dataclass
class Journey:
    """One person's browser in front of one portal."""

    portal: LivePortal
    page: Page

    def sign_in(self, person: Person) -> None:
        self.page.goto(f"{self.portal.url}/sign-in")
        self.page.fill("input[name=email]", person.email)
        self.page.fill("input[name=password]", person.password)
        self.page.locator("main form button[type=submit]").click()
        self.page.wait_for_url(f"{self.portal.url}/")

    def choose(self, plan_id: str, interval: str = "month") -> None:
        """Press the plan's button; ends on Stripe's page, or on the return page for the free plan."""
        self.page.goto(f"{self.portal.url}/plans?interval={interval}")
        self.page.locator(f"form[action='/checkout']:has(input[value='{plan_id}']) button").click()
        self.page.wait_for_load_state()

    def pay(self, card: str = "4242 4242 4242 4242") -> None:
        """Fill in the card and pay."""
        self.page.fill("input[name=number]", card)
        self.page.fill("input[name=expiry]", "12 / 34")
        self.page.fill("input[name=cvc]", "123")
        self.page.fill("input[name=name]", "Ada Lovelace")
        self.page.locator("button[type=submit]:not([name])").first.click()
        self.page.wait_for_load_state()

    def await_active(self) -> None:
        """Wait on the return page until it says so itself, by polling or by reloading."""
        expect(self.page.locator("[data-step=active]")).to_be_visible(timeout=PATIENCE_MS)

    def open_invoice(self) -> None:
        """The newest one; it may come a moment after its subscription, and the list does not look by itself."""
        link = self.page.locator("main th a[href^='/invoices/']").first
        until = time.monotonic() + PATIENCE_MS / 1000
        self.page.goto(f"{self.portal.url}/invoices")
        while not link.count() and time.monotonic() < until:
            self.page.reload()
        link.click()
        self.page.wait_for_load_state()

    def download_document(self) -> bytes:
        """The invoice's PDF, once it is there; the page looks by itself."""
        link = self.page.locator("a[href$='document.pdf']").first
        expect(link).to_be_visible(timeout=PATIENCE_MS)
        with self.page.expect_download() as started:
            link.click()
        return started.value.path().read_bytes()


@contextmanager
def journey(portal: LivePortal, browser: Browser, **options: object) -> Iterator[Journey]:
    """A fresh browser context; fails on any message of our pages on the console (CSP violations come as such)."""
    context: BrowserContext = browser.new_context(accept_downloads=True, **options)  # type: ignore[arg-type]
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"{message.location} {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield Journey(portal, page)
        ours = [complaint for complaint in complaints if portal.url in complaint and not HARMLESS.search(complaint)]
        assert ours == [], ours
    finally:
        context.close()
