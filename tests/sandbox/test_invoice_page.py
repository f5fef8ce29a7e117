"""The hosted page of an invoice: what it shows, and paying on it."""

from typing import Any

import pytest
import requests

from .conftest import Sandbox
from .shopping import priced, text_of
from .support import customer_with_card
from .timing import DAY, advance, at, clock_at

CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}


def open_invoice(sandbox: Sandbox, customer: str, **more: Any) -> Any:
    """A finalized invoice over $29.00 of a subscription that nobody has paid yet."""
    subscription = sandbox.client.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": priced(sandbox)}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice"],
            **more,
        }
    )
    return subscription.latest_invoice


def page(invoice: Any) -> requests.Response:
    return requests.get(invoice.hosted_invoice_url, timeout=10)


def press(invoice: Any, **fields: str) -> requests.Response:
    return requests.post(invoice.hosted_invoice_url, data=fields, allow_redirects=False, timeout=10)


def status_of(sandbox: Sandbox, invoice: Any) -> str | None:
    return sandbox.client.v1.invoices.retrieve(invoice.id).status


def test_a_payer_without_anything_saved(shared: Sandbox) -> None:
    customer = shared.client.v1.customers.create({"email": "inv@example.com", "name": "Ada Lovelace"})
    invoice = open_invoice(shared, customer.id)
    shown = text_of(page(invoice))
    for words in (f"Invoice {invoice.number}", "Open", "Ada Lovelace inv@example.com", "Pay $29.00", "1 × $29.00"):
        assert words in shown
    refused = press(invoice, **{**CARD, "number": "4000000000000002"})
    assert refused.status_code == 402
    assert "Your card was declined." in text_of(refused)
    assert press(invoice, number="").status_code == 422
    assert press(invoice, **CARD).headers["Location"] == f"/invoice/{invoice.id}"
    assert status_of(shared, invoice) == "paid"
    done = page(invoice)
    assert "Paid with Visa ending in 4242" in text_of(done)
    assert "<form" not in done.text
    assert press(invoice, **CARD).status_code == 422
    parent: Any = shared.client.v1.invoices.retrieve(invoice.id).parent
    subscription = shared.client.v1.subscriptions.retrieve(parent.subscription_details.subscription)
    assert subscription.status == "active"
    kept = shared.client.v1.payment_methods.list({"customer": customer.id}).data
    assert [method.type for method in kept] == ["card"]


def test_a_saved_card_and_one_of_somebody_else(shared: Sandbox) -> None:
    customer, method = customer_with_card(shared)
    _, foreign = customer_with_card(shared)
    invoice = open_invoice(shared, customer.id)
    assert "Visa ending in 4242" in text_of(page(invoice))
    assert press(invoice, method=foreign).status_code == 422
    assert press(invoice, method=method).status_code == 303
    assert status_of(shared, invoice) == "paid"


@pytest.mark.parametrize(
    ("fields", "words"),
    [({**CARD, "number": "4000002760003184"}, "3-D Secure"), ({"method": "paypal"}, "PayPal")],
)
def test_the_payer_is_asked_elsewhere_and_comes_back(shared: Sandbox, fields: dict[str, str], words: str) -> None:
    customer = shared.client.v1.customers.create({"email": "inv@example.com"})
    invoice = open_invoice(shared, customer.id)
    for result, ends in (("fail", "open"), ("complete", "paid")):
        asked = press(invoice, **fields)
        target = shared.url + asked.headers["Location"]
        assert words in text_of(requests.get(target, timeout=10))
        back = requests.post(target, data={"result": result}, allow_redirects=False, timeout=10)
        assert back.headers["Location"] == f"/invoice/{invoice.id}"
        assert status_of(shared, invoice) == ends


def test_a_debit_is_processing_until_the_bank_has_answered(shared: Sandbox) -> None:
    clock = clock_at(shared)
    customer = shared.client.v1.customers.create({"email": "inv@example.com", "test_clock": clock.id})
    invoice = open_invoice(shared, customer.id)
    fields = {"method": "us_bank_account", "routing": "110000000", "account": "000123456789", "name": "Jenny"}
    assert press(invoice, **fields).status_code == 303
    waiting = page(invoice)
    assert "Processing" in text_of(waiting)
    assert "<form" not in waiting.text
    assert press(invoice, **CARD).status_code == 422
    advance(shared, clock.id, clock.frozen_time + 7 * DAY)
    assert "Paid" in text_of(page(invoice))


def test_what_reduces_and_what_adds(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({"email": "inv@example.com", "balance": -500})
    coupon = v1.coupons.create({"percent_off": 10, "name": "Autumn"})
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 21, "inclusive": False})
    invoice = open_invoice(shared, customer.id, discounts=[{"coupon": coupon.id}], default_tax_rates=[rate.id])
    shown = text_of(page(invoice))
    for words in (
        "Subtotal $29.00", "Autumn (10% off) −$2.90", "VAT (21%) $5.48", "Total $31.58", "Credit applied −$5.00",
        "Amount due $26.58", "Pay $26.58",
    ):  # fmt: skip
        assert words in shown
    assert press(invoice, **CARD).status_code == 303
    assert "Amount paid −$26.58 Amount due $0.00" in text_of(page(invoice))


def test_void_uncollectible_overdue_and_draft(shared: Sandbox) -> None:
    v1 = shared.client.v1
    clock = clock_at(shared)
    customer = v1.customers.create({"email": "inv@example.com", "test_clock": clock.id})
    voided, lost = (open_invoice(shared, customer.id) for _ in range(2))
    v1.invoices.void_invoice(voided.id)
    assert "There is nothing to pay" in text_of(page(voided))
    assert "<form" not in page(voided).text
    v1.invoices.mark_uncollectible(lost.id)
    assert "You can still pay it" in text_of(page(lost))
    assert press(lost, **CARD).status_code == 303
    assert status_of(shared, lost) == "paid"
    v1.invoice_items.create({"customer": customer.id, "amount": 700, "currency": "usd", "description": "Help"})
    sent = v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 5,
         "pending_invoice_items_behavior": "include"}
    )  # fmt: skip
    assert requests.get(f"{shared.url}/invoice/{sent.id}", timeout=10).status_code == 404
    sent = v1.invoices.finalize_invoice(sent.id)
    assert "Due Jan 6, 2026" in text_of(page(sent))
    advance(shared, clock.id, clock.frozen_time + 6 * DAY)
    assert "Overdue" in text_of(page(sent))


@pytest.mark.parametrize("start", [at(2020, 11, 18), at(2050, 11, 18)])
def test_overdue_is_told_by_the_time_of_the_customer(shared: Sandbox, start: int) -> None:
    v1 = shared.client.v1
    clock = clock_at(shared, start)
    customer = v1.customers.create({"email": "inv@example.com", "test_clock": clock.id})
    v1.invoice_items.create({"customer": customer.id, "amount": 700, "currency": "usd"})
    sent = v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3,
         "pending_invoice_items_behavior": "include"}
    )  # fmt: skip
    invoice = v1.invoices.finalize_invoice(sent.id)
    assert "Overdue" not in text_of(page(invoice))
    assert "Open" in text_of(page(invoice))
    advance(shared, clock.id, start + 4 * DAY)
    assert "Overdue" in text_of(page(invoice))


def test_the_customers_language(shared: Sandbox) -> None:
    customer = shared.client.v1.customers.create({"email": "inv@example.com", "preferred_locales": ["es-MX"]})
    shown = text_of(page(open_invoice(shared, customer.id)))
    assert "Pagar 29,00 US$" in shown
