"""Subscription items by themselves; they live inside of their subscription, whose update carries out the changes."""

from collections.abc import Iterator
from typing import Any

from ..errors import InvalidRequest, ResourceMissing, modelled
from . import subscription_updates
from .work import Obj, Work

KIND = "subscription_item"
_HOW = {"payment_behavior", "proration_behavior", "proration_date", "off_session"}
_ITEM = {"price", "plan", "price_data", "quantity", "metadata", "discounts", "tax_rates"}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/subscription_items: adds an item to a `subscription`, as Subscriptions.update does."""
    modelled(params, {"subscription", *_ITEM, *_HOW}, "subscription items")
    subscription = work.edit("subscription", params["subscription"], param="subscription")
    known = {item["id"] for item in subscription["items"]["data"]}
    _change(work, subscription, {name: params[name] for name in _ITEM if name in params}, params)
    return next(item for item in subscription["items"]["data"] if item["id"] not in known)


def update(work: Work, params: Obj, item_id: str) -> Obj:
    """POST /v1/subscription_items/{id}."""
    modelled(params, _ITEM | _HOW, "updating subscription items")
    subscription = _subscription_of(work, item_id)
    _change(work, subscription, {"id": item_id, **{name: params[name] for name in _ITEM if name in params}}, params)
    return next(item for item in subscription["items"]["data"] if item["id"] == item_id)


def delete(work: Work, params: Obj, item_id: str) -> Obj:
    """DELETE /v1/subscription_items/{id}; InvalidRequest for the last one: the subscription is cancelled instead."""
    modelled(params, {"clear_usage", *_HOW}, "deleting subscription items")
    subscription = _subscription_of(work, item_id)
    clears = {"clear_usage": params["clear_usage"]} if "clear_usage" in params else {}
    _change(work, subscription, {"id": item_id, "deleted": True, **clears}, params)
    return {"id": item_id, "object": KIND, "deleted": True}


def retrieve(work: Work, _params: Obj, item_id: str) -> Obj:
    """GET /v1/subscription_items/{id}."""
    for item in _holder(work, item_id)["items"]["data"]:
        if item["id"] == item_id:
            found: Obj = item
            return found
    raise ResourceMissing(KIND, item_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/subscription_items of a `subscription`, in its order."""
    return iter(work.read("subscription", params["subscription"], param="subscription")["items"]["data"])


def _change(work: Work, subscription: Obj, entry: Obj, params: Obj) -> None:
    if subscription["ended_at"] is not None or subscription["status"] == "incomplete":
        raise InvalidRequest(f"The items of a subscription that is {subscription['status']} cannot be changed.")
    how: dict[str, Any] = {name: params[name] for name in _HOW if name in params}
    subscription_updates.perform(work, subscription, {**how, "items": [entry]}, param="")


def _subscription_of(work: Work, item_id: str) -> Obj:
    return work.edit("subscription", _holder(work, item_id)["id"])


def _holder(work: Work, item_id: str) -> Obj:
    for subscription in work.all("subscription"):
        if any(item["id"] == item_id for item in subscription["items"]["data"]):
            return subscription
    raise ResourceMissing(KIND, item_id)
