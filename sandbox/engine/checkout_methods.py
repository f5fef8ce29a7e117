"""How the payer of a Checkout session pays: a card or bank account typed in, PayPal, or a method saved before."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from ..errors import CardRefused, InvalidRequest, ResourceMissing
from . import payment_methods
from .work import Obj, Work, copied


@dataclass(frozen=True, slots=True)
class CardEntry:
    """What the payer typed: the number with or without spaces, the expiry, the security code."""

    number: str
    exp_month: int
    exp_year: int
    cvc: str


@dataclass(frozen=True, slots=True)
class BankEntry:
    """A bank account typed in: `number` is an IBAN for sepa_debit, else it goes with a routing number."""

    type: str
    number: str
    routing_number: str | None = None


@dataclass(frozen=True, slots=True)
class PayPalEntry:
    """The payer wants to pay with PayPal, where he is sent next."""


@dataclass(frozen=True, slots=True)
class SavedEntry:
    """The payer chose a saved method, by its id."""

    method: str


Entry: TypeAlias = CardEntry | BankEntry | PayPalEntry | SavedEntry


def method_for(work: Work, session: Obj, entry: Entry, payer: Obj) -> Obj:
    """The payment method that the payer's choice makes or names.

    CardRefused for what is no test card, or not offered; InvalidRequest for an account that is none and for a
    saved method that is not the session's.
    """
    if isinstance(entry, SavedEntry):
        found = next((method for method in saved(work, session) if method["id"] == entry.method), None)
        if found is None:
            raise InvalidRequest("Choose a payment method.", code="payment_method_unavailable", param="method")
        return found
    if type_of(entry) not in session["payment_method_types"]:
        raise InvalidRequest("Choose a payment method.", code="payment_method_unavailable", param="method")
    method = new_method(work, entry, payer)
    method["allow_redisplay"] = _redisplay(session, saves=payer["saves"])
    method["billing_details"].update(
        email=payer["email"], name=payer["name"], phone=payer["phone"], address=copied(payer["address"])
    )
    return method


def new_method(work: Work, entry: CardEntry | BankEntry | PayPalEntry, payer: Obj) -> Obj:
    """A new payment method of what was typed, unattached; `payer` has `name` and `email`. Errors: see method_for."""
    if isinstance(entry, CardEntry):
        return _from_card(work, entry)
    if isinstance(entry, BankEntry):
        return _from_account(work, entry, payer)
    return payment_methods.create(work, {"type": "paypal"})


def type_of(entry: CardEntry | BankEntry | PayPalEntry) -> str:
    """The type of payment method that an entry makes."""
    if isinstance(entry, BankEntry):
        return entry.type
    return "card" if isinstance(entry, CardEntry) else "paypal"


def saved(work: Work, session: Obj) -> Iterator[Obj]:
    """The customer's methods that the page offers: attached, of the session's types, not expired, and of an
    `allow_redisplay` that the session lets through. Newest first.
    """
    options = session["saved_payment_method_options"]
    if session["customer"] is None or options is None:
        return
    today = datetime.fromtimestamp(work.now, UTC)
    for method in work.all(payment_methods.KIND):
        if method["customer"] != session["customer"] or method["type"] not in session["payment_method_types"]:
            continue
        if method["allow_redisplay"] not in options["allow_redisplay_filters"]:
            continue
        card = method.get("card")
        if card is None or (card["exp_year"], card["exp_month"]) >= (today.year, today.month):
            yield method


def may_remove(session: Obj) -> bool:
    """Whether the payer may take saved methods away."""
    return bool((session["saved_payment_method_options"] or {}).get("payment_method_remove") == "enabled")


def may_save(session: Obj) -> bool:
    """Whether the page asks if the method shall be kept for the next time."""
    options = session["saved_payment_method_options"] or {}
    return bool(options.get("payment_method_save") == "enabled" and session["mode"] != "setup")


def remove_saved(work: Work, session: Obj, method_id: str) -> None:
    """The payer takes one of his saved methods away, for good; InvalidRequest when the session does not let him."""
    if not may_remove(session):
        raise InvalidRequest("This Checkout Session does not let payment methods be removed.", param="method")
    if all(method["id"] != method_id for method in saved(work, session)):
        raise ResourceMissing("PaymentMethod", method_id, param="method")
    payment_methods.detach(work, {}, method_id)


def _redisplay(session: Obj, *, saves: bool) -> str:
    """The `allow_redisplay` of a new method: `always` when the payer wants to see it again."""
    if saves:
        return "always"
    given: str = session["_"]["payment_method_data"].get("allow_redisplay", "limited")
    return given


def _from_card(work: Work, entry: CardEntry) -> Obj:
    card = payment_methods.by_number(entry.number)
    payment_methods.check_expiry(work, entry.exp_month, entry.exp_year)
    if not re.fullmatch(r"\d{4}" if card.brand == "amex" else r"\d{3}", entry.cvc):
        raise CardRefused("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    return payment_methods.from_card(work, card, entry.exp_month, entry.exp_year)


def _from_account(work: Work, entry: BankEntry, payer: Obj) -> Obj:
    if not payer["name"]:
        raise InvalidRequest("Enter the name of the account's holder.", code="name_missing", param="name")
    details: Obj = {"iban": entry.number}
    if entry.type == "us_bank_account":
        details = {
            "account_holder_type": "individual",
            "account_number": entry.number,
            "routing_number": entry.routing_number or "",
        }
    billing = {"name": payer["name"], "email": payer["email"]}
    return payment_methods.create(work, {"type": entry.type, entry.type: details, "billing_details": billing})
