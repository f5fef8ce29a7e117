"""Invoices outside of a subscription's routine: made by hand, finalized, sent, written off, deleted."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .lives import Life
from .support import product_with_price
from .timing import DAY, START, advance, clock_at, clocked_customer, told

HOUR = 3600


def open_invoice(sandbox: Sandbox, method: str | None = "pm_card_visa", **more: Any) -> tuple[str, str, str]:
    """Clock, subscription and its first invoice, open and not tried yet."""
    _, price = product_with_price(sandbox)
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id, method)
    params: Any = {
        "customer": customer, "items": [{"price": price.id}], "payment_behavior": "default_incomplete", **more,
    }  # fmt: skip
    subscription = sandbox.client.v1.subscriptions.create(params)
    return clock.id, subscription.id, str(subscription.latest_invoice)


def test_a_draft_by_hand_waits_for_somebody(shared: Sandbox) -> None:
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id)
    invoices = shared.client.v1.invoices
    draft = invoices.create({"customer": customer, "description": "by hand", "metadata": {"a": "b"}})
    assert (draft.status, draft.auto_advance, draft.billing_reason) == ("draft", False, "manual")
    assert (draft.automatically_finalizes_at, draft.parent, draft.currency) == (None, None, "usd")
    changed = invoices.update(
        draft.id, {"description": "changed", "footer": "thanks", "number": "X-1", "auto_advance": True}
    )
    assert (changed.description, changed.footer, changed.automatically_finalizes_at) == (
        "changed",
        "thanks",
        START + HOUR,
    )
    advance(shared, clock.id, START + HOUR)
    done = invoices.retrieve(draft.id)
    assert (done.status, done.number, done.effective_at) == ("paid", "X-1", START + HOUR)
    with pytest.raises(stripe.InvalidRequestError, match="description") as caught:
        invoices.update(draft.id, {"description": "late"})
    assert caught.value.code == "invoice_not_editable"
    kept = invoices.update(draft.id, {"metadata": {"c": "d"}}).metadata
    assert (kept or {})["a"] + (kept or {})["c"] == "bd"


def test_drafts_by_hand_are_deleted_and_others_are_not(shared: Sandbox) -> None:
    invoices = shared.client.v1.invoices
    clock, subscription, first = open_invoice(shared)
    customer = invoices.retrieve(first).customer
    draft = invoices.create({"customer": str(customer)})
    assert invoices.delete(draft.id).to_dict() == {"id": draft.id, "object": "invoice", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        invoices.retrieve(draft.id)
    with pytest.raises(stripe.InvalidRequestError, match="draft"):
        invoices.delete(first)
    invoices.pay(first)
    advance(shared, clock, START + 31 * DAY)
    renewal = shared.client.v1.subscriptions.retrieve(subscription).latest_invoice
    with pytest.raises(stripe.InvalidRequestError, match="subscriptions"):
        invoices.delete(str(renewal))


def test_finalizing_by_hand(shared: Sandbox) -> None:
    clock, subscription, first = open_invoice(shared)
    invoices = shared.client.v1.invoices
    invoices.pay(first)
    renewal = START + 31 * DAY
    advance(shared, clock, renewal)
    draft = str(shared.client.v1.subscriptions.retrieve(subscription).latest_invoice)
    with pytest.raises(stripe.InvalidRequestError, match="already finalized"):
        invoices.finalize_invoice(first)
    done = invoices.finalize_invoice(draft)
    assert (done.status, done.next_payment_attempt, done.attempted) == ("open", renewal + HOUR, False)
    advance(shared, clock, renewal + HOUR)
    assert invoices.retrieve(draft).status == "paid"


def test_finalizing_without_automation(shared: Sandbox) -> None:
    clock, subscription, first = open_invoice(shared)
    invoices = shared.client.v1.invoices
    invoices.pay(first)
    renewal = START + 31 * DAY
    advance(shared, clock, renewal)
    draft = str(shared.client.v1.subscriptions.retrieve(subscription).latest_invoice)
    invoices.update(draft, {"auto_advance": False})
    advance(shared, clock, renewal + 2 * DAY)
    assert invoices.retrieve(draft).status == "draft"
    done = invoices.finalize_invoice(draft, {"auto_advance": False})
    assert (done.status, done.next_payment_attempt) == ("open", None)
    advance(shared, clock, renewal + 4 * DAY)
    assert invoices.retrieve(draft).status == "open"
    on = invoices.update(draft, {"auto_advance": True})
    assert on.next_payment_attempt == renewal + 4 * DAY + HOUR
    advance(shared, clock, renewal + 4 * DAY + HOUR)
    assert invoices.retrieve(draft).status == "paid"


def test_a_draft_can_be_paid_at_once(shared: Sandbox) -> None:
    clock, subscription, first = open_invoice(shared)
    invoices = shared.client.v1.invoices
    invoices.pay(first)
    advance(shared, clock, START + 31 * DAY)
    draft = str(shared.client.v1.subscriptions.retrieve(subscription).latest_invoice)
    assert invoices.pay(draft).status == "paid"
    advance(shared, clock, START + 32 * DAY)
    assert invoices.retrieve(draft).attempt_count == 1


def test_written_off_invoices_can_still_be_paid(sandbox: Sandbox) -> None:
    _, _, first = open_invoice(sandbox)
    invoices = sandbox.client.v1.invoices
    lost = invoices.mark_uncollectible(first)
    assert (lost.status, lost.status_transitions.marked_uncollectible_at) == ("uncollectible", START)
    assert lost.status_details.uncollectible.reason == "user_forgiven"
    with pytest.raises(stripe.InvalidRequestError, match="uncollectible"):
        invoices.mark_uncollectible(first)
    assert invoices.pay(first).status == "paid"
    types = [kind for _, kind in told(sandbox, START, "invoice.")]
    assert types[-5:] == [
        "invoice.updated", "invoice.marked_uncollectible", "invoice.updated", "invoice.paid",
        "invoice.payment_succeeded",
    ]  # fmt: skip


def test_sending_by_hand(shared: Sandbox) -> None:
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id, None)
    invoices = shared.client.v1.invoices
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        invoices.create({"customer": customer, "collection_method": "send_invoice"})
    sent = invoices.create({"customer": customer, "collection_method": "send_invoice", "due_date": START + 5 * DAY})
    assert (sent.due_date, sent.status) == (START + 5 * DAY, "draft")
    done = invoices.send_invoice(sent.id)
    assert (done.status, done.due_date) == ("paid", START + 5 * DAY)
    charged = invoices.create({"customer": customer})
    with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
        invoices.send_invoice(charged.id)
    with pytest.raises(stripe.InvalidRequestError, match="due_date"):
        invoices.update(charged.id, {"due_date": START + DAY})
    with pytest.raises(stripe.InvalidRequestError, match="five years"):
        invoices.update(charged.id, {"automatically_finalizes_at": START})
    later = invoices.update(charged.id, {"automatically_finalizes_at": START + DAY})
    assert (later.auto_advance, later.automatically_finalizes_at) == (False, START + DAY)
    advance(shared, clock.id, START + DAY)
    assert invoices.retrieve(charged.id).status == "paid"


def test_a_draft_names_the_customer_as_it_is_now() -> None:
    life = Life()
    customer = life.customer()
    life.post("/v1/invoiceitems", customer=customer, amount=500, currency="usd")
    first, second = (life.post("/v1/invoices", customer=customer)["id"] for _ in range(2))
    life.post(f"/v1/invoices/{first}/finalize")
    now = {"name": "Acme Holding", "email": "new@acme.example", "address": {"line1": "Am Tor 1", "country": "DE"}}
    life.post(f"/v1/customers/{customer}", **now)
    named = [life.get(f"/v1/invoices/{invoice}") for invoice in (first, second)]
    assert [invoice["customer_name"] == "Acme Holding" for invoice in named] == [False, True]
    assert named[1]["customer_email"] == "new@acme.example"
    assert named[1]["customer_address"]["line1"] == "Am Tor 1"
