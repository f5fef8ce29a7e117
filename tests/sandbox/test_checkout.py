"""Checkout: the session's life by the API and by the hosted page, as a browser without scripts sees it."""

import html
import re
from typing import Any

import pytest
import requests
import stripe

from .conftest import Sandbox
from .support import customer_with_card, open_session, paid_session, product_with_price
from .timing import at, clock_at

FORM = {"email": "payer@example.com", "number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}


@pytest.fixture(scope="module")
def price(shared: Sandbox) -> str:
    return product_with_price(shared)[1].id


def press(session: stripe.checkout.Session, language: str = "en", **fields: str) -> requests.Response:
    assert session.url is not None
    return requests.post(
        session.url,
        data={**FORM, **fields},
        headers={"Accept-Language": language},
        allow_redirects=False,
        timeout=10,
    )


def text_of(answer: requests.Response) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", answer.text))


def test_the_main_job(shared: Sandbox, price: str) -> None:
    customer = shared.client.v1.customers.create({"email": "owner@example.com"})
    session = open_session(
        shared,
        price,
        customer=customer.id,
        client_reference_id="tenant-1",
        metadata={"tenant": "1"},
        subscription_data={"metadata": {"plan": "starter"}},
    )
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 2900)
    assert session.url == f"{shared.url}/c/pay/{session.id}"
    shown = requests.get(session.url, timeout=10)
    assert "Subscribe to Starter" in text_of(shown)
    assert "owner@example.com" in shown.text
    assert 'href="http://127.0.0.1:9/plans"' in shown.text
    landed = press(session)
    assert landed.status_code == 303
    assert landed.headers["Location"] == f"http://127.0.0.1:9/back?session={session.id}"
    done = shared.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription", "invoice"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    subscription: Any = done.subscription
    assert subscription.status == "active"
    assert subscription.metadata.to_dict() == {"plan": "starter"}
    assert subscription.billing_mode.type == "flexible"
    item = subscription["items"].data[0]
    assert 27 * 86400 < item.current_period_end - item.current_period_start < 32 * 86400
    invoice: Any = done.invoice
    assert (invoice.status, invoice.amount_paid, invoice.amount_remaining) == ("paid", 2900, 0)
    assert invoice.number.endswith("-0001")
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert invoice.billing_reason == "subscription_create"
    assert invoice.status_transitions.paid_at
    page = requests.get(invoice.hosted_invoice_url, timeout=10)
    assert invoice.number in page.text
    assert "Paid" in text_of(page)


def test_pressing_twice_pays_once(shared: Sandbox, price: str) -> None:
    customer = shared.client.v1.customers.create({"email": "twice@example.com"})
    session = open_session(shared, price, customer=customer.id)
    assert press(session).headers["Location"] == press(session).headers["Location"]
    assert len(shared.client.v1.charges.list({"customer": customer.id}).data) == 1
    assert len(shared.client.v1.subscriptions.list({"customer": customer.id}).data) == 1
    again = requests.get(str(session.url), allow_redirects=False, timeout=10)
    assert again.status_code == 303


@pytest.mark.parametrize(
    ("card", "sentence", "code"),
    [
        ("4000000000000002", "Your card was declined.", "card_declined"),
        ("4000000000009995", "insufficient funds", "card_declined"),
        ("4000000000000069", "Your card has expired.", "expired_card"),
        ("4000000000000127", "security code is incorrect", "incorrect_cvc"),
        ("4000000000000119", "error occurred while processing", "processing_error"),
        ("4000000000000341", "Your card was declined.", "card_declined"),
    ],
)
def test_a_refused_card_leaves_the_session_open_and_another_card_pays(
    shared: Sandbox, price: str, card: str, sentence: str, code: str
) -> None:
    customer = shared.client.v1.customers.create({"email": "refused@example.com"})
    session = open_session(shared, price, customer=customer.id)
    refused = press(session, number=card)
    assert refused.status_code == 402
    assert sentence in text_of(refused)
    assert 'role="alert"' in refused.text
    assert shared.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert shared.client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert press(session).status_code == 303
    intents = shared.client.v1.payment_intents.list({"customer": customer.id}).data
    assert [intent.status for intent in intents] == ["succeeded"]
    charges = shared.client.v1.charges.list({"payment_intent": intents[0].id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]
    assert charges[1].failure_code == code


def test_three_d_secure_complete_and_fail(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price, customer_email="secure@example.com")
    asked = press(session, number="4000 0027 6000 3184")
    bank = shared.url + asked.headers["Location"]
    assert bank.endswith("/authenticate")
    assert "3-D Secure" in requests.get(bank, timeout=10).text
    failed = requests.post(bank, data={"result": "fail"}, timeout=10)
    assert "unable to authenticate" in text_of(failed)
    assert shared.client.v1.checkout.sessions.retrieve(session.id).status == "open"
    press(session, number="4000 0027 6000 3184")
    landed = requests.post(bank, data={"result": "complete"}, allow_redirects=False, timeout=10)
    assert landed.headers["Location"].endswith(session.id)
    done = shared.client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["invoice.payments.data.payment.payment_intent"]}
    )
    invoice: Any = done.invoice
    charge = shared.client.v1.charges.retrieve(invoice.payments.data[0].payment.payment_intent.latest_charge)
    assert charge.payment_method_details.card.three_d_secure.result == "authenticated"
    again = requests.get(bank, allow_redirects=False, timeout=10)
    assert again.status_code == 303


def test_three_d_secure_then_no_funds(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    press(session, number="4000008260003178")
    refused = requests.post(f"{session.url}/authenticate", data={"result": "complete"}, timeout=10)
    assert refused.status_code == 402
    assert "insufficient funds" in text_of(refused)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"number": "4242 4242 4242 4241"}, "number"),
        ({"number": ""}, "number"),
        ({"expiry": "12 / 20"}, "expiry"),
        ({"expiry": "13/34"}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"cvc": "12"}, "cvc"),
        ({"email": "nobody"}, "email"),
        ({"email": ""}, "email"),
    ],
)
def test_wrong_fields_are_told_beside_them(shared: Sandbox, price: str, fields: dict[str, str], field: str) -> None:
    session = open_session(shared, price)
    answer = press(session, **fields)
    assert answer.status_code in (402, 422)
    assert f'aria-describedby="{field}-problem"' in answer.text
    assert shared.client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_card_that_is_no_test_card_is_refused(shared: Sandbox, price: str) -> None:
    answer = press(open_session(shared, price), number="4111 1111 1111 1111")
    assert answer.status_code == 402
    assert "test cards only" in text_of(answer)


def test_the_helper_fills_in_a_card_and_keeps_what_was_typed(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    filled = press(session, fill="4000000000000002", number="", email="kept@example.com")
    assert filled.status_code == 200
    assert 'value="4000 0000 0000 0002"' in filled.text
    assert 'value="kept@example.com"' in filled.text


def test_an_expired_session_says_so_and_leads_back(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    expired = shared.client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    for answer in (requests.get(str(session.url), timeout=10), press(session)):
        assert answer.status_code == 410
        assert "has expired" in answer.text
        assert 'href="http://127.0.0.1:9/plans"' in answer.text
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        shared.client.v1.checkout.sessions.expire(session.id)
    shared.control(f"checkout/{session.id}/pay", {"card": FORM["number"]}, status=400)
    shared.control("checkout/cs_none/pay", {"card": FORM["number"]}, status=404)


def test_sessions_expire_by_the_clock(sandbox: Sandbox) -> None:
    _, price = product_with_price(sandbox)
    now = sandbox.look("health")["now"]
    short = open_session(sandbox, price.id, expires_at=now + 1800)
    long = open_session(sandbox, price.id)
    sandbox.control("clock", {"advance_seconds": 1801})
    assert sandbox.client.v1.checkout.sessions.retrieve(short.id).status == "expired"
    assert sandbox.client.v1.checkout.sessions.retrieve(long.id).status == "open"
    events = sandbox.client.v1.events.list({"type": "checkout.session.expired"}).data
    assert [event.data.object["id"] for event in events] == [short.id]
    sandbox.control("clock", {"advance_seconds": -1}, status=400)


@pytest.mark.parametrize(
    ("language", "locale", "words"),
    [
        ("en-GB", "auto", "Total due today"),
        ("es-MX,en;q=0.5", None, "Total a pagar hoy"),
        ("pt", "auto", "Total a pagar hoje"),
        ("en", "pt-BR", "Pagar US$ 29,00"),
        ("en", "es", "Pagar 29,00 US$"),
        ("ja", "auto", "Pay $29.00"),
        ("es", "fr", "Pay $29.00"),
    ],
)
def test_languages(shared: Sandbox, price: str, language: str, locale: str | None, words: str) -> None:
    session = open_session(shared, price, **({"locale": locale} if locale else {}))
    answer = requests.get(str(session.url), headers={"Accept-Language": language}, timeout=10)
    assert words in text_of(answer)


def test_a_trial_costs_nothing_today(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price, subscription_data={"trial_period_days": 14})
    assert session.amount_total == 0
    assert "14 days free, then $29.00 per month" in text_of(requests.get(str(session.url), timeout=10))
    assert press(session).status_code == 303
    done = shared.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice"]})
    subscription: Any = done.subscription
    assert (done.payment_status, subscription.status) == ("no_payment_required", "trialing")
    assert subscription.trial_end - subscription.trial_start == 14 * 86400
    assert subscription["items"].data[0].current_period_end == subscription.trial_end
    assert (subscription.latest_invoice.status, subscription.latest_invoice.total) == ("paid", 0)
    assert subscription.default_payment_method
    assert shared.client.v1.setup_intents.list({"customer": done.customer}).data[0].status == "succeeded"


@pytest.mark.parametrize("year", [2020, 2050])
def test_the_page_counts_a_trial_from_the_time_of_the_customer(shared: Sandbox, price: str, year: int) -> None:
    clock = clock_at(shared, at(year, 1, 31))
    customer = shared.client.v1.customers.create({"email": "trial@example.com", "test_clock": clock.id})
    session = open_session(shared, price, customer=customer.id, subscription_data={"trial_period_days": 14})
    assert f"Feb 14, {year}" in text_of(requests.get(str(session.url), timeout=10))


def test_a_trial_checks_the_card_too(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price, subscription_data={"trial_period_days": 7})
    assert press(session, number="4000000000000002").status_code == 402
    asked = press(session, number="4000002500003155")
    bank = shared.url + asked.headers["Location"]
    assert "unable to authenticate" in text_of(requests.post(bank, data={"result": "fail"}, timeout=10))
    press(session, number="4000002500003155")
    landed = requests.post(bank, data={"result": "complete"}, allow_redirects=False, timeout=10)
    assert landed.headers["Location"].endswith(session.id)


def test_the_free_plan_needs_no_card(shared: Sandbox) -> None:
    _, free = product_with_price(shared, 0)
    session = open_session(shared, free.id, payment_method_collection="if_required")
    shown = requests.get(str(session.url), timeout=10).text
    assert 'name="number"' not in shown
    assert press(session, number="").status_code == 303
    done: Any = shared.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert (done.payment_status, done.subscription.status) == ("no_payment_required", "active")


def test_a_session_without_a_customer_makes_one(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price, billing_address_collection="required")
    press(session, name="Ada Lovelace", line1="12 St James Square", city="London", country="gb", postal_code="SW1Y 4JH")
    done: Any = shared.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert (done.customer.email, done.customer.name) == ("payer@example.com", "Ada Lovelace")
    assert done.customer.address.country == "GB"
    assert done.customer_details.email == "payer@example.com"


def test_customer_update_auto_takes_the_payers_name(shared: Sandbox, price: str) -> None:
    customer = shared.client.v1.customers.create({"email": "auto@example.com"})
    session = open_session(shared, price, customer=customer.id, customer_update={"name": "auto"})
    press(session, name="New Name")
    assert shared.client.v1.customers.retrieve(customer.id).name == "New Name"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"mode": "payment"}, "line_items"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"expires_at": 5}, "expires_at"),
        ({"expires_at": 99999999999}, "expires_at"),
        ({"customer": "cus_none"}, "customer"),
        ({"subscription_data": {"trial_period_days": 9999}}, "subscription_data[trial_period_days]"),
        ({"customer_update": {"name": "auto"}}, "customer_update"),
    ],
)
def test_sessions_that_stripe_would_refuse(shared: Sandbox, price: str, change: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        open_session(shared, price, **change)
    assert caught.value.param == param


def test_prices_that_cannot_be_subscribed_to(shared: Sandbox, price: str) -> None:
    product = shared.client.v1.products.create({"name": "Once"})
    once = shared.client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 100})
    _, archived = product_with_price(shared)
    shared.client.v1.prices.update(archived.id, {"active": False})
    for wrong in (once.id, archived.id):
        with pytest.raises(stripe.InvalidRequestError):
            open_session(shared, wrong)
    customer, _ = customer_with_card(shared)
    with pytest.raises(stripe.InvalidRequestError, match="customer_email"):
        open_session(shared, price, customer=customer.id, customer_email="both@example.com")


def test_line_items_and_inline_prices(shared: Sandbox) -> None:
    product = shared.client.v1.products.create({"name": "Inline"})
    session = shared.client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [
                {
                    "price_data": {
                        "product": product.id,
                        "currency": "eur",
                        "unit_amount": 500,
                        "recurring": {"interval": "year"},
                    },
                    "quantity": 3,
                }
            ],
            "success_url": "http://127.0.0.1:9/",
        }
    )
    items = shared.client.v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.amount_total, item.quantity, item.currency) for item in items] == [(1500, 3, "eur")]


def test_a_foreign_site_cannot_press_the_button(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    answer = requests.post(str(session.url), data=FORM, headers={"Origin": "http://evil.example"}, timeout=10)
    assert answer.status_code == 403
    assert shared.client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_pages_are_strict_about_scripts(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    answer = requests.get(str(session.url), timeout=10)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:9" in policy
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    for path in ("/", "/mailbox", "/static/sandbox.css"):
        assert requests.get(shared.url + path, timeout=10).status_code == 200
    for path in ("/nothing", "/c/pay/cs_none", "/invoice/in_none", "/authenticate/pi_none", "/mailbox/mail_none"):
        assert requests.get(shared.url + path, timeout=10).status_code == 404


def test_the_control_api_pays_as_the_page_does(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    done = shared.control(f"checkout/{session.id}/pay", {"card": "4000002760003184", "three_d_secure": "complete"})
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    other = open_session(shared, price)
    refused = shared.control(f"checkout/{other.id}/pay", {"card": "4000000000000002"}, status=402)
    assert refused["error"]["decline_code"] == "generic_decline"
    shared.control(f"checkout/{other.id}/expire")
    assert paid_session(shared, price)["status"] == "complete"
