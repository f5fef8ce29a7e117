"""Who comes first: the answer, the payer's browser, or the webhook."""

import time
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from ..engine.work import Obj, Work
from ..store import Store
from . import tricks
from .dispatcher import Dispatcher
from .plan import KIND

_COMPLETED = "checkout.session.completed"


def announced_late(work: Work, verb: Callable[..., Obj], *arguments: Any, **named: Any) -> Obj:
    """Runs a verb of the Checkout page. With the trick `redirect_first` the webhooks of a session that it
    completes wait so many seconds, so that the browser is back at the shop before them.
    """
    newest = next(work.all(KIND), None)
    session = verb(work, *arguments, **named)
    lead = tricks.settings(work)["redirect_first"]
    if lead and session["status"] == "complete":
        fresh = takewhile(lambda delivery: newest is None or delivery["id"] != newest["id"], work.all(KIND))
        for delivery in list(fresh):
            work.edit(KIND, delivery["id"])["next_at"] += lead
    return session


def wait_before_redirect(store: Store, dispatcher: Dispatcher, session_id: str) -> None:
    """Gives the shop time to hear of the payment before its customer is back, as Stripe does: ten seconds at
    most (`redirect_waits`), for the first answer to `checkout.session.completed`. Source: docs.stripe.com,
    checkout/fulfillment. What is held or delayed on purpose is not waited for.
    """
    with store.transaction() as work:
        seconds = tricks.settings(work)["redirect_waits"]
        told = next((event for event in work.all("event") if _tells(event, session_id)), None)
        owed = [] if told is None else [found for found in work.all(KIND) if found["event"] == told["id"]]
    dispatcher.wait([delivery["id"] for delivery in owed if _goes_out_now(delivery)], seconds)


def wait_for_webhooks(store: Store, dispatcher: Dispatcher, request_id: str, seconds: float) -> None:
    """Returns when every webhook that the request caused has been answered, or after so many seconds."""
    with store.transaction() as work:
        owed = [found for found in work.all(KIND) if found.get("request") == request_id]
    dispatcher.wait([delivery["id"] for delivery in owed if _goes_out_now(delivery)], seconds)


def _tells(event: Obj, session_id: str) -> bool:
    return bool(event["type"] == _COMPLETED and event["data"]["object"]["id"] == session_id)


def _goes_out_now(delivery: Obj) -> bool:
    return bool(delivery["status"] == "pending" and delivery["next_at"] <= time.time())
