"""States from before there was an agenda: what waits in them is put on it, once.

Sessions of that time do not know what a payment needs today; the open ones end here, as after a day anyway.
"""

from . import agenda, billing_cycles, trials
from .subscriptions import INCOMPLETE_SECONDS
from .work import Obj, Work


def adopt(work: Work) -> None:
    """Puts what living subscriptions wait for on an agenda that never had an entry, and ends open sessions."""
    if work.find(*agenda.SEQUENCE) is not None:
        return
    for session in list(work.all("checkout.session")):
        if session["status"] == "open":
            ended = work.edit("checkout.session", session["id"])
            ended.update(status="expired", url=None)
            work.emit("checkout.session.expired", ended)
    for found in list(work.all("subscription")):
        subscription = work.edit("subscription", found["id"])
        subscription.setdefault("_", {})
        if subscription["ended_at"] is None:
            _schedule(work, subscription)


def _schedule(work: Work, subscription: Obj) -> None:
    billing_cycles.schedule(work, subscription)
    if subscription["status"] == "incomplete":
        agenda.put(work, "subscription.expire", subscription["id"], subscription["created"] + INCOMPLETE_SECONDS)
    if subscription["cancel_at"] is not None:
        agenda.put(work, "subscription.cancel", subscription["id"], subscription["cancel_at"])
    if subscription["status"] == "trialing":
        trials.announce(work, subscription)
