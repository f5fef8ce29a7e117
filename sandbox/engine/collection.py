"""Collecting an open invoice: try a method, then tell the invoice and its subscription what happened."""

from ..errors import InvalidRequest, modelled
from . import invoice_payments, invoices, payment_intents
from .work import Obj, Work, copied


def collect(work: Work, invoice_id: str, method_id: str, *, authenticated: bool = False) -> Obj:
    """Tries the method once for what is due and returns the intent as it is then.

    Paid: the invoice is paid and its subscription active. Else the failed try is counted.
    """
    payment = invoice_payments.of(work, invoice_id)
    if payment is None:
        raise InvalidRequest("Invoice has nothing to pay.")
    intent = payment_intents.confirm(work, payment["payment"]["payment_intent"], method_id, authenticated=authenticated)
    if intent["status"] == "succeeded":
        settle(work, invoice_id)
    else:
        invoices.mark_failed(work, invoice_id, action_required=intent["status"] == "requires_action")
    return intent


def settle(work: Work, invoice_id: str) -> Obj:
    """What follows from a paid invoice: the link, the invoice, the subscription."""
    payment = invoice_payments.of(work, invoice_id)
    amount = work.read(invoices.KIND, invoice_id)["amount_due"]
    if payment is not None and payment["status"] == "open":
        invoice_payments.mark_paid(work, payment["id"])
    invoice = invoices.mark_paid(work, invoice_id, amount)
    _activate(work, invoice)
    return invoice


def authenticate(work: Work, intent_id: str, *, passed: bool) -> Obj:
    """The payer answered 3-D Secure for an invoice's payment intent; returns the intent.

    InvalidRequest when nothing is waiting for an answer.
    """
    intent = work.edit(payment_intents.KIND, intent_id)
    if intent["status"] != "requires_action":
        raise InvalidRequest("This payment is not waiting for authentication.")
    invoice_id = next(
        found["invoice"]
        for found in work.all(invoice_payments.KIND)
        if found["payment"].get("payment_intent") == intent_id
    )
    if passed:
        return collect(work, invoice_id, intent["payment_method"], authenticated=True)
    return payment_intents.authentication_failed(work, intent_id)


def pay(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/pay, with `payment_method` or the default one, or `paid_out_of_band`.

    CardRefused when the card refuses (the failed try is kept); InvalidRequest when it is not open.
    """
    modelled(params, {"payment_method", "paid_out_of_band", "off_session"}, "paying an invoice")
    invoice = work.edit(invoices.KIND, invoice_id)
    if invoice["status"] == "paid":
        raise InvalidRequest("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] != "open":
        raise InvalidRequest(f"This invoice can't be paid because its status is {invoice['status']}.")
    if params.get("paid_out_of_band"):
        return _paid_elsewhere(work, invoice)
    method_id = params.get("payment_method") or default_method(work, invoice)
    method = work.read("payment_method", method_id, param="payment_method")
    if method["customer"] != invoice["customer"]:
        raise InvalidRequest("The payment method does not belong to the invoice's customer.", param="payment_method")
    intent = collect(work, invoice_id, method_id)
    if intent["status"] != "succeeded":
        raise payment_intents.refusal_of(work, intent)
    return work.edit(invoices.KIND, invoice_id)


def default_method(work: Work, invoice: Obj) -> str:
    """The method that pays by default: the subscription's, then the customer's."""
    subscription_id = invoices.subscription_of(invoice)
    if subscription_id is not None:
        chosen = work.read("subscription", subscription_id)["default_payment_method"]
        if chosen is not None:
            return str(chosen)
    chosen = work.read("customer", invoice["customer"]).get("invoice_settings", {}).get("default_payment_method")
    if chosen is None:
        raise no_method()
    return str(chosen)


def no_method() -> InvalidRequest:
    """Nothing to charge: neither the subscription nor the customer has a method."""
    return InvalidRequest(
        "This customer has no attached payment source or default payment method. Please consider adding a "
        "default payment method.",
        code="resource_missing",
    )


def _paid_elsewhere(work: Work, invoice: Obj) -> Obj:
    payment = invoice_payments.of(work, invoice["id"])
    if payment is not None:
        invoice_payments.cancel(work, payment["id"])
        payment_intents.cancel(work, payment["payment"]["payment_intent"], "void_invoice")
    paid = invoices.mark_paid(work, invoice["id"], invoice["amount_due"])
    _activate(work, paid)
    return paid


def _activate(work: Work, invoice: Obj) -> None:
    subscription_id = invoices.subscription_of(invoice)
    if subscription_id is None:
        return
    subscription = work.edit("subscription", subscription_id)
    if subscription["status"] != "incomplete":
        return
    before = copied(subscription)
    subscription["status"] = "active"
    intent = _paying_intent(work, invoice["id"])
    wants_default = subscription["payment_settings"]["save_default_payment_method"] == "on_subscription"
    if intent is not None and wants_default and subscription["default_payment_method"] is None:
        subscription["default_payment_method"] = intent["payment_method"]
    work.emit_updated("customer.subscription.updated", before, subscription)


def _paying_intent(work: Work, invoice_id: str) -> Obj | None:
    payment = invoice_payments.of(work, invoice_id)
    if payment is None or payment["status"] != "paid":
        return None
    return work.read(payment_intents.KIND, payment["payment"]["payment_intent"])
