"""Paying a Checkout session: what the hosted page does when the payer presses its button.

Order of the facts of a paid session: payment_method.attached, customer.subscription.created (incomplete),
invoice.created, invoice.finalized, charge.succeeded, payment_intent.succeeded, invoice.updated, invoice.paid,
invoice.payment_succeeded, customer.subscription.updated (active), checkout.session.completed. A refused method
leaves the session open and no subscription behind. What completes a session is in checkout_completion.py.
"""

import re
from dataclasses import dataclass, field

from ..errors import InvalidRequest
from . import (
    checkout_completion,
    checkout_fields,
    checkout_methods,
    checkout_sessions,
    checkout_totals,
    customer_balance,
    payment_intents,
    payment_methods,
    setup_intents,
)
from .checkout_methods import Entry
from .fields import ADDRESS_KEYS, address
from .work import Obj, Work

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: `email` is needed when the session does not name one. `saves`: wants to see the method again."""

    email: str | None = None
    name: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    phone: str | None = None
    business_name: str | None = None
    tax_id: tuple[str, str] | None = None  # type, value
    saves: bool = False
    accepts_terms: bool = False
    fields: dict[str, str] = field(default_factory=dict)  # answers to custom fields, by key
    seen_total: int | None = None  # what the page showed, in minor units


def submit(work: Work, session_id: str, payer: Payer, entry: Entry | None) -> Obj:
    """The payer presses the button. Returns the session: complete, or open while the payer is asked elsewhere, or
    open because it costs another amount than he saw: taxes follow from the address that he typed.

    A session that is complete already is returned as it is, so that pressing twice pays once.
    CardRefused: the method refuses (what the try made is kept) or is none at all.
    InvalidRequest: expired, something that must be filled in is wrong, no method where one is needed.
    """
    found = checkout_sessions.retrieve(work, {}, session_id)
    if found["status"] == "complete":
        return found
    session = checkout_sessions.own(work, session_id)
    session["_"]["payer"] = _payer(session, payer)
    checkout_fields.answer(session["custom_fields"], payer.fields)
    if session["automatic_tax"]["enabled"]:
        checkout_totals.refresh(work, session)
    if payer.seen_total not in (None, session["amount_total"]):
        return session
    if not needs_method(work, session):
        _leave_intent(work, session)
        return checkout_completion.complete(work, session)
    if entry is None:
        raise InvalidRequest("Enter a card number.", param="number")
    session["_"]["method"] = checkout_methods.method_for(work, session, entry, session["_"]["payer"])["id"]
    return _try(work, session, authenticated=False)


def authenticate(work: Work, session_id: str, *, passed: bool) -> Obj:
    """The payer answered 3-D Secure or PayPal; returns the completed session or raises CardRefused."""
    session = checkout_sessions.own(work, session_id)
    if not is_waiting(work, session_id):
        raise InvalidRequest("This Checkout Session is not waiting for authentication.")
    intent_id = session["_"]["intent"]
    if passed:
        return _try(work, session, authenticated=True)
    if intent_id.startswith("pi_"):
        intent = payment_intents.authentication_failed(work, intent_id)
        raise payment_intents.refusal_of(work, intent)
    raise setup_intents.refusal_of(setup_intents.authentication_failed(work, intent_id))


def due(work: Work, session: Obj) -> int:
    """What paying takes now (minor units): in subscription mode after the customer's balance."""
    total: int = session["amount_total"] or 0
    if session["mode"] != "subscription" or session["customer"] is None:
        return total
    balance = work.read("customer", session["customer"])["balance"]
    return customer_balance.settle(total, balance, session["currency"]).due


def needs_method(work: Work, session: Obj) -> bool:
    """Whether the page must ask for a payment method: unless nothing is due and the session says so."""
    if session["mode"] == "setup" or due(work, session):
        return True
    return bool(session["mode"] == "subscription" and session["payment_method_collection"] == "always")


def is_waiting(work: Work, session_id: str) -> bool:
    """Whether 3-D Secure or PayPal waits for the payer's answer."""
    intent_id = work.read(checkout_sessions.KIND, session_id)["_"]["intent"]
    return intent_id is not None and bool(_intent(work, intent_id)["status"] == "requires_action")


def session_of_intent(work: Work, intent_id: str) -> str | None:
    """The session whose payer the intent waits for, or None."""
    found = (each["id"] for each in work.all(checkout_sessions.KIND) if each.get("_", {}).get("intent") == intent_id)
    return next(found, None)


def _try(work: Work, session: Obj, *, authenticated: bool) -> Obj:
    amount = due(work, session)
    if amount == 0:
        return _try_setup(work, session, authenticated=authenticated)
    intent = _payment_intent(work, session, amount)
    method_id = session["_"]["method"]
    delayed = work.read(payment_methods.KIND, method_id)["type"] in payment_methods.DELAYED
    declines = None if delayed else payment_intents.decline_ahead(work, session["customer"], method_id)
    asks = not authenticated and payment_methods.needs_authentication(work, method_id, off_session=False)
    if not asks and declines is None:
        return checkout_completion.complete(work, session, authenticated=authenticated)
    intent = payment_intents.confirm(work, intent["id"], method_id, authenticated=authenticated, off_session=False)
    if intent["status"] == "requires_action":
        return session
    raise payment_intents.refusal_of(work, intent)


def _try_setup(work: Work, session: Obj, *, authenticated: bool) -> Obj:
    """Nothing is taken now: the method is saved for later."""
    intent = setup_intents.confirm(
        work, _setup_intent(work, session)["id"], session["_"]["method"], authenticated=authenticated
    )
    if intent["status"] == "requires_action":
        return session
    if intent["status"] != "succeeded":
        raise setup_intents.refusal_of(intent)
    return checkout_completion.complete(work, session)


def _payment_intent(work: Work, session: Obj, amount: int) -> Obj:
    """The intent of the payer's tries, over what is due now; one of another amount is given up."""
    intent_id = session["_"]["intent"]
    if intent_id is not None:
        intent = _intent(work, intent_id)
        if intent["object"] == payment_intents.KIND and intent["amount"] == amount:
            return intent
        _leave_intent(work, session)
    intent = checkout_completion.payment_intent(work, session, amount)
    session["_"]["intent"] = intent["id"]
    return intent


def _setup_intent(work: Work, session: Obj) -> Obj:
    intent_id = session["_"]["intent"]
    if intent_id is not None and _intent(work, intent_id)["object"] == setup_intents.KIND:
        return _intent(work, intent_id)
    _leave_intent(work, session)
    types = session["payment_method_types"]
    intent = setup_intents.create(
        work,
        session["customer"],
        payment_method_options=setup_intents.setup_options_for(types),
        payment_method_types=types,
    )
    session["_"]["intent"] = intent["id"]
    return intent


def _leave_intent(work: Work, session: Obj) -> None:
    """A former try that no longer fits, because a promotion code changed what is due."""
    intent_id, session["_"]["intent"] = session["_"]["intent"], None
    if intent_id is not None:
        checkout_sessions.cancel_intent(work, intent_id, "abandoned")


def _intent(work: Work, intent_id: str) -> Obj:
    return work.read(payment_intents.KIND if intent_id.startswith("pi_") else setup_intents.KIND, intent_id)


def _payer(session: Obj, given: Payer) -> Obj:
    known = session["customer_details"] or {}
    email = known.get("email") or given.email
    if not email or not _EMAIL.fullmatch(email):
        raise InvalidRequest("Enter a valid e-mail address.", param="email")
    if (session["consent_collection"] or {}).get("terms_of_service") == "required" and not given.accepts_terms:
        raise InvalidRequest("Accept the terms of service.", code="terms_required", param="terms")
    if session["billing_address_collection"] == "required":
        for part in ("line1", "city", "country"):
            if not getattr(given, part):
                raise InvalidRequest("Enter your full billing address.", code="address_incomplete", param=part)
    wants_phone = session["phone_number_collection"]["enabled"]
    kind, value = given.tax_id or (None, None)
    return {
        "email": email,
        "name": given.name,
        "phone": checkout_fields.phone(given.phone) if wants_phone else None,
        "address": address({key: part for key in ADDRESS_KEYS if (part := getattr(given, key))}),
        "business_name": given.business_name or None,
        "tax_ids": checkout_fields.tax_ids(session["tax_id_collection"], kind, value),
        "saves": given.saves and checkout_methods.may_save(session),
    }
