"""Payments of a customer that a test wants to fail, whatever the card: the next so many tries."""

from .. import cards
from ..cards import Decline
from .work import Obj, Work

_KIND = "_failures"
_DECLINES: dict[str, Decline] = {
    decline.decline_code: decline
    for card in cards.BY_NUMBER.values()
    for decline in (card.attach, card.charge)
    if decline is not None
}


def plan(work: Work, customer_id: str, times: int = 1, decline_code: str = "generic_decline") -> Obj:
    """Makes the customer's next payments fail; 0 times forgets the plan. ValueError for an unknown code."""
    customer = work.edit("customer", customer_id)
    if decline_code not in _DECLINES:
        raise ValueError(f"decline_code is one of {', '.join(sorted(_DECLINES))}")
    return work.add(_KIND, {"id": customer["id"], "times": times, "decline_code": decline_code})


def ahead(work: Work, customer_id: str | None) -> Decline | None:
    """Why the customer's next payment will fail, or None."""
    planned = work.find(_KIND, customer_id) if customer_id is not None else None
    return _DECLINES[planned["decline_code"]] if planned and planned["times"] else None


def take(work: Work, customer_id: str | None) -> Decline | None:
    """The same, and counts it."""
    decline = ahead(work, customer_id)
    if decline is not None and customer_id is not None:
        work.edit(_KIND, customer_id)["times"] -= 1
    return decline
