"""The main job in real Chromium: in each language, with JavaScript and without, with every kind of card."""

import io
import time

import pypdf
import pytest
import requests
from playwright.sync_api import expect

from portal import formats
from tests.browser.journey import journey
from tests.browser.ways import SPEECH, SPOKEN

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("pdf")]

# One word that only the right language has on the overview of somebody who has a plan.
WORDS = {"en": "Next charge", "es": "Próximo cargo", "pt_BR": "Próxima cobrança"}
DOCUMENT_WORDS = {"en": "Invoice", "es": "Factura", "pt_BR": "Fatura"}


def mails_to(portal, address: str, count: int) -> list[dict]:
    """The mails of one address, once there are ``count``."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        found = [mail for mail in portal.sandbox.get("mail")["data"] if address in mail["to"]]
        if len(found) >= count:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{len(found)} of {count} mails for {address}")


@SPOKEN
def test_subscribe_pay_and_download(portal, browser, language, javascript):
    person = portal.person(language, SPEECH[language])
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        ada.pay()
        ada.await_active()
        ada.open_invoice()
        document = ada.download_document()
        ada.page.goto(portal.url)
        expect(ada.page.get_by_text(WORDS[language]).first).to_be_visible()
        expect(ada.page.get_by_text(formats.money(2900, "usd", SPEECH[language])).first).to_be_visible()
        assert ada.page.locator("html").get_attribute("lang") == language.replace("_", "-")
    text = pypdf.PdfReader(io.BytesIO(document)).pages[0].extract_text()
    assert DOCUMENT_WORDS[language] in text
    mails = mails_to(portal, person.email, 2)
    attached = [part for mail in mails for part in mail.get("attachments", [])]
    assert len(attached) == 1


def test_a_declined_card_says_so_and_another_one_pays(portal, browser):
    with journey(portal, browser) as ada:
        ada.sign_in(portal.person())
        ada.choose("professional", "year")
        ada.pay("4000 0000 0000 0002")
        expect(ada.page.get_by_text("declined", exact=False).first).to_be_visible()
        ada.pay()
        ada.await_active()
        expect(ada.page.get_by_text("$990.00").first).to_be_visible()


@pytest.mark.parametrize("proves", [True, False], ids=["proves", "refuses"])
def test_three_d_secure(portal, browser, proves):
    with journey(portal, browser) as ada:
        ada.sign_in(portal.person())
        ada.choose("starter")
        ada.pay("4000 0027 6000 3184")
        ada.page.get_by_role("button", name="Complete" if proves else "Fail").click()
        ada.page.wait_for_load_state()
        if not proves:
            ada.pay()
        ada.await_active()


def test_going_back_ends_the_checkout_quietly(portal, browser):
    person = portal.person()
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        session_page = ada.page.url
        ada.page.get_by_role("link", name="Back").first.click()
        ada.page.wait_for_url(f"{portal.url}/plans*")
        expect(ada.page.get_by_text("You left the checkout.").first).to_be_visible()
        ada.choose("professional")
        assert ada.page.url != session_page
        ada.pay()
        ada.await_active()


def test_the_free_plan_needs_no_card(portal, browser):
    with journey(portal, browser) as ada:
        ada.sign_in(portal.person())
        ada.choose("free")
        ada.await_active()
        expect(ada.page.get_by_text("Nothing was charged", exact=False).first).to_be_visible()


def test_the_redirect_beats_the_webhook(portal, browser):
    portal.sandbox.post("deliveries", mode="hold")
    try:
        with journey(portal, browser) as ada:
            ada.sign_in(portal.person())
            ada.choose("starter")
            ada.pay()
            ada.await_active()
    finally:
        portal.sandbox.post("deliveries", mode="release")
        portal.sandbox.post("deliveries", mode="normal")


def test_the_webhook_beats_the_redirect(portal, browser):
    """The customer pays and closes the window; hours later the return page is opened after all."""
    person = portal.person()
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        session_id = ada.page.url.rstrip("/").rsplit("/", 1)[1]
        session = portal.sandbox.pay(session_id)
        mails_to(portal, person.email, 2)
        ada.page.goto(portal.url)
        expect(ada.page.get_by_text("Next charge").first).to_be_visible()
        ada.page.goto(session["success_url"])
        ada.await_active()


def test_a_worker_killed_right_after_checkout(portal, browser):
    person = portal.person()
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        ada.pay()
        portal.kill("worker")
        portal.start("worker")
        ada.await_active()
        ada.open_invoice()
        assert ada.download_document().startswith(b"%PDF")
    mails_to(portal, person.email, 2)
    portal.await_quiet()
    mails = mails_to(portal, person.email, 2)
    # Mail cannot be exactly-once: at most the one that was on its way is repeated, under the same id.
    assert len({mail["headers"]["Message-ID"] for mail in mails}) == 2
    assert len(mails) <= 3


def test_two_tabs_are_one_checkout(portal, browser):
    with journey(portal, browser) as ada:
        ada.sign_in(portal.person())
        ada.choose("starter")
        first = ada.page.url
        other = ada.page.context.new_page()
        other.goto(f"{portal.url}/plans")
        other.locator("form[action='/checkout']:has(input[value='starter']) button").click()
        other.wait_for_load_state()
        assert other.url == first


def test_metrics_and_health(portal):
    health = requests.get(f"{portal.url}/health", timeout=10)
    assert health.status_code == 200
    assert set(health.json()["checks"]) == {"database", "redis", "worker", "ticker"}
    metrics = requests.get(f"{portal.url}/metrics", timeout=10).text
    assert 'billing_api_requests_total{endpoint="/health",method="GET",status="200"}' in metrics
