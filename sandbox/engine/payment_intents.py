"""Payment intents: the wish to take an amount, with the tries (charges) it took."""

from collections.abc import Iterator

from ..cards import AUTHENTICATION, Decline
from ..errors import CardRefused
from . import charges, payment_methods, planned_failures
from .fields import absent, where
from .work import Obj, Work, copied

KIND = "payment_intent"
AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "authentication_not_handled",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)


def create(work: Work, amount: int, currency: str, customer: str | None, description: str) -> Obj:
    """A new intent over `amount` minor units, waiting for a payment method."""
    intent_id = work.new_id("pi")
    intent = {
        **_unused(),
        "id": intent_id,
        "object": KIND,
        "allowed_payment_method_types": ["card"],
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{work.new_id('secret')}",
        "confirmation_method": "automatic",
        "created": work.now,
        "currency": currency,
        "customer": customer,
        "description": description,
        "livemode": False,
        "metadata": {},
        "payment_method_types": ["card"],
        "setup_future_usage": "off_session",
        "status": "requires_payment_method",
    }
    work.add(KIND, intent)
    work.emit("payment_intent.created", intent)
    return intent


def confirm(work: Work, intent_id: str, method_id: str, *, authenticated: bool = False) -> Obj:
    """Tries the payment method once and returns the intent as it is then.

    succeeded; requires_action when 3-D Secure asks and `authenticated` is false; or
    requires_payment_method with `last_payment_error` when the card refuses.
    """
    intent = work.edit(KIND, intent_id)
    method = work.read("payment_method", method_id)
    intent["payment_method"] = method_id
    if not authenticated and payment_methods.needs_authentication(work, method_id):
        return _ask_payer(work, intent)
    if authenticated:
        payment_methods.mark_set_up(work, method_id)
    intent["next_action"] = None
    decline = decline_ahead(work, intent["customer"], method_id)
    planned_failures.take(work, intent["customer"])
    charge = charges.attempt(work, intent, method, decline, authenticated=authenticated)
    intent["latest_charge"] = charge["id"]
    if decline is not None:
        return _fail(work, intent, decline, charge["id"])
    intent.update(amount_received=intent["amount"], status="succeeded", last_payment_error=None)
    work.emit("payment_intent.succeeded", intent)
    return intent


def decline_ahead(work: Work, customer_id: str | None, method_id: str) -> Decline | None:
    """Why charging the method now would be refused, or None: a test's plan, then the card."""
    card = payment_methods.card_of(work, method_id)
    return planned_failures.ahead(work, customer_id) or card.charge or card.attach


def authentication_failed(work: Work, intent_id: str) -> Obj:
    """The payer failed 3-D Secure: the intent wants another method, no charge was tried."""
    intent = work.edit(KIND, intent_id)
    intent["next_action"] = None
    return _fail(work, intent, AUTHENTICATION_FAILED, None)


def cancel(work: Work, intent_id: str, reason: str) -> Obj:
    """Ends an intent that was not paid, for example when its invoice is voided."""
    intent = work.edit(KIND, intent_id)
    intent.update(status="canceled", canceled_at=work.now, cancellation_reason=reason, next_action=None)
    work.emit("payment_intent.canceled", intent)
    return intent


def retrieve(work: Work, _params: Obj, intent_id: str) -> Obj:
    """GET /v1/payment_intents/{id}."""
    return work.read(KIND, intent_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/payment_intents."""
    return where(work.all(KIND), params, "customer")


def refusal_of(work: Work, intent: Obj) -> CardRefused:
    """The card_error that tells why the intent is not paid."""
    extra = {"payment_intent": copied(intent)}
    if intent["status"] == "requires_action":
        return payment_methods.refused(AUTHENTICATION, **extra)
    error = intent["last_payment_error"]
    extra["payment_method"] = copied(work.read("payment_method", error["payment_method"]["id"]))
    if "charge" in error:
        extra["charge"] = error["charge"]
    return CardRefused(error["message"], code=error["code"], decline_code=error.get("decline_code"), **extra)


def _unused() -> Obj:
    """Required keys without a value yet: present, and null or fixed."""
    return {
        **absent(
            "application", "application_fee_amount", "automatic_payment_methods", "canceled_at",
            "cancellation_reason", "customer_account", "excluded_payment_method_types",
            "last_payment_error", "latest_charge", "next_action", "on_behalf_of", "payment_method",
            "payment_method_configuration_details", "payment_record", "processing", "receipt_email",
            "review", "shipping", "source", "statement_descriptor", "statement_descriptor_suffix",
            "transfer_data", "transfer_group",
        ),
        "amount_details": {"tip": {}},
        "managed_payments": {"enabled": False},
        "payment_method_options": {
            "card": {
                **absent("installments", "mandate_options", "network"),
                "request_three_d_secure": "automatic",
            }
        },
    }  # fmt: skip


def _ask_payer(work: Work, intent: Obj) -> Obj:
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": None, "url": f"{work.public_url}/authenticate/{intent['id']}"},
    }
    work.emit("payment_intent.requires_action", intent)
    return intent


def _fail(work: Work, intent: Obj, decline: Decline, charge_id: str | None) -> Obj:
    method = work.read("payment_method", intent["payment_method"])
    error: Obj = {
        "type": "card_error",
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": copied(method),
    }
    if charge_id is not None:
        error["charge"] = charge_id
    intent.update(status="requires_payment_method", payment_method=None, last_payment_error=error)
    work.emit("payment_intent.payment_failed", intent)
    return intent
