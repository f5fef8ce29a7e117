"""Invoices and their states: draft, open, paid, void, uncollectible.

How an open one is paid is in collection.py, what advances by itself in invoice_automation.py, drafts that a
request makes in invoice_drafts.py.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest
from . import (
    agenda,
    automatic_tax,
    customer_balance,
    customers,
    discounts,
    invoice_items,
    invoice_payments,
    invoice_totals,
    payment_intents,
    usage_lines,
)
from .fields import in_range, where
from .invoice_body import Draft, invoice_body
from .money import check_largest
from .periods import DAY
from .work import Obj, Work, copied

KIND = "invoice"
_ENTRIES = ("invoice.finalize", "invoice.pay", "invoice.will_be_due", "invoice.overdue")
_INTENTS = {"subscription_create": "Subscription creation", "manual": "Payment for Invoice"}


def draft(work: Work, given: Draft) -> Obj:
    """A new draft, which is finalized by itself when it says so; emits invoice.created."""
    invoice = prepare(work, given)
    work.emit("invoice.created", invoice)
    return invoice


def prepare(work: Work, given: Draft) -> Obj:
    """A new draft that is not announced yet: what it adds up to decides on what is told first."""
    invoice = work.add(KIND, invoice_body(work, given))
    for item_id in given.pending:
        invoice_items.take(work, item_id, given.id)
    discounts.claim(work, invoice)
    if given.finalizes_at is not None:
        agenda.put(work, "invoice.finalize", invoice["id"], given.finalizes_at)
    return invoice


def finalize(work: Work, invoice_id: str, intent_id: str | None = None) -> Obj:
    """draft -> open: number, hosted page and, with an amount due, the payment intent.

    `intent_id`: an intent that already tried to pay this (Checkout); otherwise one is made. InvalidRequest
    (amount_too_large) when more is due than can be charged at once.
    """
    invoice = work.edit(KIND, invoice_id)
    agenda.drop(work, "invoice.finalize", invoice_id)
    usage_lines.refresh(work, invoice)
    automatic_tax.give_up(work, invoice)
    invoice_totals.add_up(work, invoice)
    check_largest(invoice["amount_due"], invoice["currency"])
    customer_balance.apply(work, invoice["customer"], invoice_id)
    if invoice["number"] is None:
        invoice["number"] = customers.next_number(work, invoice["customer"])
    if invoice["effective_at"] is None:
        invoice["effective_at"] = work.now
    invoice.update(
        status="open",
        automatically_finalizes_at=None,
        due_date=_due_date(work, invoice),
        hosted_invoice_url=f"{work.public_url}/invoice/{invoice_id}",
        invoice_pdf=f"{work.public_url}/invoice/{invoice_id}/pdf",
        last_finalization_error=None,
        next_payment_attempt=None,
    )
    invoice["status_transitions"]["finalized_at"] = work.now
    if invoice["amount_due"] > 0:
        if intent_id is None:
            purpose = _INTENTS.get(invoice["billing_reason"], "Subscription update")
            amount, currency = invoice["amount_due"], invoice["currency"]
            intent_id = payment_intents.create(work, amount, currency, invoice["customer"], purpose)["id"]
        invoice_payments.open_for(work, invoice, intent_id)
    work.emit("invoice.finalized", invoice)
    discounts.consume(work, invoice)
    return invoice


def finalize_by_itself(work: Work, invoice_id: str) -> bool:
    """The same where no request can be refused: says whether it was done.

    Otherwise the draft tells why (`last_finalization_error`), and waits for somebody who changes it and finalizes it
    (assumed: it is not tried again); invoice.finalization_failed.
    """
    try:
        finalize(work, invoice_id)
    except InvalidRequest as refusal:
        invoice = work.edit(KIND, invoice_id)
        error = {"type": refusal.type, "message": refusal.message, **({"code": refusal.code} if refusal.code else {})}
        invoice.update(automatically_finalizes_at=None, last_finalization_error=error, next_payment_attempt=None)
        work.emit("invoice.finalization_failed", invoice)
        return False
    return True


def mark_paid(work: Work, invoice_id: str, amount_paid: int, *, attempts: int = 0) -> Obj:
    """open -> paid; emits invoice.updated, invoice.paid and invoice.payment_succeeded."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    _end_automation(work, invoice)
    invoice.update(
        status="paid",
        attempted=True,
        attempt_count=invoice["attempt_count"] + attempts,
        amount_paid=amount_paid,
        amount_remaining=0,
    )
    invoice["status_transitions"]["paid_at"] = work.now
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.paid", invoice)
    work.emit("invoice.payment_succeeded", invoice)
    return invoice


def mark_failed(work: Work, invoice_id: str, *, attempts: int, next_attempt: int | None, action_required: bool) -> Obj:
    """Counts a failed try; emits invoice.updated, for 3-D Secure payment_action_required, and payment_failed."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + attempts, next_payment_attempt=next_attempt)
    work.emit_updated("invoice.updated", before, invoice)
    if action_required:
        work.emit("invoice.payment_action_required", invoice)
    work.emit("invoice.payment_failed", invoice)
    return invoice


def void(work: Work, invoice_id: str) -> Obj:
    """open or uncollectible -> void; emits invoice.updated and invoice.voided."""
    invoice = work.edit(KIND, invoice_id)
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest("You can only pass in open or uncollectible invoices. This invoice isn't open.")
    before = copied(invoice)
    _end_automation(work, invoice)
    invoice["status"] = "void"
    invoice["status_transitions"]["voided_at"] = work.now
    payment = invoice_payments.of(work, invoice_id)
    if payment is not None:
        invoice_payments.cancel(work, payment["id"])
        payment_intents.cancel(work, payment["payment"]["payment_intent"], "void_invoice")
    customer_balance.unapply(work, invoice_id)
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(work: Work, invoice_id: str, reason: str) -> Obj:
    """open -> uncollectible, which may still be paid; emits invoice.updated and invoice.marked_uncollectible."""
    invoice = work.edit(KIND, invoice_id)
    if invoice["status"] != "open":
        raise InvalidRequest(f"Only open invoices can be marked uncollectible; this one is {invoice['status']}.")
    before = copied(invoice)
    _end_automation(work, invoice)
    invoice.update(status="uncollectible", status_details={"uncollectible": {"reason": reason}})
    invoice["status_transitions"]["marked_uncollectible_at"] = work.now
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.marked_uncollectible", invoice)
    return invoice


def stop_collecting(work: Work, invoice_id: str) -> None:
    """Leaves an invoice to whoever picks it up: nothing happens to it by itself any more."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    _end_automation(work, invoice)
    work.emit_updated("invoice.updated", before, invoice)


def stop_collecting_of(work: Work, customer_id: str) -> None:
    """Leaves all invoices of a customer who is deleted."""
    for invoice in list(work.all(KIND)):
        advances = invoice["auto_advance"] or invoice["automatically_finalizes_at"]
        if invoice["customer"] == customer_id and advances and invoice["status"] in ("draft", "open"):
            stop_collecting(work, invoice["id"])


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


def of_subscription(work: Work, subscription_id: str) -> Iterator[Obj]:
    """The subscription's invoices, newest first."""
    return (invoice for invoice in work.all(KIND) if subscription_of(invoice) == subscription_id)


def _end_automation(work: Work, invoice: Obj) -> None:
    for what in _ENTRIES:
        agenda.drop(work, what, invoice["id"])
    invoice.update(auto_advance=False, automatically_finalizes_at=None, next_payment_attempt=None)


def _due_date(work: Work, invoice: Obj) -> int | None:
    """Counted from finalizing, unless the date itself was given."""
    days = invoice["_"].get("days_until_due")
    due: int | None = invoice["due_date"]
    return due if days is None or invoice["collection_method"] != "send_invoice" else work.now + int(days) * DAY
