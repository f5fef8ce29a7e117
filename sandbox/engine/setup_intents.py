"""Setup intents: saving a card without taking money, as Checkout does at the start of a trial."""

from collections.abc import Iterator

from ..cards import Decline
from . import payment_methods
from .fields import where
from .payment_intents import AUTHENTICATION_FAILED
from .work import Obj, Work, copied

KIND = "setup_intent"


def create(work: Work, customer: str | None) -> Obj:
    """A new intent that waits for a payment method."""
    intent_id = work.new_id("seti")
    intent: Obj = {
        "id": intent_id,
        "object": KIND,
        "allowed_payment_method_types": ["card"],
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{intent_id}_secret_{work.new_id('secret')}",
        "created": work.now,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    work.add(KIND, intent)
    work.emit("setup_intent.created", intent)
    return intent


def confirm(work: Work, intent_id: str, method_id: str, *, authenticated: bool = False) -> Obj:
    """Tries to save the method once: succeeded, requires_action (3-D Secure) or refused."""
    intent = work.edit(KIND, intent_id)
    intent["payment_method"] = method_id
    card = payment_methods.card_of(work, method_id)
    if not authenticated and card.authenticate != "never":
        intent["status"] = "requires_action"
        intent["next_action"] = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": None, "url": f"{work.public_url}/authenticate/{intent_id}"},
        }
        work.emit("setup_intent.requires_action", intent)
        return intent
    intent["next_action"] = None
    if card.attach is not None:
        return _fail(work, intent, card.attach)
    if authenticated:
        payment_methods.mark_set_up(work, method_id)
    intent.update(status="succeeded", last_setup_error=None)
    work.emit("setup_intent.succeeded", intent)
    return intent


def authentication_failed(work: Work, intent_id: str) -> Obj:
    """The payer failed 3-D Secure: the intent wants another method."""
    intent = work.edit(KIND, intent_id)
    intent["next_action"] = None
    return _fail(work, intent, AUTHENTICATION_FAILED)


def retrieve(work: Work, _params: Obj, intent_id: str) -> Obj:
    """GET /v1/setup_intents/{id}."""
    return work.read(KIND, intent_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/setup_intents."""
    return where(work.all(KIND), params, "customer", "payment_method")


def _fail(work: Work, intent: Obj, decline: Decline) -> Obj:
    code = decline.code
    if decline is AUTHENTICATION_FAILED:
        code = "setup_intent_authentication_failure"
    method = copied(work.read("payment_method", intent["payment_method"]))
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_setup_error={
            "type": "card_error",
            "code": code,
            "decline_code": decline.decline_code,
            "message": decline.message,
            "payment_method": method,
        },
    )
    work.emit("setup_intent.setup_failed", intent)
    return intent
