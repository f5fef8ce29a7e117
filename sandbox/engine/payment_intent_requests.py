"""What requests do with payment intents: make, change, confirm, capture and give them up.

An intent that pays an invoice is confirmed through collection.py, so that the invoice learns of it.
"""

from typing import Any

from ..errors import InvalidRequest, NotModelled, modelled
from . import (
    charges,
    checkout_payment,
    collection,
    intent_methods,
    invoice_payments,
    payment_intents,
    payment_methods,
    payment_outcomes,
)
from .fields import cleared, merged_metadata, new_metadata, web_address
from .money import check_largest, currency_code, formatted, smallest_charge, whole_amount
from .payment_intent_body import options_for, types_for
from .work import Obj, Work, copied

KIND = payment_intents.KIND
_TEXTS = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")
_CONFIRMING = {
    "allowed_payment_method_types", "capture_method", "error_on_requires_action", "excluded_payment_method_types",
    "mandate", "mandate_data", "off_session", "payment_method", "payment_method_data", "payment_method_options",
    "receipt_email", "return_url", "setup_future_usage", "shipping",
}  # fmt: skip
_UPDATING = {
    *_TEXTS, "allowed_payment_method_types", "amount", "capture_method", "currency", "customer",
    "excluded_payment_method_types", "metadata", "payment_method", "payment_method_data", "payment_method_options",
    "setup_future_usage", "shipping",
}  # fmt: skip
_CREATING = _CONFIRMING | _UPDATING | {"automatic_payment_methods", "confirm", "confirmation_method"}
_ONLY_CONFIRMING = ("error_on_requires_action", "mandate", "mandate_data", "off_session", "return_url")
_BEFORE_PAYMENT = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/payment_intents, with `confirm` tried at once.

    InvalidRequest: amount_too_small, amount_too_large, no method that fits; CardRefused when the method refuses.
    """
    modelled(params, _CREATING, "payment intents")
    if not params.get("confirm"):
        _refuse(params, _ONLY_CONFIRMING, "This parameter can only be used with `confirm=true`.")
    currency = currency_code(params["currency"])
    customer = params.get("customer")
    if customer is not None:
        customer = work.edit("customer", customer, param="customer")["id"]
    terms = {name: cleared(params[name]) for name in _TEXTS if name in params}
    method = intent_methods.given(work, params, customer)
    intent = payment_intents.create(
        work,
        _amount(params["amount"], currency),
        currency,
        customer,
        terms.pop("description", None),
        **terms,
        **_methods(params, currency),
        capture_method=params.get("capture_method", "automatic_async"),
        confirmation_method=params.get("confirmation_method", "automatic"),
        metadata=new_metadata(params.get("metadata")),
        payment_method=method["id"] if method else None,
        setup_future_usage=params.get("setup_future_usage"),
        shipping=charges.shipping(params["shipping"]) if "shipping" in params else None,
        status="requires_confirmation" if method else "requires_payment_method",
    )
    return _confirmed(work, intent, params) if params.get("confirm") else intent


def update(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/payment_intents/{id}: texts and metadata always, the rest before it is paid.

    InvalidRequest: payment_intent_unexpected_state, with the intent.
    """
    modelled(params, _UPDATING, "updating a payment intent")
    intent = work.edit(KIND, intent_id)
    if intent["status"] not in _BEFORE_PAYMENT:
        for name in params:
            if name not in (*_TEXTS, "metadata", "expand"):
                raise _unexpected(
                    intent,
                    f"This PaymentIntent's {name} could not be updated because it has a status of {intent['status']}. "
                    f"You may only update the {name} of a PaymentIntent with one of the following statuses: "
                    f"{', '.join(_BEFORE_PAYMENT)}.",
                    param=name,
                )
    _assign(work, intent, params)
    return intent


def confirm(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/payment_intents/{id}/confirm.

    InvalidRequest: payment_intent_unexpected_state when it is paid, canceled or without a method; CardRefused when
    the method refuses.
    """
    modelled(params, _CONFIRMING, "confirming a payment intent")
    intent = work.edit(KIND, intent_id)
    if intent["status"] not in _BEFORE_PAYMENT:
        raise _unexpected(intent, _why_not_confirmed(intent))
    _assign(work, intent, {name: value for name, value in params.items() if name in _UPDATING})
    return _confirmed(work, intent, params)


def capture(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/payment_intents/{id}/capture of what is held, `amount_to_capture` at most; the rest is let go."""
    known = {"amount_to_capture", "metadata", "statement_descriptor", "statement_descriptor_suffix", "final_capture"}
    modelled(params, known, "capturing a payment intent")
    intent = work.edit(KIND, intent_id)
    if intent["status"] != "requires_capture":
        raise _unexpected(
            intent,
            f"This PaymentIntent could not be captured because it has a status of {intent['status']}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture.",
        )
    if not params.get("final_capture", True):
        raise NotModelled("several captures of one payment intent", param="final_capture")
    amount: Any = params.get("amount_to_capture", intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        raise InvalidRequest(
            f"You may only capture up to the amount that is held, {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    amount = _amount(amount, intent["currency"], param="amount_to_capture")
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        if name in params:
            intent[name] = cleared(params[name])
    payment_intents.capture(work, intent_id, amount)
    payment_outcomes.captured(work, intent)
    return intent


def cancel(work: Work, params: Obj, intent_id: str) -> Obj:
    """POST /v1/payment_intents/{id}/cancel; what a card holds is let go. Not for intents of invoices."""
    intent = work.edit(KIND, intent_id)
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(
            intent,
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a "
            f"PaymentIntent with one of the following statuses may be canceled: {', '.join(_CANCELABLE)}.",
        )
    if intent["status"] != "requires_capture":
        _refuse_of_session(work, intent, "cancel")
    if invoice_payments.invoice_of(work, intent_id) is not None:
        raise InvalidRequest("You cannot cancel a PaymentIntent that belongs to an invoice; void the invoice instead.")
    return payment_intents.cancel(work, intent_id, params.get("cancellation_reason"))


def _confirmed(work: Work, intent: Obj, params: Obj) -> Obj:
    aside = intent.setdefault("_", {})
    if "return_url" in params:
        aside["return_url"] = web_address(params["return_url"], "return_url")
    method_id = intent["payment_method"]
    if method_id is None:
        raise _unexpected(intent, _missing_method(intent))
    _refuse_of_session(work, intent, "confirm")
    method = work.edit(payment_methods.KIND, method_id)
    off_session = bool(params.get("off_session"))
    intent_methods.check(intent, method, off_session=off_session)
    intent_methods.take_mandate(work, intent, method, params)
    asks = not off_session and not params.get("error_on_requires_action")
    authenticated = aside.pop("authenticated", None) == method_id
    invoice_id = invoice_payments.invoice_of(work, intent["id"])
    if invoice_id is not None:
        collection.collect(work, invoice_id, method_id, authenticated=authenticated, off_session=off_session)
    else:
        payment_intents.confirm(
            work, intent["id"], method_id, authenticated=authenticated, off_session=off_session, asks=asks
        )
    if intent["status"] == "requires_payment_method":
        raise payment_intents.refusal_of(work, intent)
    return intent


def _refuse_of_session(work: Work, intent: Obj, verb: str) -> None:
    if checkout_payment.session_of_intent(work, intent["id"]) is not None:
        raise InvalidRequest(
            f"You cannot {verb} this PaymentIntent because a Checkout Session made it. Expire the session instead."
        )


def _assign(work: Work, intent: Obj, params: Obj) -> None:
    _assign_plain(intent, params)
    if "customer" in params:
        if intent["customer"] not in (None, params["customer"]):
            raise InvalidRequest("You cannot modify `customer` on a PaymentIntent once it already has been set.")
        intent["customer"] = work.edit("customer", params["customer"], param="customer")["id"]
    if "currency" in params:
        intent["currency"] = currency_code(params["currency"])
    if {"amount", "currency"} & set(params):
        amount: Any = params.get("amount", intent["amount"])
        intent["amount"] = _amount(amount, intent["currency"])
    if {"currency", "allowed_payment_method_types", "excluded_payment_method_types", "payment_method_options"} & set(
        params
    ):
        intent.update(_methods(params, intent["currency"], intent))
    method = intent_methods.given(work, params, intent["customer"], intent)
    if method is not None:
        intent.update(payment_method=method["id"], next_action=None, status="requires_confirmation")


def _assign_plain(intent: Obj, params: Obj) -> None:
    for name in (*_TEXTS, "capture_method", "setup_future_usage"):
        if name in params:
            intent[name] = cleared(params[name])
    if "shipping" in params:
        intent["shipping"] = charges.shipping(params["shipping"])
    intent["metadata"] = merged_metadata(intent["metadata"], params.get("metadata"))


def _methods(params: Obj, currency: str, intent: Obj | None = None) -> Obj:
    """The fields that say which methods the intent takes, and how."""
    former = intent or {"automatic_payment_methods": None, "allowed_payment_method_types": None}
    allowed = params.get("allowed_payment_method_types", former["allowed_payment_method_types"]) or None
    excluded = params.get("excluded_payment_method_types", former.get("excluded_payment_method_types")) or None
    automatic: Any = former["automatic_payment_methods"]
    if intent is None:
        given = params.get("automatic_payment_methods", {"enabled": allowed is None})
        redirects = given.get("allow_redirects", "always")
        automatic = {"allow_redirects": redirects, "enabled": True} if given["enabled"] else None
    elif allowed is not None:
        automatic = None
    types = types_for(currency, allowed, excluded, redirects=(automatic or {}).get("allow_redirects") != "never")
    options = options_for(types)
    intent_methods.set_options(options, (former.get("payment_method_options") or {}), options.keys())
    intent_methods.set_options(options, params.get("payment_method_options", {}), options.keys())
    return {
        "allowed_payment_method_types": allowed,
        "automatic_payment_methods": automatic,
        "excluded_payment_method_types": excluded,
        "payment_method_options": options,
        "payment_method_types": types,
    }


def _amount(amount: int, currency: str, *, param: str = "amount") -> int:
    if amount < 1:
        raise InvalidRequest(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param
        )
    least = smallest_charge(currency)
    if amount < least:
        raise InvalidRequest(
            f"Amount must be at least {formatted(least, currency)} {currency}", code="amount_too_small", param=param
        )
    check_largest(amount, currency, param=param)
    return whole_amount(amount, currency, param=param)


def _unexpected(intent: Obj, message: str, *, param: str | None = None) -> InvalidRequest:
    return InvalidRequest(message, code="payment_intent_unexpected_state", param=param, payment_intent=copied(intent))


def _why_not_confirmed(intent: Obj) -> str:
    if intent["status"] == "succeeded":
        return (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
        )
    return (
        f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
        f"with one of the following statuses may be confirmed: {', '.join(_BEFORE_PAYMENT)}."
    )


def _missing_method(intent: Obj) -> str:
    missing = "You cannot confirm this PaymentIntent because it's missing a payment method."
    if intent["customer"] is None:
        return (
            f"{missing} You can either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method."
        )
    return (
        f"{missing} To confirm the PaymentIntent with {intent['customer']}, specify a payment method attached to "
        "this customer along with the customer ID."
    )


def _refuse(params: Obj, names: tuple[str, ...], message: str) -> None:
    for name in names:
        if name in params:
            raise InvalidRequest(message, param=name)
