"""What the tests of money movements need: payments by many methods, clocks, the events of one object."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox, wait_for

BACK = "http://127.0.0.1:9/back"
ACCEPTED: Any = {"customer_acceptance": {"type": "offline"}}
DAY = 86400
# Monday, 1 June 2026, noon.
MONDAY = 1780315200


def pay(sandbox: Sandbox, method: str = "pm_card_visa", amount: int = 1000, **more: Any) -> stripe.PaymentIntent:
    """A confirmed payment intent; bank debits come with a mandate."""
    debit = method.startswith(("pm_us", "pm_sepa", "pm_success", "pm_failed"))
    params: Any = {
        "amount": amount,
        "currency": "eur" if "sepa" in method else "usd",
        "payment_method": method,
        "confirm": True,
        "return_url": BACK,
        **({"mandate_data": ACCEPTED} if debit else {}),
        **more,
    }
    return sandbox.client.v1.payment_intents.create(params)


def clocked_customer(sandbox: Sandbox, at: int = MONDAY) -> tuple[stripe.test_helpers.TestClock, stripe.Customer]:
    clock = sandbox.client.v1.test_helpers.test_clocks.create({"frozen_time": at})
    return clock, sandbox.client.v1.customers.create({"test_clock": clock.id, "email": "payer@example.com"})


def advance(sandbox: Sandbox, clock: stripe.test_helpers.TestClock, to: int) -> None:
    clocks = sandbox.client.v1.test_helpers.test_clocks
    clocks.advance(clock.id, {"frozen_time": to})
    wait_for(lambda: clocks.retrieve(clock.id).status == "ready")


def told(sandbox: Sandbox, object_id: str) -> list[str]:
    """The types of the last events about an object, oldest first."""
    found = sandbox.raw("GET", "/v1/events?limit=100").json()["data"]
    return [event["type"] for event in found if event["data"]["object"].get("id") == object_id][::-1]


def refusal(error: stripe.StripeError) -> Any:
    """The error as it came over the wire."""
    body: Any = error.json_body
    return body["error"]


def charge_of(sandbox: Sandbox, intent: stripe.PaymentIntent) -> stripe.Charge:
    return sandbox.client.v1.charges.retrieve(str(intent.latest_charge))


def tour(sandbox: Sandbox) -> None:
    """Every call about money movements once."""
    _payments(sandbox)
    _setups(sandbox)
    _payouts(sandbox)
    _disputes(sandbox)
    _credit_notes(sandbox)
    _portal(sandbox)


def _payments(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    intent = v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    v1.payment_intents.update(intent.id, {"amount": 2000})
    held: Any = {"payment_method": "pm_card_visa", "return_url": BACK, "capture_method": "manual"}
    charge_id = str(v1.payment_intents.confirm(intent.id, held).latest_charge)
    with pytest.raises(stripe.InvalidRequestError):
        v1.charges.capture(charge_id)
    v1.payment_intents.capture(intent.id)
    v1.payment_intents.cancel(v1.payment_intents.create({"amount": 1000, "currency": "usd"}).id)
    charge = v1.charges.update(charge_id, {"description": "tour"})
    v1.balance.retrieve()
    v1.balance_transactions.list({"source": charge_id})
    v1.balance_transactions.retrieve(str(charge.balance_transaction), {"expand": ["source"]})
    refund = v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError):
        v1.refunds.cancel(refund.id)


def _setups(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    intent = v1.setup_intents.create({})
    v1.setup_intents.update(intent.id, {"description": "tour"})
    debit: Any = {"payment_method": "pm_usBankAccount_success", "mandate_data": ACCEPTED, "return_url": BACK}
    saved = v1.setup_intents.confirm(intent.id, debit)
    v1.mandates.retrieve(str(saved.mandate))
    v1.setup_attempts.list({"setup_intent": intent.id})
    v1.setup_intents.cancel(v1.setup_intents.create({}).id)


def _payouts(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    pay(sandbox, "pm_card_bypassPending")
    payout = v1.payouts.create({"amount": 100, "currency": "usd"})
    v1.payouts.update(payout.id, {"metadata": {"a": "b"}})
    v1.payouts.retrieve(payout.id, {"expand": ["balance_transaction"]})
    v1.payouts.list()
    v1.payouts.cancel(payout.id)


def _disputes(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    intent = pay(sandbox, "pm_card_createDispute")
    dispute = v1.disputes.list({"payment_intent": intent.id}).data[0]
    v1.disputes.retrieve(dispute.id, {"expand": ["charge"]})
    v1.disputes.update(dispute.id, {"metadata": {"a": "b"}})
    v1.disputes.close(dispute.id)


def billed(sandbox: Sandbox, customer: str, *amounts: int, **more: Any) -> stripe.Invoice:
    """An open invoice with a line per amount, in dollars unless told otherwise."""
    v1 = sandbox.client.v1
    invoice = v1.invoices.create({"customer": customer, **more})
    for number, amount in enumerate(amounts, 1):
        item: Any = {"customer": customer, "invoice": invoice.id, "amount": amount, "currency": invoice.currency}
        v1.invoice_items.create({**item, "description": f"Thing {number}"})
    return v1.invoices.finalize_invoice(invoice.id)


def _credit_notes(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    invoice = billed(sandbox, v1.customers.create({}).id, 1000)
    params: Any = {"invoice": invoice.id, "amount": 300}
    v1.credit_notes.preview(params)
    v1.credit_notes.preview_lines.list(params)
    note = v1.credit_notes.create(params)
    v1.credit_notes.retrieve(note.id, {"expand": ["invoice"]})
    v1.credit_notes.line_items.list(note.id)
    v1.credit_notes.update(note.id, {"memo": "sorry"})
    v1.credit_notes.list({"invoice": invoice.id})
    v1.credit_notes.void_credit_note(note.id)


def _portal(sandbox: Sandbox) -> None:
    v1 = sandbox.client.v1
    v1.billing_portal.sessions.create({"customer": v1.customers.create({}).id}, {})
    api = v1.billing_portal.configurations
    made = api.create({"features": {"invoice_history": {"enabled": True}}})
    api.update(made.id, {"name": "tour"})
    api.retrieve(made.id, {"expand": ["features.subscription_update.products"]})
    api.list()
