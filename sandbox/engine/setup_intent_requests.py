"""What requests do with setup intents: make, change, confirm and give them up."""

from typing import Any

from ..errors import InvalidRequest, modelled
from . import checkout_payment, intent_methods, payment_methods, pending_setups, setup_intents
from .fields import cleared, merged_metadata, new_metadata, web_address
from .payment_intent_body import known_types
from .payment_methods import REDIRECTS, TYPES
from .work import Obj, Work, copied

KIND = setup_intents.KIND
_CONFIRMING = {"mandate_data", "payment_method", "payment_method_data", "payment_method_options", "return_url"}
_UPDATING = {
    "allowed_payment_method_types", "customer", "description", "excluded_payment_method_types", "metadata",
    "payment_method", "payment_method_data", "payment_method_options",
}  # fmt: skip
_CREATING = _CONFIRMING | _UPDATING | {"automatic_payment_methods", "confirm", "usage"}
_BEFORE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/setup_intents, with `confirm` tried at once; CardRefused when the method refuses to be saved."""
    modelled(params, _CREATING, "setup intents")
    if not params.get("confirm") and {"mandate_data", "return_url"} & set(params):
        raise InvalidRequest("`mandate_data` and `return_url` go with `confirm=true`.", param="confirm")
    customer = params.get("customer")
    if customer is not None:
        customer = work.edit("customer", customer, param="customer")["id"]
    method = intent_methods.given(work, params, customer, {"object": KIND})
    intent = setup_intents.create(
        work,
        customer,
        **_methods(params),
        description=cleared(params.get("description")),
        metadata=new_metadata(params.get("metadata")),
        payment_method=method["id"] if method else None,
        status="requires_confirmation" if method else "requires_payment_method",
        usage=params.get("usage", "off_session"),
    )
    return _confirmed(work, intent, params) if params.get("confirm") else intent


def update(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/setup_intents/{id}; of one that has succeeded only what does not change the method."""
    modelled(params, _UPDATING, "updating a setup intent")
    intent = work.edit(KIND, intent_id)
    if intent["status"] not in _BEFORE and {"payment_method", "payment_method_data"} & set(params):
        why = "it has already succeeded" if intent["status"] == "succeeded" else "it is already canceled"
        raise _unexpected(intent, f"You cannot update this SetupIntent because {why}.")
    _assign(work, intent, params)
    return intent


def confirm(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/setup_intents/{id}/confirm; CardRefused when the method refuses to be saved."""
    modelled(params, _CONFIRMING, "confirming a setup intent")
    intent = work.edit(KIND, intent_id)
    if intent["status"] in _BEFORE:
        _assign(work, intent, {name: value for name, value in params.items() if name in _UPDATING})
    elif intent["payment_method"] is not None or "payment_method" in params:
        why = "it has already succeeded" if intent["status"] == "succeeded" else "it is already canceled"
        raise _unexpected(intent, f"You cannot confirm this SetupIntent because {why}.")
    return _confirmed(work, intent, params)


def cancel(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/setup_intents/{id}/cancel of one that has not succeeded."""
    intent = work.edit(KIND, intent_id)
    if intent["status"] == "canceled":
        raise _unexpected(intent, "You cannot cancel this SetupIntent because it is already canceled.")
    if intent["status"] not in _BEFORE:
        raise _unexpected(
            intent,
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
            "with one of the following statuses may be canceled: `requires_payment_method`, `requires_confirmation`, "
            "or `requires_action`.",
        )
    _refuse_of_session(work, intent)
    return setup_intents.cancel(work, intent_id, params.get("cancellation_reason"))


def _confirmed(work: Work, intent: Obj, params: Obj) -> Obj:
    aside = intent.setdefault("_", {})
    if "return_url" in params:
        aside["return_url"] = web_address(params["return_url"], "return_url")
    if params.get("mandate_data"):
        aside["acceptance"] = params["mandate_data"]["customer_acceptance"]
    method_id = intent["payment_method"]
    if method_id is None:
        raise _unexpected(
            intent,
            "You cannot confirm this SetupIntent because it's missing a payment method. You can either update the "
            "SetupIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
        )
    _refuse_of_session(work, intent)
    method = work.edit(payment_methods.KIND, method_id)
    intent_methods.check(intent, method, off_session=False)
    if method["type"] in payment_methods.DELAYED and "acceptance" not in aside:
        raise InvalidRequest(
            "This SetupIntent requires a mandate: collect its acceptance from the customer and provide it in the "
            "mandate_data parameter.",
            code="setup_intent_mandate_invalid",
        )
    pending_setups.settle(work, setup_intents.confirm(work, intent["id"], method_id))
    if intent["status"] == "requires_payment_method":
        raise setup_intents.refusal_of(intent)
    return intent


def _assign(work: Work, intent: Obj, params: Obj) -> None:
    if "customer" in params:
        intent["customer"] = work.edit("customer", params["customer"], param="customer")["id"]
    if "description" in params:
        intent["description"] = cleared(params["description"])
    intent["metadata"] = merged_metadata(intent["metadata"] or {}, params.get("metadata"))
    if {"allowed_payment_method_types", "excluded_payment_method_types", "payment_method_options"} & set(params):
        intent.update(_methods(params, intent))
    method = intent_methods.given(work, params, intent["customer"], intent)
    if method is not None:
        intent.update(payment_method=method["id"], next_action=None, status="requires_confirmation")


def _methods(params: Obj, intent: Obj | None = None) -> Obj:
    """The fields that say which methods the intent saves, and how."""
    former = intent or {}
    allowed = params.get("allowed_payment_method_types", former.get("allowed_payment_method_types")) or None
    known_types(allowed)
    excluded = params.get("excluded_payment_method_types", former.get("excluded_payment_method_types")) or None
    automatic: Any = former.get("automatic_payment_methods")
    if intent is None:
        given = params.get("automatic_payment_methods", {"enabled": allowed is None})
        redirects = given.get("allow_redirects", "always")
        automatic = {"allow_redirects": redirects, "enabled": True} if given["enabled"] else None
    never = (automatic or {}).get("allow_redirects") == "never"
    types = [
        kind
        for kind in TYPES
        if (allowed is None or kind in allowed) and kind not in (excluded or []) and not (never and kind in REDIRECTS)
    ]
    if not types:
        raise InvalidRequest(
            f"No valid payment method types for this Setup Intent. The sandbox takes {', '.join(TYPES)}.",
            param="allowed_payment_method_types",
        )
    options = setup_intents.setup_options_for(types)
    intent_methods.set_options(options, former.get("payment_method_options") or {}, types)
    intent_methods.set_options(options, params.get("payment_method_options", {}), types)
    return {
        "allowed_payment_method_types": allowed,
        "automatic_payment_methods": automatic,
        "excluded_payment_method_types": excluded,
        "payment_method_options": options,
        "payment_method_types": types,
    }


def _refuse_of_session(work: Work, intent: Obj) -> None:
    if checkout_payment.session_of_intent(work, intent["id"]) is not None:
        raise InvalidRequest("This SetupIntent was made by a Checkout Session; expire the session instead.")


def _unexpected(intent: Obj, message: str) -> InvalidRequest:
    return InvalidRequest(message, code="setup_intent_unexpected_state", setup_intent=copied(intent))
