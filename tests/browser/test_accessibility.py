"""axe finds nothing, on every page, light and dark, on a phone and on a desk; nothing runs over the edge."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.journey import journey

pytestmark = pytest.mark.browser

WIDTHS = (390, 1280)
PUBLIC = ("/sign-in", "/forgot-password", "/nowhere")
SIGNED_IN = ("/", "/plans", "/plans?interval=year", "/invoices", "/account")


@pytest.fixture(scope="module", name="customer")
def fixture_customer(portal, browser):
    """Somebody with a plan and an invoice, and the state of a signed-in browser."""
    person = portal.person()
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        ada.pay()
        ada.await_active()
        returned = ada.page.url.removeprefix(portal.url)
        ada.open_invoice()
        ada.download_document()
        invoice = ada.page.url.removeprefix(portal.url)
        return ada.page.context.storage_state(), (returned, invoice)


def check(page, address: str) -> None:
    page.goto(address)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{address} is {overflow} px too wide"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_before_signing_in(portal, browser, scheme, width):
    viewport = {"width": width, "height": 900}
    with browser.new_context(color_scheme=scheme, viewport=viewport) as context:
        page = context.new_page()
        for path in PUBLIC:
            check(page, portal.url + path)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_a_customer(portal, browser, customer, scheme, width):
    storage, made = customer
    viewport = {"width": width, "height": 900}
    with browser.new_context(color_scheme=scheme, viewport=viewport, storage_state=storage) as context:
        page = context.new_page()
        for path in (*SIGNED_IN, *made):
            check(page, portal.url + path)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_somebody_new(portal, browser, scheme, width):
    """Empty states, in the longest language."""
    person = portal.person("pt_BR", "pt_BR")
    with journey(portal, browser, color_scheme=scheme, viewport={"width": width, "height": 900}) as ada:
        ada.sign_in(person)
        for path in SIGNED_IN:
            check(ada.page, portal.url + path)
