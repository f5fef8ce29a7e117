"""Changing the plan in real Chromium: with JavaScript and without, in each language, axe clean on every page."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.journey import PATIENCE_MS, Journey, journey
from tests.browser.looks import inspect
from tests.browser.ways import MODES, SPEECH, SPOKEN

pytestmark = pytest.mark.browser

WORDS = {
    "en": ("Due today", "Your plan is Professional now"),
    "es": ("A pagar hoy", "Su plan es ahora Professional"),
    "pt_BR": ("A pagar hoje", "Seu plano agora é Professional"),
}


def subscribe(ada: Journey, person, plan: str = "starter", card: str = "4242 4242 4242 4242") -> None:
    ada.sign_in(person)
    ada.choose(plan)
    ada.pay(card)
    ada.await_active()


def ask(ada: Journey, plan: str, interval: str = "month") -> None:
    """Press the plan's button on the page of plans; ends on the offer."""
    ada.page.goto(f"{ada.portal.url}/plans?interval={interval}")
    ada.page.locator(f"a[href*='/plan-changes/new?plan_id={plan}']").click()
    expect(ada.page.locator("[data-state=quoted]")).to_be_visible()


def press(ada: Journey, act: str) -> None:
    """The button that confirms or cancels; a question comes first where a script can ask it."""
    ada.page.locator(f"form[action$='/{act}'] button").click()
    dialog = ada.page.locator("#confirm")
    if dialog.is_visible():
        dialog.locator("button[value=yes]").click()
    ada.page.wait_for_load_state()


@SPOKEN
def test_an_upgrade_costs_what_was_shown(portal, browser, language, javascript):
    due, done = WORDS[language]
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        subscribe(ada, portal.person(language, SPEECH[language]))
        ask(ada, "professional")
        expect(ada.page.get_by_text(due).first).to_be_visible()
        shown = ada.page.locator(".big-number").inner_text()
        ada.page.locator(".computed summary").first.click()
        expect(ada.page.locator(".formula").first).to_be_visible()
        if javascript:
            inspect(ada.page)
        press(ada, "confirm")
        expect(ada.page.get_by_text(done).first).to_be_visible(timeout=PATIENCE_MS)
        assert amount(shown) in digits(ada.page.locator("main").inner_text())


def digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def amount(text: str) -> str:
    return digits(text)


@MODES
def test_a_downgrade_is_scheduled_and_taken_back(portal, browser, javascript):
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        subscribe(ada, portal.person(), "professional")
        ask(ada, "starter")
        press(ada, "confirm")
        expect(ada.page.locator("[data-state=scheduled]")).to_be_visible(timeout=PATIENCE_MS)
        if javascript:
            inspect(ada.page)
        ada.page.goto(portal.url)
        expect(ada.page.get_by_text("Your plan changes on").first).to_be_visible()
        ada.page.get_by_role("link", name="See the change").click()
        press(ada, "cancel")
        expect(ada.page.get_by_text("It was taken back", exact=False).first).to_be_visible(timeout=PATIENCE_MS)


@MODES
def test_a_bank_that_wants_to_be_asked(portal, browser, javascript):
    """3-D Secure at the change: the old plan stays, the page leads to the payment, or drops the change."""
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(portal.person())
        ada.choose("starter")
        ada.pay("4000 0027 6000 3184")
        ada.page.get_by_role("button", name="Complete").click()
        ada.await_active()
        ask(ada, "professional")
        press(ada, "confirm")
        waiting = ada.page.locator("[data-state=awaiting_payment]")
        expect(waiting).to_be_visible(timeout=PATIENCE_MS)
        expect(ada.page.get_by_role("link", name=re.compile("Pay "))).to_be_visible(timeout=PATIENCE_MS)
        if javascript:
            inspect(ada.page)
        press(ada, "cancel")
        expect(ada.page.get_by_text("It was taken back", exact=False).first).to_be_visible(timeout=PATIENCE_MS)
        ada.page.goto(f"{portal.url}/plans")
        expect(ada.page.locator(".plan-current")).to_contain_text("Starter")
