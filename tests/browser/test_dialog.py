"""The confirmation dialog: asks before it acts, gives way to Escape, and is not needed without JavaScript."""

import pytest
from playwright.sync_api import expect

from tests.browser.journey import journey

pytestmark = pytest.mark.browser


def test_signing_out_everywhere_else_asks_first(portal, browser):
    person = portal.person()
    with journey(portal, browser) as other, journey(portal, browser) as ada:
        other.sign_in(person)
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/account")
        button = ada.page.get_by_role("button", name="Sign out everywhere else")
        dialog = ada.page.get_by_role("dialog")
        button.click()
        expect(dialog).to_contain_text("Sign out all other browsers?")
        ada.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(button).to_be_focused()
        other.page.goto(f"{portal.url}/account")
        expect(other.page).to_have_url(f"{portal.url}/account")
        button.click()
        dialog.locator("button[value=yes]").click()
        ada.page.wait_for_load_state()
        other.page.goto(f"{portal.url}/account")
        expect(other.page).to_have_url(f"{portal.url}/sign-in?next=%2Faccount")


def test_without_javascript_it_acts_at_once(portal, browser):
    person = portal.person()
    with journey(portal, browser) as other, journey(portal, browser, java_script_enabled=False) as ada:
        other.sign_in(person)
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/account")
        ada.page.get_by_role("button", name="Sign out everywhere else").click()
        other.page.goto(f"{portal.url}/account")
        expect(other.page).to_have_url(f"{portal.url}/sign-in?next=%2Faccount")
