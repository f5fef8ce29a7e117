"""Payment methods: cards, attached to a customer or waiting for one.

The card number is never stored with the object; `_card` keeps which test card stands behind it.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .. import cards
from ..cards import Card, Decline
from ..errors import CardRefused, InvalidRequest, ResourceMissing, modelled
from .fields import address, cleared, merged_metadata, new_metadata, where
from .work import Obj, Work, copied

KIND = "payment_method"
_BEHIND = "_card"
_BILLING = ("email", "name", "phone", "tax_id")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/payment_methods, type card by number or by a ready-made token."""
    known = {"type", "card", "billing_details", "metadata", "allow_redisplay"}
    modelled(params, known, "payment methods")
    if params.get("type") != "card" or "card" not in params:
        raise InvalidRequest("The sandbox makes payment methods of type card only.", param="type")
    given = params["card"]
    if "token" in given:
        card = cards.by_token(given["token"])
        if card is None:
            raise ResourceMissing("token", given["token"], param="card[token]")
        method = from_card(work, card)
    else:
        card = by_number(given.get("number", ""))
        check_expiry(work, given.get("exp_month", 0), given.get("exp_year", 0))
        method = from_card(work, card, given["exp_month"], given["exp_year"])
    _assign(method, params)
    return method


def retrieve(work: Work, _params: Obj, payment_method_id: str) -> Obj:
    """GET /v1/payment_methods/{id}; the ready-made pm_card_* ids answer too."""
    ready_made = cards.by_payment_method(payment_method_id)
    if ready_made is not None:
        return _body(work, ready_made, payment_method_id)
    return work.read(KIND, payment_method_id)


def retrieve_of_customer(work: Work, _params: Obj, customer_id: str, payment_method_id: str) -> Obj:
    """GET /v1/customers/{customer}/payment_methods/{id}."""
    work.edit("customer", customer_id)
    method = work.read(KIND, payment_method_id)
    if method["customer"] != customer_id:
        raise ResourceMissing("PaymentMethod", payment_method_id)
    return method


def update(work: Work, params: Obj, payment_method_id: str) -> Obj:
    """POST /v1/payment_methods/{id}: billing details, expiry and metadata of an attached method."""
    modelled(params, {"allow_redisplay", "billing_details", "card", "metadata"}, "payment methods")
    method = work.edit(KIND, payment_method_id)
    if method["customer"] is None:
        raise InvalidRequest("You must save this PaymentMethod to a customer before you can update it.")
    before = copied(method)
    expiry = params.get("card", {})
    for name in ("exp_month", "exp_year"):
        if name in expiry:
            method["card"][name] = expiry[name]
    _assign(method, params)
    work.emit_updated("payment_method.updated", before, method)
    return method


def attach(work: Work, params: Obj, payment_method_id: str) -> Obj:
    """POST /v1/payment_methods/{id}/attach.

    CardRefused when the card refuses to be saved (the decline cards; 0341 attaches and fails later);
    InvalidRequest when it belongs to another customer or was detached before.
    """
    if "customer" not in params:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = work.edit("customer", params["customer"], param="customer")
    ready_made = cards.by_payment_method(payment_method_id)
    method = from_card(work, ready_made) if ready_made else work.edit(KIND, payment_method_id)
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise InvalidRequest("The payment method you provided has already been attached to a customer.")
    behind = _behind(work, method["id"])
    if behind.get("detached"):
        raise InvalidRequest(
            "This PaymentMethod was previously used without being attached to a Customer or was detached "
            "from a Customer, and may not be used again."
        )
    refusal = card_of(work, method["id"]).attach
    if refusal is not None:
        raise refused(refusal)
    method["customer"] = customer["id"]
    work.emit("payment_method.attached", method)
    return method


def detach(work: Work, _params: Obj, payment_method_id: str) -> Obj:
    """POST /v1/payment_methods/{id}/detach: for good; defaults that named it are cleared."""
    method = work.edit(KIND, payment_method_id)
    customer_id = method["customer"]
    if customer_id is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    _forget_defaults(work, customer_id, payment_method_id)
    method["customer"] = None
    work.edit(_BEHIND, payment_method_id)["detached"] = True
    work.emit("payment_method.detached", method, {"customer": customer_id})
    return method


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/payment_methods: attached ones, of one `customer` when named."""
    if "customer" in params:
        work.read("customer", params["customer"], param="customer")
    for method in where(work.all(KIND), params, "customer", "type", "allow_redisplay"):
        if method["customer"] is not None:
            yield method


def listing_of_customer(work: Work, params: Obj, customer_id: str) -> Iterator[Obj]:
    """GET /v1/customers/{id}/payment_methods."""
    work.edit("customer", customer_id)
    return where(work.all(KIND), {**params, "customer": customer_id}, "customer", "type", "allow_redisplay")


def from_card(work: Work, card: Card, exp_month: int | None = None, exp_year: int | None = None) -> Obj:
    """A new, unattached payment method for a test card; without an expiry, one some years ahead."""
    method = _body(work, card, work.new_id("pm"))
    method["card"]["exp_month"] = exp_month or method["card"]["exp_month"]
    method["card"]["exp_year"] = exp_year or method["card"]["exp_year"]
    work.add(_BEHIND, {"id": method["id"], "number": card.number, "set_up": False, "detached": False})
    return work.add(KIND, method)


def card_of(work: Work, payment_method_id: str) -> Card:
    """The test card behind a payment method."""
    return cards.BY_NUMBER[_behind(work, payment_method_id)["number"]]


def needs_authentication(work: Work, payment_method_id: str) -> bool:
    """Whether 3-D Secure asks the payer now."""
    step = card_of(work, payment_method_id).authenticate
    if step == "until_set_up":
        return not _behind(work, payment_method_id)["set_up"]
    return step == "always"


def mark_set_up(work: Work, payment_method_id: str) -> None:
    """Records that the payer authenticated the card for later payments."""
    work.edit(_BEHIND, payment_method_id)["set_up"] = True


def by_number(number: str) -> Card:
    """The test card of that number; CardRefused for one that is not a card or not a test card."""
    digits = number.replace(" ", "").replace("-", "")
    if not cards.luhn_valid(digits):
        raise CardRefused("Your card number is incorrect.", code="incorrect_number", param="number")
    card = cards.BY_NUMBER.get(digits)
    if card is None:
        decline = cards.Decline(
            "card_declined",
            "live_mode_test_card",
            "Your card was declined. This sandbox accepts the listed test cards only.",
        )
        raise refused(decline)
    return card


def check_expiry(work: Work, month: int, year: int) -> None:
    """CardRefused when the month is none or the card is past its expiry (the month itself counts)."""
    if not 1 <= month <= 12:
        raise CardRefused("Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month")
    today = datetime.fromtimestamp(work.now, UTC)
    if not (today.year, today.month) <= (year, month) <= (today.year + 50, 12):
        raise CardRefused("Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year")


def refused(decline: Decline, **extra: Any) -> CardRefused:
    """The card_error of a decline."""
    return CardRefused(decline.message, code=decline.code, decline_code=decline.decline_code, **extra)


def _behind(work: Work, payment_method_id: str) -> Obj:
    return work.read(_BEHIND, payment_method_id)


def _body(work: Work, card: Card, payment_method_id: str) -> Obj:
    return {
        "id": payment_method_id,
        "object": KIND,
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, **dict.fromkeys(_BILLING)},
        "card": {
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": 12,
            "exp_year": datetime.fromtimestamp(work.now, UTC).year + 4,
            "fingerprint": hashlib.sha256(card.number.encode()).hexdigest()[:16],
            "funding": "debit" if card.name.endswith("debit") else "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": work.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def _assign(method: Obj, params: Obj) -> None:
    details = params.get("billing_details", {})
    for name in _BILLING:
        if name in details:
            method["billing_details"][name] = cleared(details[name])
    if "address" in details:
        method["billing_details"]["address"] = address(details["address"])
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    if "metadata" in params:
        method["metadata"] = merged_metadata(method["metadata"] or new_metadata(None), params["metadata"])


def _forget_defaults(work: Work, customer_id: str, payment_method_id: str) -> None:
    customer = work.edit("customer", customer_id)
    before = copied(customer)
    if customer["invoice_settings"]["default_payment_method"] == payment_method_id:
        customer["invoice_settings"]["default_payment_method"] = None
        work.emit_updated("customer.updated", before, customer)
    for found in list(work.all("subscription")):
        if found["default_payment_method"] == payment_method_id:
            subscription = work.edit("subscription", found["id"])
            subscription["default_payment_method"] = None
            work.emit("customer.subscription.updated", subscription, {"default_payment_method": payment_method_id})
