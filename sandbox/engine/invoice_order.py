"""The order of an invoice's lines (SDK: Invoice.lines).

First what was pending, prorations included, then the subscription's items, both the newest first; what is added to
the draft later follows at the end, the oldest first (invoice_items.py). Of things made in the same second the one
made last is the newest: real invoices have the debit of a change before its credit.
"""

from . import invoice_items
from .work import Obj


def in_order(lines: list[Obj], subscription: Obj | None) -> list[Obj]:
    """The lines of a new draft. `lines` has those of pending items the oldest first.

    The lines of one item stay as they are, tier by tier (assumed); those of no item follow.
    """
    pending = [line for line in lines if invoice_items.item_of(line) is not None]
    others = [line for line in lines if invoice_items.item_of(line) is None]
    places = {} if subscription is None else _places(subscription)
    return pending[::-1] + sorted(others, key=lambda line: _age(line, places), reverse=True)


def _places(subscription: Obj) -> dict[str, tuple[int, int]]:
    """When each item was made (UTC seconds), and its place among the items."""
    return {item["id"]: (item["created"], place) for place, item in enumerate(subscription["items"]["data"])}


def _age(line: Obj, places: dict[str, tuple[int, int]]) -> tuple[int, int, int]:
    """Greater for the line of a newer item, and of one item for a newer period."""
    details = (line["parent"] or {}).get("subscription_item_details")
    if details is None:
        return 0, 0, 0
    used = line.get("_", {}).get("metered_item")
    # An item that was taken away is known by what it used only.
    created, place = places.get(details["subscription_item"], (used["created"] if used else 0, -1))
    return created, place, line["period"]["start"]
