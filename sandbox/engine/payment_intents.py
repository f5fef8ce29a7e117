"""Payment intents: the wish to take an amount, with the tries (charges) it took.

Requests come through payment_intent_requests.py; whom a payment concerns besides, its invoice or Checkout
session, learns of it in payment_outcomes.py.
"""

from collections.abc import Iterator
from typing import Any

from ..bank_accounts import Account
from ..cards import AUTHENTICATION, Decline
from ..errors import CardRefused
from . import agenda, business_days, charges, disputes, mandates, payment_methods, planned_failures, refunds
from .charge_bodies import HOLD_SECONDS
from .fields import where
from .payment_intent_body import intent_body
from .work import Obj, Work, copied

KIND = "payment_intent"
# Agenda: a debit has its result; what a card holds is let go.
SETTLE, EXPIRE = "payment_intent.settle", "payment_intent.expire"
# How long a debit takes (assumed to be the same for both; Stripe names four and five banking days).
DEBIT_DAYS = 4
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "authentication_not_handled",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)
NOT_APPROVED = Decline("payment_method_customer_decline", "", "The customer did not approve the payment.")


def create(work: Work, amount: int, currency: str, customer: str | None, description: str | None, **terms: Any) -> Obj:
    """A new intent over `amount` minor units, waiting for a payment method; emits payment_intent.created.

    `terms` are fields that are set as they are.
    """
    intent = intent_body(work, amount, currency, customer)
    intent.update({"description": description, "setup_future_usage": "off_session", **terms})
    work.add(KIND, intent)
    work.emit("payment_intent.created", intent)
    return intent


def confirm(
    work: Work,
    intent_id: str,
    method_id: str,
    *,
    authenticated: bool = False,
    off_session: bool = True,
    asks: bool = True,
) -> Obj:
    """Tries the payment method once and returns the intent as it is then.

    succeeded, requires_capture or processing; requires_action when the payer has to act and `authenticated` is
    false; or requires_payment_method with `last_payment_error` when the method refuses. `asks` False: the payer
    cannot act, so that a method that needs it refuses.
    """
    intent = work.edit(KIND, intent_id)
    method = work.edit("payment_method", method_id)
    intent.update(payment_method=method_id, next_action=None)
    if not authenticated and _asks(work, intent, method, off_session=off_session):
        return _ask_payer(work, intent) if asks else _try(work, intent, method, AUTHENTICATION, authenticated=False)
    if authenticated:
        _remember_payer(work, intent, method)
    if method["type"] in payment_methods.DELAYED:
        return _begin_debit(work, intent, method)
    decline = decline_ahead(work, intent["customer"], method_id)
    planned_failures.take(work, intent["customer"])
    return _try(work, intent, method, decline, authenticated=authenticated)


def decline_ahead(work: Work, customer_id: str | None, method_id: str) -> Decline | None:
    """Why charging the method now would be refused, or None: a test's plan, then the method's bank."""
    return planned_failures.ahead(work, customer_id) or payment_methods.decline_of(work, method_id)


def authentication_failed(work: Work, intent_id: str) -> Obj:
    """The payer failed 3-D Secure or refused on PayPal's page: the intent wants another method, nothing was tried."""
    intent = work.edit(KIND, intent_id)
    intent["next_action"] = None
    redirected = work.read("payment_method", intent["payment_method"])["type"] in payment_methods.REDIRECTS
    return _fail(work, intent, NOT_APPROVED if redirected else AUTHENTICATION_FAILED, None)


def settle(work: Work, intent_id: str) -> Obj:
    """processing -> succeeded or requires_payment_method: the bank's answer to a debit."""
    intent = work.edit(KIND, intent_id)
    agenda.drop(work, SETTLE, intent_id)
    decline = decline_ahead(work, intent["customer"], intent["payment_method"])
    planned_failures.take(work, intent["customer"])
    charge = charges.settle(work, intent["latest_charge"], decline)
    if decline is not None:
        return _fail(work, intent, decline, charge["id"])
    disputes.after_payment(work, charge["id"])
    return _succeed(work, intent, intent["amount"])


def capture(work: Work, intent_id: str, amount: int) -> Obj:
    """requires_capture -> succeeded with `amount`; the rest is let go."""
    intent = work.edit(KIND, intent_id)
    agenda.drop(work, EXPIRE, intent_id)
    refunds.release(work, intent["latest_charge"], intent["amount_capturable"] - amount, None, told=False)
    charges.capture(work, intent["latest_charge"], amount)
    disputes.after_payment(work, intent["latest_charge"])
    intent["amount_capturable"] = 0
    return _succeed(work, intent, amount)


def cancel(work: Work, intent_id: str, reason: str | None) -> Obj:
    """Ends an intent that was not paid, for example when its invoice is voided; what a card holds is let go."""
    intent = work.edit(KIND, intent_id)
    agenda.drop(work, EXPIRE, intent_id)
    agenda.drop(work, SETTLE, intent_id)
    if intent["status"] == "requires_capture":
        refunds.release(work, intent["latest_charge"], intent["amount_capturable"], None)
    if intent["status"] == "processing":
        charges.settle(work, intent["latest_charge"], Decline("charge_canceled", "", "The payment was canceled."))
    intent.update(
        amount_capturable=0, canceled_at=work.now, cancellation_reason=reason, next_action=None, status="canceled"
    )
    work.emit("payment_intent.canceled", intent)
    return intent


def expire_due(work: Work, intent_id: str) -> None:
    """The agenda's: nobody captured; emits charge.expired and payment_intent.canceled."""
    intent = work.edit(KIND, intent_id)
    charge_id = intent["latest_charge"]
    refunds.release(work, charge_id, intent["amount_capturable"], "expired_uncaptured_charge")
    intent.update(
        amount_capturable=0, canceled_at=work.now, cancellation_reason="automatic", next_action=None, status="canceled"
    )
    work.emit("charge.expired", work.read(charges.KIND, charge_id))
    work.emit("payment_intent.canceled", intent)


def retrieve(work: Work, _params: Obj, intent_id: str) -> Obj:
    """GET /v1/payment_intents/{id}."""
    return work.read(KIND, intent_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/payment_intents."""
    return where(work.all(KIND), params, "customer")


def refusal_of(work: Work, intent: Obj) -> CardRefused:
    """The card_error that tells why the intent is not paid."""
    extra: Obj = {"payment_intent": copied(intent)}
    if intent["status"] == "requires_action":
        return payment_methods.refused(AUTHENTICATION, **extra)
    error = intent["last_payment_error"]
    extra["payment_method"] = copied(work.read("payment_method", error["payment_method"]["id"]))
    if "charge" in error:
        extra["charge"] = error["charge"]
    return CardRefused(error["message"], code=error["code"], decline_code=error.get("decline_code"), **extra)


def error_of(work: Work, decline: Decline, method_id: str, charge_id: str | None) -> Obj:
    """last_payment_error, and last_setup_error without a charge."""
    error: Obj = {
        "type": "card_error",
        "code": decline.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": copied(work.read("payment_method", method_id)),
    }
    if decline.decline_code:
        error["decline_code"] = decline.decline_code
    if charge_id is not None:
        error["charge"] = charge_id
    return error


def holds(intent: Obj, method: Obj) -> bool:
    """Whether the amount is only held until it is captured."""
    own = _options(intent, method).get("capture_method")
    return "manual" in (own, intent["capture_method"]) and method["type"] not in payment_methods.DELAYED


def _options(intent: Obj, method: Obj) -> Obj:
    found: Obj = (intent["payment_method_options"] or {}).get(method["type"], {})
    return found


def _usage(intent: Obj, method: Obj) -> str | None:
    """What the method is set up for: the wish for its type goes before the intent's."""
    own = _options(intent, method).get("setup_future_usage", intent["setup_future_usage"])
    return None if own == "none" else own


def _asks(work: Work, intent: Obj, method: Obj, *, off_session: bool) -> bool:
    wished = _options(intent, method).get("request_three_d_secure") in ("any", "challenge")
    if wished and not off_session:
        return True
    return payment_methods.needs_authentication(work, method["id"], off_session=off_session)


def _ask_payer(work: Work, intent: Obj) -> Obj:
    url = f"{work.public_url}/authenticate/{intent['id']}"
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": intent.get("_", {}).get("return_url"), "url": url},
    }
    work.emit("payment_intent.requires_action", intent)
    return intent


def _remember_payer(work: Work, intent: Obj, method: Obj) -> None:
    if method["type"] in payment_methods.REDIRECTS:
        payment_methods.approve(work, method["id"])
    if _usage(intent, method) == "off_session":
        payment_methods.mark_set_up(work, method["id"])


def _try(work: Work, intent: Obj, method: Obj, decline: Decline | None, *, authenticated: bool) -> Obj:
    held = holds(intent, method)
    charge = charges.attempt(work, intent, method, decline, authenticated=authenticated, captured=not held)
    intent["latest_charge"] = charge["id"]
    if decline is not None:
        return _fail(work, intent, decline, charge["id"])
    _keep_method(work, intent, method)
    if not held:
        disputes.after_payment(work, charge["id"])
        return _succeed(work, intent, intent["amount"])
    intent.update(amount_capturable=intent["amount"], last_payment_error=None, status="requires_capture")
    agenda.put(work, EXPIRE, intent["id"], work.now + HOLD_SECONDS)
    work.emit("payment_intent.amount_capturable_updated", intent)
    return intent


def _begin_debit(work: Work, intent: Obj, method: Obj) -> Obj:
    mandate = intent.setdefault("_", {}).pop("mandate", None) or _mandate(work, method)
    account = payment_methods.behind(work, method["id"])
    endless = isinstance(account, Account) and account.endless
    due = None if endless else business_days.after(work.now, DEBIT_DAYS)
    charge = charges.begin(work, intent, method, mandate=mandate, debited_at=due)
    intent["latest_charge"] = charge["id"]
    if due is not None:
        agenda.put(work, SETTLE, intent["id"], due)
    _keep_method(work, intent, method)
    intent.update(last_payment_error=None, status="processing")
    work.emit("payment_intent.processing", intent)
    return intent


def _mandate(work: Work, method: Obj) -> str:
    found = mandates.of_method(work, method["id"]) or mandates.create(work, method)
    return str(found["id"])


def _keep_method(work: Work, intent: Obj, method: Obj) -> None:
    """Saves the method for later payments when the intent says so; else one without a customer is spent."""
    usage = _usage(intent, method)
    if usage and intent["customer"] and method["customer"] is None:
        payment_methods.attach_now(work, method["id"], intent["customer"])
    elif not usage:
        payment_methods.mark_spent(work, method["id"])


def _succeed(work: Work, intent: Obj, amount: int) -> Obj:
    intent.update(amount_received=amount, last_payment_error=None, status="succeeded")
    work.emit("payment_intent.succeeded", intent)
    return intent


def _fail(work: Work, intent: Obj, decline: Decline, charge_id: str | None) -> Obj:
    error = error_of(work, decline, intent["payment_method"], charge_id)
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    work.emit("payment_intent.payment_failed", intent)
    return intent
