"""Trying, leaving, staying and leaving at once in real Chromium, with JavaScript and without, in each language."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from portal.models import Plan
from tests.browser.journey import journey
from tests.browser.looks import inspect
from tests.browser.ways import MODES, SPEECH, SPOKEN
from tests.pages import rows

pytestmark = pytest.mark.browser

ENDS = {"en": "Your trial ends", "es": "Su prueba termina", "pt_BR": "Seu teste termina"}


@SPOKEN
def test_a_trial_is_begun_left_and_kept(portal, browser, language, javascript):
    person = portal.person(language, SPEECH[language])
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/plans")
        ada.page.locator("form[action$='trial=yes']:has(input[value='starter']) button").click()
        ada.await_active()
        ada.page.goto(portal.url)
        banner = ada.page.locator("#banner .notice-bar")
        expect(banner).to_contain_text("Starter")
        ada.page.locator("a[href='/subscription/cancel']").click()
        expect(ada.page.locator(".big-label")).to_have_text(ENDS[language])
        if javascript:
            inspect(ada.page)
        ada.page.locator("#reason-unused").check()
        ada.page.fill("#comment", "¿Ça va? <b>não</b>")
        ada.page.locator("main form button.btn-danger").click()
        expect(ada.page).to_have_url(f"{portal.url}/")
        keep = ada.page.locator("main form[action='/subscription/keep'] button")
        keep.click()
        expect(ada.page).to_have_url(f"{portal.url}/")
        expect(ada.page.locator("main form[action='/subscription/keep']")).to_have_count(0)
        expect(ada.page.locator("a[href='/subscription/cancel']")).to_be_visible()


@MODES
def test_at_once_with_the_refund_that_was_shown(portal, browser, javascript):
    person = portal.person()
    with rows.written(portal.settings) as session:
        session.execute(
            update(Plan).where(Plan.plan_id == "professional").values(cancel_at="choice", cancel_refund="prorated")
        )
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        ada.choose("professional")
        ada.pay()
        ada.await_active()
        ada.page.goto(f"{portal.url}/subscription/cancel")
        now = ada.page.locator("label[for=ending-now]")
        stated = re.search(r"\$(\d+\.\d\d)", now.inner_text())
        assert stated is not None
        if javascript:
            inspect(ada.page)
        ada.page.locator("#ending-now").check()
        ada.page.locator("main form button.btn-danger").click()
        expect(ada.page).to_have_url(f"{portal.url}/")
        expect(ada.page.get_by_text("Your Professional plan has ended.").first).to_be_visible()
        expect(ada.page.locator("form[action='/checkout'] button")).to_contain_text("Professional again for $99.00")
    notes = portal.sandbox.listed("credit_notes")
    assert f"{notes[0]['amount'] / 100:.2f}" == stated[1]
