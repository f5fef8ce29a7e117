"""Collecting an open invoice: try a method, then tell the invoice and its subscription what happened."""

from ..errors import InvalidRequest, modelled
from . import agenda, dunning, invoice_payments, invoices, payment_intents, standing
from .work import Obj, Work, copied


def collect(
    work: Work,
    invoice_id: str,
    method_id: str,
    *,
    authenticated: bool = False,
    automatic: bool = False,
    off_session: bool = True,
) -> Obj:
    """Tries the method once for what is due and returns the intent as it is then.

    Paid: the invoice is paid and its subscription active. A debit that takes days: the invoice stays open, its
    subscription is active already (assumed), and payment_outcomes.py tells the result. Else the failed try is
    counted: the first one, and then only those of the schedule (`automatic`).
    """
    payment = invoice_payments.of(work, invoice_id)
    if payment is None:
        raise InvalidRequest("Invoice has nothing to pay.")
    intent_id = payment["payment"]["payment_intent"]
    intent = payment_intents.confirm(work, intent_id, method_id, authenticated=authenticated, off_session=off_session)
    if intent["status"] == "succeeded":
        settle(work, invoice_id, automatic=automatic)
        return intent
    if intent["status"] == "processing":
        _wait_for_bank(work, invoice_id, automatic=automatic)
        return intent
    asks = intent["status"] == "requires_action"
    dunning.remember(work.edit(invoices.KIND, invoice_id), method_id, None if asks else _code(intent))
    fail(work, invoice_id, automatic=automatic, action_required=asks)
    return intent


def bank_answered(work: Work, invoice_id: str, intent: Obj) -> None:
    """A debit that took days was paid or failed; its try has been counted when it began."""
    invoice = work.edit(invoices.KIND, invoice_id)
    automatic = invoice["_"].pop("debit")["automatic"]
    if intent["status"] == "succeeded":
        settle(work, invoice_id)
        return
    dunning.remember(invoice, intent["last_payment_error"]["payment_method"]["id"], _code(intent))
    fail(work, invoice_id, automatic=False)
    if automatic and invoice["next_payment_attempt"] is None:
        standing.given_up(work, invoice)


def settle(work: Work, invoice_id: str, *, automatic: bool = False) -> Obj:
    """What follows from a paid invoice: the link, the invoice, the subscription."""
    payment = invoice_payments.of(work, invoice_id)
    invoice = work.read(invoices.KIND, invoice_id)
    attempts = _counted(invoice, automatic=automatic) if invoice["amount_due"] else 0
    if payment is not None and payment["status"] == "open":
        invoice_payments.mark_paid(work, payment["id"])
    paid = invoices.mark_paid(work, invoice_id, invoice["amount_due"], attempts=attempts)
    standing.settled(work, paid)
    return paid


def fail(work: Work, invoice_id: str, *, automatic: bool, action_required: bool = False) -> None:
    """What follows from a failed try: the next one is scheduled, or the subscription is given up."""
    invoice = work.edit(invoices.KIND, invoice_id)
    scheduled = invoice["next_payment_attempt"]
    manual_between = not automatic and scheduled is not None and invoice["attempt_count"] > 0
    next_attempt = scheduled if manual_between else dunning.next_attempt(work, invoice)
    attempts = _counted(invoice, automatic=automatic)
    failed = invoices.mark_failed(
        work, invoice_id, attempts=attempts, next_attempt=next_attempt, action_required=action_required
    )
    standing.failed(work, failed)
    if automatic and next_attempt is None:
        standing.given_up(work, failed)


def authenticate(work: Work, intent_id: str, *, passed: bool) -> Obj:
    """The payer answered 3-D Secure for an invoice's payment intent; returns the intent.

    InvalidRequest when nothing is waiting for an answer.
    """
    intent = work.edit(payment_intents.KIND, intent_id)
    if intent["status"] != "requires_action":
        raise InvalidRequest("This payment is not waiting for authentication.")
    invoice_id = invoice_payments.invoice_of(work, intent_id)
    if invoice_id is None:
        raise InvalidRequest("This payment belongs to no invoice.")
    if passed:
        return collect(work, invoice_id, intent["payment_method"], authenticated=True)
    return payment_intents.authentication_failed(work, intent_id)


def pay(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/pay, with `payment_method` or the default one, or `paid_out_of_band`.

    A draft is finalized before. CardRefused when the card refuses (the failed try is kept); InvalidRequest when
    it is paid or void.
    """
    modelled(params, {"payment_method", "paid_out_of_band", "off_session"}, "paying an invoice")
    invoice = work.edit(invoices.KIND, invoice_id)
    if invoice["status"] == "paid":
        raise InvalidRequest("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "void":
        raise InvalidRequest("This invoice can't be paid because its status is void.")
    if invoice["status"] == "draft":
        invoices.finalize(work, invoice_id)
    if params.get("paid_out_of_band"):
        return _paid_elsewhere(work, invoice)
    if invoice["amount_due"] == 0:
        return settle(work, invoice_id)
    method_id = params.get("payment_method") or default_method(work, invoice)
    method = work.read("payment_method", method_id, param="payment_method")
    if method["customer"] != invoice["customer"]:
        raise InvalidRequest("The payment method does not belong to the invoice's customer.", param="payment_method")
    _refuse_while_processing(work, invoice_id)
    intent = collect(work, invoice_id, method_id, off_session=params.get("off_session", True))
    if intent["status"] not in ("succeeded", "processing"):
        raise payment_intents.refusal_of(work, intent)
    return work.edit(invoices.KIND, invoice_id)


def void(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/void, for open and uncollectible invoices only."""
    invoice = invoices.void(work, invoice_id)
    standing.settled(work, invoice)
    return invoice


def mark_uncollectible(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/mark_uncollectible, for open invoices; its subscription is active again."""
    invoice = invoices.mark_uncollectible(work, invoice_id, "user_forgiven")
    standing.settled(work, invoice)
    return invoice


def method_of(work: Work, invoice: Obj) -> str | None:
    """The method that pays by default: the invoice's, the subscription's, then the customer's; or None."""
    subscription_id = invoices.subscription_of(invoice)
    places = [invoice["default_payment_method"]]
    if subscription_id is not None:
        places.append(work.read("subscription", subscription_id)["default_payment_method"])
    places.append(work.read("customer", invoice["customer"])["invoice_settings"]["default_payment_method"])
    return next((str(place) for place in places if place is not None), None)


def default_method(work: Work, invoice: Obj) -> str:
    """The same; InvalidRequest when there is none."""
    found = method_of(work, invoice)
    if found is None:
        raise no_method()
    return found


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
    standing.settled(work, paid)
    return paid


def _counted(invoice: Obj, *, automatic: bool) -> int:
    return 1 if automatic or invoice["attempt_count"] == 0 else 0


def _refuse_while_processing(work: Work, invoice_id: str) -> None:
    payment = invoice_payments.of(work, invoice_id)
    if payment is not None:
        intent = work.read(payment_intents.KIND, payment["payment"]["payment_intent"])
        if intent["status"] == "processing":
            raise InvalidRequest("This invoice is being paid: its payment is processing.")


def _code(intent: Obj) -> str:
    error = intent["last_payment_error"]
    return str(error.get("decline_code") or error["code"])


def _wait_for_bank(work: Work, invoice_id: str, *, automatic: bool) -> None:
    """Counts a try whose result comes in days; nothing else is tried until then."""
    invoice = work.edit(invoices.KIND, invoice_id)
    before = copied(invoice)
    agenda.drop(work, "invoice.pay", invoice_id)
    invoice.setdefault("_", {})["debit"] = {"automatic": automatic}
    attempts = invoice["attempt_count"] + _counted(invoice, automatic=automatic)
    invoice.update(attempted=True, attempt_count=attempts, next_payment_attempt=None)
    work.emit_updated("invoice.updated", before, invoice)
    standing.processing(work, invoice)
