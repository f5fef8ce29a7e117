"""Paying on the Checkout page: saved methods, bank debits, PayPal, every test card; and what expiry leaves."""

from typing import Any

import pytest
import requests
import stripe

from .conftest import Sandbox
from .shopping import event_types, opened, press, priced, read, send, session_for, settle, text_of
from .support import customer_with_card
from .timing import DAY, advance, clock_at

BANK = {"method": "us_bank_account", "routing": "110000000", "name": "Jenny Sandbox"}
NO_FUNDS = "000222222227"
GOOD = "000123456789"


def redisplayed(sandbox: Sandbox, wanted: Any = "always") -> tuple[str, str]:
    customer, method = customer_with_card(sandbox)
    sandbox.client.v1.payment_methods.update(method, {"allow_redisplay": wanted})
    return customer.id, method


def test_a_returning_customer_pays_with_what_was_saved(shared: Sandbox) -> None:
    customer, method = redisplayed(shared)
    hidden = shared.client.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer}).id
    session = session_for(shared, "subscription", priced(shared), customer=customer)
    shown = opened(session)
    assert "Visa ending in 4242" in text_of(shown)
    assert hidden not in shown.text
    assert "Mastercard" not in text_of(shown)
    assert send(session, method=hidden).status_code == 422
    assert send(session, method=method).status_code == 303
    done = read(shared, session.id, "subscription")
    assert done.subscription.default_payment_method == method
    assert len(shared.client.v1.payment_methods.list({"customer": customer}).data) == 2


def test_which_saved_methods_are_shown_is_the_shops_choice(shared: Sandbox) -> None:
    customer, method = redisplayed(shared, wanted="limited")
    price = priced(shared)
    assert method not in opened(session_for(shared, "subscription", price, customer=customer)).text
    filters: Any = {"allow_redisplay_filters": ["always", "limited"]}
    session = session_for(shared, "subscription", price, customer=customer, saved_payment_method_options=filters)
    assert method in opened(session).text
    with pytest.raises(stripe.InvalidRequestError, match="payment_method_remove"):
        session_for(shared, "subscription", price, saved_payment_method_options={"payment_method_remove": "enabled"})


def test_a_payer_removes_a_saved_card_where_he_may(shared: Sandbox) -> None:
    customer, method = redisplayed(shared)
    price = priced(shared)
    kept = session_for(shared, "subscription", price, customer=customer)
    assert "Remove" not in text_of(opened(kept))
    assert send(kept, f"/methods/{method}/remove").status_code == 422
    options: Any = {"payment_method_remove": "enabled"}
    session = session_for(shared, "subscription", price, customer=customer, saved_payment_method_options=options)
    assert "Remove Visa ending in 4242" in opened(session).text
    for _ in range(2):
        assert send(session, f"/methods/{method}/remove").status_code == 303
    assert shared.client.v1.payment_methods.retrieve(method).customer is None
    assert method not in opened(session).text


@pytest.mark.parametrize(("saves", "redisplay"), [(True, ["always"]), (False, [])])
def test_a_payer_wants_his_card_kept(shared: Sandbox, saves: bool, redisplay: list[str]) -> None:
    customer = shared.client.v1.customers.create({"email": "keep@example.com"})
    options: Any = {"payment_method_save": "enabled"}
    session = session_for(
        shared, "payment", priced(shared, recurring=False), customer=customer.id, saved_payment_method_options=options
    )
    assert "Save my payment details" in text_of(opened(session))
    assert press(session, **({"save": "1"} if saves else {})).status_code == 303
    kept = shared.client.v1.payment_methods.list({"customer": customer.id}).data
    assert [method.allow_redisplay for method in kept] == redisplay


@pytest.mark.parametrize("mode", ["payment", "subscription"])
@pytest.mark.parametrize(("account", "good"), [(GOOD, True), (NO_FUNDS, False)])
def test_a_bank_debit_takes_days(shared: Sandbox, mode: str, account: str, good: bool) -> None:
    clock = clock_at(shared)
    customer = shared.client.v1.customers.create({"email": "debit@example.com", "test_clock": clock.id})
    price = priced(shared, recurring=mode == "subscription")
    session = session_for(shared, mode, price, customer=customer.id)
    assert session.payment_method_types == ["card", "us_bank_account", "paypal"]
    assert "US bank account" in text_of(opened(session))
    assert press(session, **BANK, account=account).status_code == 303
    waiting = read(shared, session.id, "subscription.latest_invoice")
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    if mode == "subscription":
        assert (waiting.subscription.status, waiting.subscription.latest_invoice.status) == ("active", "open")
    advance(shared, clock.id, clock.frozen_time + 7 * DAY)
    done = read(shared, session.id, "subscription.latest_invoice")
    assert done.payment_status == ("paid" if good else "unpaid")
    assert event_types(shared, session.id) == [
        "checkout.session.completed",
        f"checkout.session.async_payment_{'succeeded' if good else 'failed'}",
    ]
    if mode == "subscription":
        assert done.subscription.status == ("active" if good else "past_due")
        assert done.subscription.latest_invoice.status == ("paid" if good else "open")


def test_a_debit_in_euros_and_wrong_accounts(shared: Sandbox) -> None:
    session = session_for(shared, "payment", priced(shared, currency="eur", recurring=False))
    assert session.payment_method_types == ["card", "sepa_debit", "paypal"]
    for iban in ("DE00370400440532013000", "GB82WEST12345698765432"):
        refused = press(session, method="sepa_debit", iban=iban, name="Jenny")
        assert 'aria-describedby="iban-problem"' in refused.text
    assert 'aria-describedby="name-problem"' in press(session, method="sepa_debit", iban="DE89370400440532013000").text
    assert press(session, method="sepa_debit", iban="DE89 3704 0044 0532 0130 00", name="Jenny").status_code == 303
    dollars = session_for(shared, "payment", priced(shared, recurring=False))
    for wrong in ({"routing": "110000001"}, {"account": "1"}):
        field = next(iter(wrong))
        refused = press(dollars, **{**BANK, "account": GOOD, **wrong})
        assert f'aria-describedby="{field}-problem"' in refused.text
    assert "sepa_debit" not in opened(dollars).text
    assert press(dollars, method="sepa_debit", iban="DE89370400440532013000", name="J").status_code == 422


@pytest.mark.parametrize("mode", ["payment", "subscription", "setup"])
def test_paypal_leads_to_a_page_of_its_own(shared: Sandbox, mode: str) -> None:
    prices = [] if mode == "setup" else [priced(shared, recurring=mode == "subscription")]
    session = session_for(shared, mode, *prices, **({"customer_creation": "always"} if mode == "setup" else {}))
    asked = press(session, method="paypal")
    page = shared.url + asked.headers["Location"]
    assert "PayPal" in text_of(requests.get(page, timeout=10))
    refused = requests.post(page, data={"result": "fail"}, timeout=10)
    assert "You did not approve the payment at PayPal" in text_of(refused)
    assert read(shared, session.id).status == "open"
    press(session, method="paypal")
    landed = requests.post(page, data={"result": "complete"}, allow_redirects=False, timeout=10)
    assert landed.headers["Location"].endswith(session.id)
    done = read(shared, session.id)
    assert done.status == "complete"
    if mode == "payment":
        intent = shared.client.v1.payment_intents.retrieve(done.payment_intent, {"expand": ["payment_method"]})
        assert (intent.status, intent.payment_method.type) == ("succeeded", "paypal")  # type: ignore[union-attr]
        return
    kept = shared.client.v1.payment_methods.list({"customer": done.customer}).data[0]
    assert kept.paypal is not None
    assert kept.paypal.payer_email == "payer@example.com"


def test_the_shop_says_which_methods(shared: Sandbox) -> None:
    price = priced(shared, recurring=False)
    only = session_for(shared, "payment", price, allowed_payment_method_types=["card"])
    page = opened(only)
    assert (only.payment_method_types, 'type="radio"' in page.text) == (["card"], False)
    assert "PayPal" not in text_of(page)
    less = session_for(shared, "payment", price, excluded_payment_method_types=["paypal"])
    assert less.payment_method_types == ["card", "us_bank_account"]
    assert press(less, method="paypal").status_code == 422
    with pytest.raises(stripe.InvalidRequestError, match="does not model"):
        session_for(shared, "payment", price, allowed_payment_method_types=["klarna"])


@pytest.mark.parametrize(
    ("card", "asks", "end"),
    [
        ("4000 0025 0000 3155", True, "complete"),
        ("4000 0027 6000 3184", True, "complete"),
        ("4000 0038 0000 0446", True, "complete"),
        ("4000 0082 6000 3178", True, "open"),
        ("4000 0000 0000 0259", False, "complete"),
        ("4000 0000 0000 9987", False, "open"),
        ("4000 0000 0000 9979", False, "open"),
        ("3782 822463 10005", False, "complete"),
        ("5555 5555 5555 4444", False, "complete"),
    ],
)
def test_the_other_test_cards(shared: Sandbox, card: str, asks: bool, end: str) -> None:
    session = session_for(shared, "payment", priced(shared, recurring=False))
    answer = press(session, number=card, cvc="1234" if card.startswith("37") else "123")
    assert answer.headers.get("Location", "").endswith("/authenticate") == asks
    if asks:
        answer = requests.post(
            f"{session.url}/authenticate", data={"result": "complete"}, allow_redirects=False, timeout=10
        )
    assert answer.status_code == (303 if end == "complete" else 402)
    assert read(shared, session.id).status == end


def test_a_renewal_after_the_first_authentication_asks_no_more(shared: Sandbox) -> None:
    clock = clock_at(shared)
    customer = shared.client.v1.customers.create({"email": "once@example.com", "test_clock": clock.id})
    session = session_for(shared, "subscription", priced(shared), customer=customer.id)
    settle(shared, session.id, card="4000002500003155", three_d_secure="complete")
    advance(shared, clock.id, clock.frozen_time + 32 * DAY)
    invoices = shared.client.v1.invoices.list({"customer": customer.id}).data
    assert [invoice.status for invoice in invoices] == ["paid", "paid"]


def test_a_code_between_two_tries_makes_a_new_intent(shared: Sandbox) -> None:
    v1 = shared.client.v1
    code = v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": v1.coupons.create({"percent_off": 50}).id}}
    )
    customer = v1.customers.create({"email": "twice@example.com"})
    session = session_for(
        shared, "payment", priced(shared, 2000, recurring=False), customer=customer.id, allow_promotion_codes=True
    )
    assert press(session, number="4000 0000 0000 0002").status_code == 402
    send(session, "/code", code=code.code)
    assert press(session).status_code == 303
    intents = v1.payment_intents.list({"customer": customer.id}).data
    assert [(intent.status, intent.amount) for intent in intents] == [("succeeded", 1000), ("canceled", 2000)]


def test_an_expired_session_leaves_nothing_to_pay_and_can_be_recovered(sandbox: Sandbox) -> None:
    recovery: Any = {"recovery": {"enabled": True, "allow_promotion_codes": True}}
    items: Any = [
        {"price_data": {"currency": "usd", "unit_amount": 700, "product_data": {"name": "Cup"}}, "quantity": 2}
    ]
    session = session_for(sandbox, "payment", line_items=items, after_expiration=recovery, metadata={"a": "b"})
    press(session, number="4000 0000 0000 0002")
    expired = sandbox.client.v1.checkout.sessions.expire(session.id)
    assert sandbox.client.v1.payment_intents.list().data[0].status == "canceled"
    offered: Any = expired.after_expiration.recovery  # type: ignore[union-attr]
    assert offered.expires_at - sandbox.look("health")["now"] > 29 * DAY
    assert "Start again" in text_of(opened(session))
    recovered = requests.get(offered.url, allow_redirects=False, timeout=10).headers["Location"]
    again = sandbox.client.v1.checkout.sessions.list({"status": "open"}).data[0]
    assert (again.url, again.recovered_from, again.amount_total) == (recovered, session.id, 1400)
    assert (again.allow_promotion_codes, again.metadata.to_dict()) == (True, {"a": "b"})  # type: ignore[union-attr]
    sandbox.control("clock", {"advance_seconds": 31 * DAY})
    assert requests.get(offered.url, timeout=10).status_code == 404
