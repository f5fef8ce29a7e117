"""What went wrong is put right in real Chromium: an unpaid invoice is paid, a paused plan goes on."""

from typing import Any

import pytest
import requests
from playwright.sync_api import expect
from sqlalchemy import select, update

from portal.models import Customer, Plan, Subscription
from tests.browser.journey import PATIENCE_MS, Journey, journey
from tests.browser.test_payment_methods import add_card
from tests.browser.ways import SPEECH, SPOKEN
from tests.pages import rows
from tests.support.live import LivePortal
from tests.support.sandbox import AUTH, TIMEOUT

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("pdf")]

FAILS_WHEN_CHARGED = "4000 0000 0000 0341"


def at_stripe(portal: LivePortal, path: str, **form: str) -> Any:
    """What support does in Stripe's dashboard; a declined card is an answer too."""
    answer = requests.post(f"{portal.sandbox.url}/v1/{path}", form, auth=AUTH, timeout=TIMEOUT)
    assert answer.status_code in (200, 402), answer.text
    return answer.json()


def fall_behind(ada: Journey, customer: str) -> None:
    """A card that pays nothing becomes the default, and something is charged."""
    add_card(ada, FAILS_WHEN_CHARGED)
    ada.page.goto(f"{ada.portal.url}/payment-methods")
    ada.page.locator(".method", has_text="0341").locator("form[action$='/default'] button").click()
    expect(ada.page.locator(".method").first).to_contain_text("0341")
    ada.portal.await_quiet()
    at_stripe(ada.portal, "invoiceitems", customer=customer, amount="500", currency="usd")
    made = at_stripe(ada.portal, "invoices", customer=customer, pending_invoice_items_behavior="include")
    at_stripe(ada.portal, f"invoices/{made['id']}/finalize")
    at_stripe(ada.portal, f"invoices/{made['id']}/pay")
    ada.portal.await_quiet()


@SPOKEN
def test_an_unpaid_invoice_is_paid_with_another_card(portal, browser, language, javascript):
    person = portal.person(language, SPEECH[language])
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        ada.pay()
        ada.await_active()
        portal.await_quiet()
        with rows.written(portal.settings) as session:
            customer = session.scalars(
                select(Customer.stripe_customer_id).where(Customer.tenant_id == person.tenant_id)
            ).one()
        fall_behind(ada, customer)
        ada.page.goto(portal.url)
        ada.page.locator("#banner a[href$='/pay']").click()
        ada.page.locator("label[for^=method-]", has_text="4242").click()
        ada.page.locator("#payment form[action$='/pay'] button").click()
        expect(ada.page.locator("#attempt[data-state=paid]")).to_be_visible(timeout=PATIENCE_MS)
        portal.await_quiet()
        ada.page.goto(f"{portal.url}/payment-methods")
        expect(ada.page.locator("#banner a[href$='/pay']")).to_have_count(0)
        expect(ada.page.locator(".method").first).to_contain_text("4242")


@SPOKEN
def test_a_paused_plan_goes_on(portal, browser, language, javascript):
    person = portal.person(language, SPEECH[language])
    with rows.written(portal.settings) as session:
        session.execute(update(Plan).where(Plan.plan_id == "enterprise").values(trial_end="pause"))
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/plans")
        ada.page.locator("form[action$='trial=yes']:has(input[value='enterprise']) button").click()
        ada.await_active()
        with rows.written(portal.settings) as session:
            mine = Subscription.tenant_id == person.tenant_id
            subscription_id = session.scalars(select(Subscription.stripe_subscription_id).where(mine)).one()
        at_stripe(portal, f"subscriptions/{subscription_id}", trial_end="now")
        portal.await_quiet()
        ada.page.goto(portal.url)
        expect(ada.page.locator("#banner a[href='/payment-methods']")).to_be_visible()
        add_card(ada, "4242 4242 4242 4242")
        portal.await_quiet()
        ada.page.goto(portal.url)
        ada.page.locator("#banner form[action='/subscription/resume'] button").click()
        portal.await_quiet()
        ada.page.goto(portal.url)
        expect(ada.page.locator("form[action='/subscription/resume']")).to_have_count(0)
        expect(ada.page.locator("a[href='/subscription/cancel']")).to_be_visible()
