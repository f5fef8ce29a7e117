"""Do on the Checkout page what a person would do there."""

from typing import Any

from ..deliveries import races
from ..engine import checkout_payment, checkout_sessions
from ..engine.checkout_payment import CardEntry, Payer
from ..world import World
from .calls import Body, Route


def pay(world: World, body: Body, session_id: str) -> Any:
    """Types the card, answers 3-D Secure, and returns the session."""
    payer = Payer(
        email=body.get("email", "payer@example.com"),
        name=body.get("name"),
        country=body.get("country"),
        postal_code=body.get("postal_code"),
    )
    submit = checkout_payment.submit
    session = world.store.run(races.announced_late, submit, session_id, payer, _card(body))
    if session["status"] == "open" and "three_d_secure" in body:
        passed = body["three_d_secure"] == "complete"
        authenticate = checkout_payment.authenticate
        session = world.store.run(races.announced_late, authenticate, session_id, passed=passed)
    return session


def expire(world: World, _body: Body, session_id: str) -> Any:
    """Ends the session."""
    return world.store.run(checkout_sessions.expire, {}, session_id)


def _card(body: Body) -> CardEntry | None:
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
    ("POST", "/_sandbox/checkout/<session_id>/expire", expire),
]
