"""Payment methods and paying by hand in real Chromium: with JavaScript and without, and nothing for axe to find."""

import pytest
from playwright.sync_api import expect

from tests.browser.journey import PATIENCE_MS, Journey, journey
from tests.browser.looks import check
from tests.browser.ways import SPOKEN
from tests.pages import rows

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("pdf")]


def add_card(ada: Journey, card: str) -> None:
    """From the list to Stripe's page and back, until the return page says by itself that it is saved."""
    ada.page.goto(f"{ada.portal.url}/payment-methods")
    ada.page.locator("form[action='/payment-methods'] button").first.click()
    ada.page.wait_for_load_state()
    ada.pay(card)
    expect(ada.page.locator("[data-step=saved]")).to_be_visible(timeout=PATIENCE_MS)


@SPOKEN
def test_add_choose_and_remove(portal, browser, language, javascript):
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(portal.person(language))
        add_card(ada, "4242 4242 4242 4242")
        add_card(ada, "5555 5555 5555 4444")
        ada.page.goto(f"{portal.url}/payment-methods")
        other = ada.page.locator(".method", has_text="4444")
        other.locator("form[action$='/backup'] button").click()
        expect(ada.page.locator(".method", has_text="4444").locator(".status")).to_be_visible()
        ada.page.locator(".method", has_text="4444").locator("form[action$='/default'] button").click()
        expect(ada.page.locator(".method").first).to_contain_text("4444")
        ada.page.locator(".method", has_text="4242").locator("form[action$='/remove'] button").click()
        if javascript:
            ada.page.locator("#confirm button[value=yes]").click()
        expect(ada.page.locator(".method")).to_have_count(1)


def test_pages_of_somebody_who_owes(portal, browser):
    person = portal.person()
    with rows.written(portal.settings) as session:
        rows.subscription(session, person.tenant_id, status="past_due")
        owed = rows.overdue(session, person.tenant_id, "DUE-1")
        card = rows.method(session, person.tenant_id)
        rows.method(session, person.tenant_id, brand="mastercard", last4="4444", exp_year=rows.NOW.year,
                    exp_month=rows.NOW.month)  # fmt: skip
        tries = [rows.attempt(session, owed, card, state) for state in ("paid", "processing", "declined", "started")]
        setups = [rows.method_setup(session, person.tenant_id, state) for state in ("expired", "open")]
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        paths = ["/", "/payment-methods", f"/invoices/{owed.id}", f"/invoices/{owed.id}/pay"]
        paths += [f"/payments/{made.id}" for made in tries]
        paths += [f"/payment-methods/setups/{setup.id}" for setup in setups]
        for path in paths:
            check(ada.page, portal.url + path)
