"""Setup intents: saving a payment method without taking money, as Checkout does at the start of a trial.

Requests come through setup_intent_requests.py.
"""

from collections.abc import Iterator
from typing import Any

from ..cards import AUTHENTICATION, Decline
from ..errors import CardRefused
from . import mandates, payment_methods, setup_attempts
from .fields import absent, where
from .payment_intent_body import options_for
from .payment_intents import AUTHENTICATION_FAILED, NOT_APPROVED, error_of
from .work import Obj, Work, copied

KIND = "setup_intent"
_AUTHENTICATION_FAILED = Decline(
    "setup_intent_authentication_failure", AUTHENTICATION_FAILED.decline_code, AUTHENTICATION_FAILED.message
)


def create(work: Work, customer: str | None, **terms: Any) -> Obj:
    """A new intent that waits for a payment method; `terms` are fields that are set as they are."""
    intent_id = work.new_id("seti")
    types = list(payment_methods.TYPES)
    intent: Obj = {
        **absent(
            "allowed_payment_method_types", "application", "automatic_payment_methods", "cancellation_reason",
            "customer_account", "description", "excluded_payment_method_types", "flow_directions",
            "last_setup_error", "latest_attempt", "mandate", "next_action", "on_behalf_of", "payment_method",
            "payment_method_configuration_details", "single_use_mandate",
        ),
        "id": intent_id,
        "object": KIND,
        "client_secret": f"{intent_id}_secret_{work.new_id('secret')}",
        "created": work.now,
        "customer": customer,
        "livemode": False,
        "metadata": {},
        "payment_method_options": setup_options_for(types),
        "payment_method_types": types,
        "status": "requires_payment_method",
        "usage": "off_session",
        "_": {},
        **terms,
    }  # fmt: skip
    work.add(KIND, intent)
    work.emit("setup_intent.created", intent)
    return intent


def confirm(work: Work, intent_id: str, method_id: str, *, authenticated: bool = False) -> Obj:
    """Tries to save the method once: succeeded, requires_action (3-D Secure, PayPal) or refused."""
    intent = work.edit(KIND, intent_id)
    method = work.edit(payment_methods.KIND, method_id)
    intent.update(payment_method=method_id, next_action=None)
    if not authenticated and payment_methods.asks_at_setup(work, method_id):
        return _ask_payer(work, intent, method)
    if not authenticated:
        setup_attempts.begin(work, intent, method, "processing")
    refusal = payment_methods.refusal_to_attach(work, method_id)
    if refusal is not None:
        return _fail(work, intent, refusal)
    if authenticated:
        _remember_payer(work, method)
    if intent["customer"] is not None and method["customer"] is None:
        payment_methods.attach_now(work, method_id, intent["customer"])
    if method["type"] != "card":
        intent["mandate"] = _mandate(work, intent, method)
    setup_attempts.conclude(work, intent, "succeeded", authenticated=authenticated)
    intent.update(status="succeeded", last_setup_error=None)
    work.emit("setup_intent.succeeded", intent)
    return intent


def authentication_failed(work: Work, intent_id: str) -> Obj:
    """The payer failed 3-D Secure or refused on PayPal's page: the intent wants another method."""
    intent = work.edit(KIND, intent_id)
    intent["next_action"] = None
    redirected = work.read(payment_methods.KIND, intent["payment_method"])["type"] in payment_methods.REDIRECTS
    return _fail(work, intent, NOT_APPROVED if redirected else _AUTHENTICATION_FAILED)


def cancel(work: Work, intent_id: str, reason: str | None) -> Obj:
    """Gives up an intent that has not succeeded; emits setup_intent.canceled."""
    intent = work.edit(KIND, intent_id)
    if intent["status"] == "requires_action":
        setup_attempts.conclude(work, intent, "abandoned")
    intent.update(status="canceled", cancellation_reason=reason, next_action=None)
    work.emit("setup_intent.canceled", intent)
    return intent


def refusal_of(intent: Obj) -> CardRefused:
    """The card_error that tells why nothing was saved; carries the intent."""
    if intent["status"] == "requires_action":
        return payment_methods.refused(AUTHENTICATION, setup_intent=copied(intent))
    error = intent["last_setup_error"]
    return CardRefused(
        error["message"],
        code=error["code"],
        decline_code=error.get("decline_code"),
        payment_method=copied(error["payment_method"]),
        setup_intent=copied(intent),
    )


def retrieve(work: Work, _params: Obj, intent_id: str) -> Obj:
    """GET /v1/setup_intents/{id}."""
    return work.read(KIND, intent_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/setup_intents."""
    return where(work.all(KIND), params, "customer", "payment_method", "attach_to_self")


def setup_options_for(types: list[str]) -> Obj:
    """`payment_method_options` as they are without any wish."""
    options = options_for(types)
    if "card" in options:
        del options["card"]["installments"]
    if "paypal" in options:
        options["paypal"] = {"billing_agreement_id": None}
    return options


def _ask_payer(work: Work, intent: Obj, method: Obj) -> Obj:
    setup_attempts.begin(work, intent, method, "requires_action")
    url = f"{work.public_url}/authenticate/{intent['id']}"
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": intent.get("_", {}).get("return_url"), "url": url},
    }
    work.emit("setup_intent.requires_action", intent)
    return intent


def _remember_payer(work: Work, method: Obj) -> None:
    if method["type"] in payment_methods.REDIRECTS:
        payment_methods.approve(work, method["id"])
    payment_methods.mark_set_up(work, method["id"])


def _mandate(work: Work, intent: Obj, method: Obj) -> str:
    acceptance = intent.get("_", {}).get("acceptance")
    found = mandates.of_method(work, method["id"]) or mandates.create(work, method, acceptance)
    return str(found["id"])


def _fail(work: Work, intent: Obj, decline: Decline) -> Obj:
    error = error_of(work, decline, intent["payment_method"], None)
    setup_attempts.conclude(work, intent, "failed", error)
    intent.update(status="requires_payment_method", payment_method=None, last_setup_error=error)
    work.emit("setup_intent.setup_failed", intent)
    return intent
