"""Invoices: draft, open, paid, void. How an open one is paid is in collection.py.

Shapes of the pinned version: `parent.subscription_details`, lines with `pricing.price_details`, and
the payment behind `payments`.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest
from . import customers, invoice_payments, payment_intents
from .fields import in_range, where
from .invoice_body import invoice_body
from .work import Obj, Work, copied

KIND = "invoice"


def draft_for_subscription(work: Work, subscription: Obj, invoice_id: str, reason: str) -> Obj:
    """A draft over the subscription's items for their current periods; emits invoice.created."""
    invoice = work.add(KIND, invoice_body(work, subscription, invoice_id, reason))
    work.emit("invoice.created", invoice)
    return invoice


def finalize(work: Work, invoice_id: str, intent_id: str | None = None) -> Obj:
    """draft -> open: number, hosted page and, with an amount due, the payment intent.

    `intent_id`: an intent that already tried to pay this (Checkout); otherwise one is made.
    """
    invoice = work.edit(KIND, invoice_id)
    invoice["number"] = customers.next_number(work, invoice["customer"])
    invoice.update(
        status="open",
        effective_at=work.now,
        ending_balance=0,
        hosted_invoice_url=f"{work.public_url}/invoice/{invoice_id}",
    )
    invoice["status_transitions"]["finalized_at"] = work.now
    if invoice["amount_due"] > 0:
        if intent_id is None:
            intent = payment_intents.create(
                work, invoice["amount_due"], invoice["currency"], invoice["customer"], "Subscription creation"
            )
            intent_id = intent["id"]
        invoice_payments.open_for(work, invoice, intent_id)
    work.emit("invoice.finalized", invoice)
    return invoice


def mark_paid(work: Work, invoice_id: str, amount_paid: int) -> Obj:
    """open -> paid; emits invoice.updated, invoice.paid and invoice.payment_succeeded."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    invoice.update(
        status="paid",
        attempted=True,
        auto_advance=False,
        amount_paid=amount_paid,
        amount_remaining=0,
        next_payment_attempt=None,
    )
    if amount_paid:
        invoice["attempt_count"] += 1
    invoice["status_transitions"]["paid_at"] = work.now
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.paid", invoice)
    work.emit("invoice.payment_succeeded", invoice)
    return invoice


def mark_failed(work: Work, invoice_id: str, *, action_required: bool) -> Obj:
    """Counts a failed try; emits invoice.payment_failed, or payment_action_required for 3-D Secure."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    work.emit_updated("invoice.updated", before, invoice)
    if action_required:
        work.emit("invoice.payment_action_required", invoice)
    work.emit("invoice.payment_failed", invoice)
    return invoice


def void(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/void, for open and uncollectible invoices only."""
    invoice = work.edit(KIND, invoice_id)
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest("You can only pass in open or uncollectible invoices. This invoice isn't open.")
    before = copied(invoice)
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["voided_at"] = work.now
    payment = invoice_payments.of(work, invoice_id)
    if payment is not None:
        invoice_payments.cancel(work, payment["id"])
        payment_intents.cancel(work, payment["payment"]["payment_intent"], "void_invoice")
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.voided", invoice)
    return invoice


def retrieve(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """GET /v1/invoices/{id}."""
    return work.read(KIND, invoice_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/invoices."""
    for name in ("customer", "subscription"):
        if name in params:
            work.read(name, params[name], param=name)
    subscription = params.get("subscription")
    for invoice in where(work.all(KIND), params, "customer", "status", "collection_method"):
        if subscription not in (None, subscription_of(invoice)):
            continue
        if "due_date" not in params or in_range(invoice["due_date"] or 0, params["due_date"]):
            yield invoice


def lines(work: Work, _params: Obj, invoice_id: str) -> Iterator[Obj]:
    """GET /v1/invoices/{id}/lines, in the invoice's order."""
    return iter(work.read(KIND, invoice_id)["lines"]["data"])


def subscription_of(invoice: Obj) -> str | None:
    """The id of the subscription that the invoice bills, or None."""
    parent = invoice["parent"]
    if parent is None or parent["subscription_details"] is None:
        return None
    found: str = parent["subscription_details"]["subscription"]
    return found
