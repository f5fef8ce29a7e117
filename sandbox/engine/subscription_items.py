"""Subscription items, read by themselves; they live inside of their subscription."""

from collections.abc import Iterator

from ..errors import ResourceMissing
from .work import Obj, Work

KIND = "subscription_item"


def retrieve(work: Work, _params: Obj, item_id: str) -> Obj:
    """GET /v1/subscription_items/{id}."""
    for subscription in work.all("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == item_id:
                found: Obj = item
                return found
    raise ResourceMissing(KIND, item_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/subscription_items of a `subscription`, in its order."""
    return iter(work.read("subscription", params["subscription"], param="subscription")["items"]["data"])
