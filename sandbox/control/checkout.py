"""Do on the Checkout page what a person would do there."""

from typing import Any

from .. import bank_accounts
from ..deliveries import races
from ..engine import checkout_payment, checkout_sessions
from ..engine.checkout_methods import BankEntry, CardEntry, Entry, PayPalEntry, SavedEntry
from ..engine.checkout_payment import Payer
from ..engine.work import shown
from ..world import World
from .calls import Body, Route, known

_PAYER = (
    "email", "name", "line1", "line2", "city", "state", "postal_code", "country", "phone", "business_name", "tax_id",
    "saves", "accepts_terms", "fields",
)  # fmt: skip
_METHOD = ("card", "exp_month", "exp_year", "cvc", "bank_account", "paypal", "payment_method", "three_d_secure")


def pay(world: World, body: Body, session_id: str) -> Any:
    """Fills in the form, answers 3-D Secure or PayPal (`three_d_secure`), and returns the session."""
    known(body, *_PAYER, *_METHOD)
    submit = checkout_payment.submit
    session = world.store.run(races.announced_late, submit, session_id, _payer(body), _entry(body))
    if session["status"] == "open" and "three_d_secure" in body:
        passed = body["three_d_secure"] == "complete"
        authenticate = checkout_payment.authenticate
        session = world.store.run(races.announced_late, authenticate, session_id, passed=passed)
    return shown(session)


def code(world: World, body: Body, session_id: str) -> Any:
    """Enters the promotion code `code`; without one, takes back what was entered. Returns the session."""
    known(body, "code")
    if body.get("code"):
        return shown(world.store.run(checkout_sessions.apply_code, session_id, str(body["code"])))
    return shown(world.store.run(checkout_sessions.remove_code, session_id))


def expire(world: World, body: Body, session_id: str) -> Any:
    """Ends the session."""
    known(body)
    return shown(world.store.run(checkout_sessions.expire, {}, session_id))


def _payer(body: Body) -> Payer:
    given = {name: body[name] for name in _PAYER if name in body}
    if "tax_id" in given:
        kind, _, value = str(given["tax_id"]).partition(":")
        given["tax_id"] = (kind, value)
    return Payer(**{"email": "payer@example.com", "accepts_terms": True, **given})


def _entry(body: Body) -> Entry | None:
    if body.get("payment_method"):
        return SavedEntry(str(body["payment_method"]))
    if body.get("paypal"):
        return PayPalEntry()
    if body.get("bank_account"):
        number = str(body["bank_account"])
        if number[:1].isalpha():
            return BankEntry("sepa_debit", number)
        return BankEntry("us_bank_account", number, bank_accounts.ROUTING_NUMBER)
    if not body.get("card"):
        return None
    number = str(body["card"])
    return CardEntry(
        number=number,
        exp_month=int(body.get("exp_month", 12)),
        exp_year=int(body.get("exp_year", 2034)),
        cvc=str(body.get("cvc", "1234" if number.startswith("3") else "123")),
    )


ROUTES: list[Route] = [
    ("POST", "/_sandbox/checkout/<session_id>/pay", pay),
    ("POST", "/_sandbox/checkout/<session_id>/code", code),
    ("POST", "/_sandbox/checkout/<session_id>/expire", expire),
]
