"""Paying an invoice on its hosted page, by whoever has its address."""

from collections.abc import Iterator

from ..errors import InvalidRequest
from . import checkout_methods, collection, invoice_payments, invoices, payment_intents, payment_methods
from .checkout_methods import Entry, SavedEntry
from .work import Obj, Work

_PAYABLE = ("open", "uncollectible")


def pay(work: Work, invoice_id: str, entry: Entry, name: str | None = None) -> Obj:
    """Tries the payer's method for what is due; the intent as it is then: succeeded, processing, or requires_action
    when the payer is asked elsewhere.

    CardRefused when the method refuses (the failed try is kept) or is none at all; InvalidRequest when there is
    nothing to pay.
    """
    invoice = work.edit(invoices.KIND, invoice_id)
    if not is_payable(work, invoice):
        raise InvalidRequest(f"This invoice can't be paid because its status is {invoice['status']}.")
    if isinstance(entry, SavedEntry):
        method = next((each for each in saved(work, invoice) if each["id"] == entry.method), None)
    elif checkout_methods.type_of(entry) in types(work, invoice):
        payer = {"email": invoice["customer_email"], "name": name}
        method = checkout_methods.new_method(work, entry, payer)
        method["billing_details"].update(payer)
    else:
        method = None
    if method is None:
        raise InvalidRequest("Choose a payment method.", code="payment_method_unavailable", param="method")
    intent = collection.collect(work, invoice_id, method["id"], off_session=False)
    if intent["status"] == "requires_payment_method":
        raise payment_intents.refusal_of(work, intent)
    return intent


def is_payable(work: Work, invoice: Obj) -> bool:
    """Whether the page asks for a payment method: something is due, and no debit of it is under way."""
    intent = intent_of(work, invoice)
    if invoice["status"] not in _PAYABLE or intent is None:
        return False
    return bool(invoice["amount_remaining"] > 0 and intent["status"] != "processing")


def intent_of(work: Work, invoice: Obj) -> Obj | None:
    """The payment intent of a finalized invoice, or None."""
    payment = invoice_payments.of(work, invoice["id"])
    if payment is None or payment["payment"]["type"] != "payment_intent":
        return None
    return work.read(payment_intents.KIND, payment["payment"]["payment_intent"])


def types(work: Work, invoice: Obj) -> list[str]:
    """The types of methods that can pay it."""
    intent = intent_of(work, invoice)
    return [] if intent is None else list(intent["payment_method_types"])


def saved(work: Work, invoice: Obj) -> Iterator[Obj]:
    """The customer's methods, newest first (assumed: all of them, whatever their `allow_redisplay`)."""
    wanted = types(work, invoice)
    return (
        method
        for method in work.all(payment_methods.KIND)
        if method["customer"] == invoice["customer"] and method["type"] in wanted
    )
