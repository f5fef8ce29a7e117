"""What a completed Checkout session learns later: a debit that took days was paid, or failed."""

from . import checkout_payment, checkout_sessions
from .work import Obj, Work


def settled(work: Work, intent: Obj) -> None:
    """A payment intent that was `processing` has its result; called after its invoice has been told.

    Emits checkout.session.async_payment_succeeded (the session is paid) or async_payment_failed (it stays unpaid).
    """
    session_id = checkout_payment.session_of_intent(work, intent["id"])
    if session_id is None:
        return
    session = work.edit(checkout_sessions.KIND, session_id)
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        return
    if intent["status"] == "succeeded":
        session["payment_status"] = "paid"
        work.emit("checkout.session.async_payment_succeeded", session)
    else:
        work.emit("checkout.session.async_payment_failed", session)


def captured(work: Work, intent: Obj) -> None:
    """An amount that a session's card held has been captured: the session is paid, which no event tells."""
    session_id = checkout_payment.session_of_intent(work, intent["id"])
    if session_id is not None:
        work.edit(checkout_sessions.KIND, session_id)["payment_status"] = "paid"
