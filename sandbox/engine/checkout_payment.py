"""Paying a Checkout session: what the hosted page does when the payer presses its button.

Order of the facts of a paid session: payment_method.attached, customer.subscription.created
(incomplete), invoice.created, invoice.finalized, charge.succeeded, payment_intent.succeeded,
invoice.updated, invoice.paid, invoice.payment_succeeded, customer.subscription.updated (active),
checkout.session.completed. A refused card leaves the session open and no subscription behind.
"""

import re
from dataclasses import dataclass

from ..errors import CardRefused, InvalidRequest
from . import (
    agenda,
    checkout_sessions,
    collection,
    customers,
    payment_intents,
    payment_methods,
    setup_intents,
    subscriptions,
)
from .fields import address
from .subscription_body import Start
from .work import Obj, Work, copied

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class CardEntry:
    """What the payer typed: the number with or without spaces, the expiry, the security code."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: `email` is needed when the session does not name one."""

    email: str | None = None
    name: str | None = None
    country: str | None = None
    postal_code: str | None = None


def submit(work: Work, session_id: str, payer: Payer, card: CardEntry | None) -> Obj:
    """The payer presses the button. Returns the session: complete, or open while 3-D Secure asks.

    A session that is complete already is returned as it is, so that pressing twice pays once.
    CardRefused: the card refuses (what the try made is kept) or is not a card at all.
    InvalidRequest: expired, no e-mail address, no card where one is needed.
    """
    found = checkout_sessions.retrieve(work, {}, session_id)
    if found["status"] == "complete":
        return found
    session = checkout_sessions.own(work, session_id)
    aside = work.edit(checkout_sessions.ASIDE, session_id)
    aside["payer"] = _payer(session, payer)
    if card is None:
        if needs_card(session):
            raise InvalidRequest("Enter a card number.", param="number")
        return _complete(work, session, aside)
    method = _method(work, card, aside["payer"])
    aside["method"] = method["id"]
    return _try(work, session, aside, authenticated=False)


def authenticate(work: Work, session_id: str, *, passed: bool) -> Obj:
    """The payer answered 3-D Secure; returns the completed session or raises CardRefused."""
    session = checkout_sessions.own(work, session_id)
    aside = work.edit(checkout_sessions.ASIDE, session_id)
    if not is_waiting(work, session_id):
        raise InvalidRequest("This Checkout Session is not waiting for authentication.")
    if passed:
        return _try(work, session, aside, authenticated=True)
    if aside["intent"].startswith("pi_"):
        intent = payment_intents.authentication_failed(work, aside["intent"])
        raise payment_intents.refusal_of(work, intent)
    setup = setup_intents.authentication_failed(work, aside["intent"])
    raise _setup_refusal(setup)


def needs_card(session: Obj) -> bool:
    """Whether the page must ask for a card: always, unless nothing is due and the session says so."""
    return bool(session["amount_total"] or session["payment_method_collection"] == "always")


def is_waiting(work: Work, session_id: str) -> bool:
    """Whether 3-D Secure waits for the payer's answer."""
    intent_id = work.read(checkout_sessions.ASIDE, session_id)["intent"]
    if intent_id is None:
        return False
    kind = payment_intents.KIND if intent_id.startswith("pi_") else setup_intents.KIND
    return bool(work.read(kind, intent_id)["status"] == "requires_action")


def session_of_intent(work: Work, intent_id: str) -> str | None:
    """The session whose payer the intent waits for, or None."""
    found = (aside["id"] for aside in work.all(checkout_sessions.ASIDE) if aside["intent"] == intent_id)
    return next(found, None)


def _try(work: Work, session: Obj, aside: Obj, *, authenticated: bool) -> Obj:
    if session["amount_total"] == 0:
        return _try_setup(work, session, aside, authenticated=authenticated)
    if aside["intent"] is None:
        intent = payment_intents.create(
            work, session["amount_total"], session["currency"], session["customer"], "Subscription creation"
        )
        aside["intent"] = intent["id"]
    declines = payment_intents.decline_ahead(work, session["customer"], aside["method"])
    asks = not authenticated and payment_methods.needs_authentication(work, aside["method"])
    if not asks and declines is None:
        return _complete(work, session, aside, authenticated=authenticated)
    intent = payment_intents.confirm(work, aside["intent"], aside["method"], authenticated=authenticated)
    if intent["status"] == "requires_action":
        return session
    raise payment_intents.refusal_of(work, intent)


def _try_setup(work: Work, session: Obj, aside: Obj, *, authenticated: bool) -> Obj:
    if aside["intent"] is None:
        aside["intent"] = setup_intents.create(work, session["customer"])["id"]
    intent = setup_intents.confirm(work, aside["intent"], aside["method"], authenticated=authenticated)
    if intent["status"] == "requires_action":
        return session
    if intent["status"] != "succeeded":
        raise _setup_refusal(intent)
    return _complete(work, session, aside)


def _complete(work: Work, session: Obj, aside: Obj, *, authenticated: bool = False) -> Obj:
    customer = _customer(work, session, aside)
    method_id = aside["method"]
    if method_id is not None:
        _attach(work, method_id, customer["id"])
    start = _start(work, session, aside, customer["id"])
    paying = aside["intent"] if session["amount_total"] else None
    if aside["intent"] is not None:
        kind = payment_intents.KIND if paying else setup_intents.KIND
        work.edit(kind, aside["intent"])["customer"] = customer["id"]
    subscription, invoice = subscriptions.start(work, start, intent_id=paying)
    if invoice["amount_due"]:
        collection.collect(work, invoice["id"], method_id, authenticated=authenticated)
    agenda.drop(work, "checkout.session.expire", session["id"])
    session.update(
        status="complete",
        url=None,
        customer=customer["id"],
        subscription=subscription["id"],
        invoice=invoice["id"],
        payment_status="paid" if invoice["amount_due"] else "no_payment_required",
        customer_details=_details(customer, aside["payer"]),
    )
    work.emit("checkout.session.completed", session)
    return session


def _payer(session: Obj, given: Payer) -> Obj:
    known = session["customer_details"] or {}
    email = known.get("email") or given.email
    if not email or not _EMAIL.fullmatch(email):
        raise InvalidRequest("Enter a valid e-mail address.", param="email")
    place = {"country": given.country, "postal_code": given.postal_code}
    return {"email": email, "name": given.name, "address": address({k: v for k, v in place.items() if v})}


def _method(work: Work, entry: CardEntry, payer: Obj) -> Obj:
    card = payment_methods.by_number(entry.number)
    payment_methods.check_expiry(work, entry.exp_month, entry.exp_year)
    if not re.fullmatch(r"\d{4}" if card.brand == "amex" else r"\d{3}", entry.cvc):
        raise CardRefused("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    method = payment_methods.from_card(work, card, entry.exp_month, entry.exp_year)
    method["allow_redisplay"] = "limited"
    method["billing_details"].update(email=payer["email"], name=payer["name"], address=copied(payer["address"]))
    return method


def _customer(work: Work, session: Obj, aside: Obj) -> Obj:
    payer = aside["payer"]
    given = {"email": payer["email"], "name": payer["name"], "address": payer["address"]}
    if session["customer"] is None:
        return customers.create(work, {key: value for key, value in given.items() if value})
    updates = aside["customer_update"]
    wanted = {key: payer[key] for key in ("name", "address") if updates.get(key) == "auto" and payer[key]}
    known = work.edit("customer", session["customer"])
    if known["email"] is None:
        wanted["email"] = payer["email"]
    return customers.update(work, wanted, known["id"]) if wanted else known


def _attach(work: Work, method_id: str, customer_id: str) -> None:
    method = work.edit(payment_methods.KIND, method_id)
    method["customer"] = customer_id
    work.emit("payment_method.attached", method)


def _start(work: Work, session: Obj, aside: Obj, customer_id: str) -> Start:
    data = aside["subscription_data"]
    return Start(
        customer=customer_id,
        items=[(item["price"], item["quantity"], {}) for item in aside["line_items"]],
        metadata=dict(data.get("metadata", {})),
        trial_end=checkout_sessions.trial_end_of(work, session["id"]),
        default_payment_method=aside["method"],
        description=data.get("description"),
        automatic_tax=session["automatic_tax"]["enabled"],
        trial_settings=data.get("trial_settings"),
        billing_mode=data.get("billing_mode"),
    )


def _details(customer: Obj, payer: Obj) -> Obj:
    return {
        "address": copied(payer["address"]),
        "business_name": None,
        "email": payer["email"],
        "individual_name": None,
        "name": payer["name"] or customer["name"],
        "phone": customer["phone"],
        "tax_exempt": customer["tax_exempt"],
        "tax_ids": [],
    }


def _setup_refusal(intent: Obj) -> CardRefused:
    error = intent["last_setup_error"]
    return CardRefused(
        error["message"], code=error["code"], decline_code=error["decline_code"], setup_intent=copied(intent)
    )
