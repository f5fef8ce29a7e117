"""Do what a payer would do on the page that a payment or setup intent leads to, and what a Dashboard does."""

from typing import Any

from ..engine import payment_outcomes, payouts, refunds
from ..engine.work import shown
from ..world import World
from .calls import Body, Route, known


def answer(world: World, body: Body, intent_id: str) -> Any:
    """Passes 3-D Secure or approves at PayPal (`result` complete), or does not (any other); returns the intent."""
    known(body, "result")
    return shown(world.store.run(payment_outcomes.answer, intent_id, passed=body.get("result") == "complete"))


def cancel_refund(world: World, body: Body, refund_id: str) -> Any:
    """Takes a pending refund back, as the Dashboard lets one do for half an hour."""
    known(body)
    return shown(world.store.run(refunds.cancel_in_dashboard, refund_id))


def fail_payout(world: World, body: Body, payout_id: str) -> Any:
    """Lets the bank send a payout back, with a `code` such as account_closed."""
    known(body, "code")
    return shown(world.store.run(payouts.fail, payout_id, str(body.get("code", "account_closed"))))


ROUTES: list[Route] = [
    ("POST", "/_sandbox/intents/<intent_id>/answer", answer),
    ("POST", "/_sandbox/payouts/<payout_id>/fail", fail_payout),
    ("POST", "/_sandbox/refunds/<refund_id>/cancel", cancel_refund),
]
