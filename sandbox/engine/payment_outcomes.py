"""What a payment's late result means for others: its invoice, its subscription, its Checkout session."""

from ..errors import InvalidRequest
from . import (
    checkout_outcomes,
    checkout_payment,
    collection,
    invoice_payments,
    payment_intents,
    pending_setups,
    setup_intents,
)
from .work import Obj, Work


def settle_due(work: Work, intent_id: str) -> None:
    """The agenda's: the bank's answer to a debit, after days."""
    if work.read(payment_intents.KIND, intent_id)["status"] != "processing":
        return
    intent = payment_intents.settle(work, intent_id)
    invoice_id = invoice_payments.invoice_of(work, intent_id)
    if invoice_id is not None:
        collection.bank_answered(work, invoice_id, intent)
    checkout_outcomes.settled(work, intent)


def captured(work: Work, intent: Obj) -> None:
    """What a card held has been captured."""
    checkout_outcomes.captured(work, intent)


def waiting(work: Work, intent_id: str) -> Obj:
    """The payment or setup intent that waits for its payer; InvalidRequest when it does not."""
    kind = setup_intents.KIND if intent_id.startswith("seti_") else payment_intents.KIND
    intent = work.read(kind, intent_id)
    if intent["status"] != "requires_action":
        raise InvalidRequest(f"This {intent['object']} is not waiting for its payer.")
    return intent


def answer(work: Work, intent_id: str, *, passed: bool) -> Obj:
    """The payer passed or failed 3-D Secure, approved or refused on PayPal's page; the intent as it is then.

    InvalidRequest when nothing waits for an answer. Nothing is raised for a refusal: the intent tells it.
    """
    intent = waiting(work, intent_id)
    method_id = intent["payment_method"]
    if intent["object"] == setup_intents.KIND:
        if passed:
            saved = setup_intents.confirm(work, intent_id, method_id, authenticated=True)
            pending_setups.settle(work, saved)
            return saved
        return setup_intents.authentication_failed(work, intent_id)
    if invoice_payments.invoice_of(work, intent_id) is not None:
        return collection.authenticate(work, intent_id, passed=passed)
    if not passed:
        return payment_intents.authentication_failed(work, intent_id)
    if intent["confirmation_method"] == "manual":
        return _await_confirmation(work, intent_id)
    return payment_intents.confirm(work, intent_id, method_id, authenticated=True)


def leads_back(intent: Obj) -> str | None:
    """Where the payer's browser goes after the answer: the intent's `return_url`; None when it has none."""
    found: str | None = intent.get("_", {}).get("return_url")
    return found


def session_of(work: Work, intent_id: str) -> str | None:
    """The Checkout session that asks this payer itself, or None."""
    return checkout_payment.session_of_intent(work, intent_id)


def _await_confirmation(work: Work, intent_id: str) -> Obj:
    """With `confirmation_method` manual the server has to confirm once more."""
    intent = work.edit(payment_intents.KIND, intent_id)
    intent.setdefault("_", {})["authenticated"] = intent["payment_method"]
    intent.update(next_action=None, status="requires_confirmation")
    return intent
