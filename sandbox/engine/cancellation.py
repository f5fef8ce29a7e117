"""Cancelling: now, at the end of the period, or at a time; what waits for it is done by the agenda."""

from typing import Any

from ..errors import InvalidRequest, NotModelled, ResourceMissing
from . import agenda, endings
from .billing_cycles import first_end, last_end
from .fields import cleared
from .work import Obj, Work

KIND = "subscription"


def cancel(work: Work, params: Obj, subscription_id: str) -> Obj:
    """DELETE /v1/subscriptions/{id}: ends it now; its open first invoice is voided."""
    for name in ("invoice_now", "prorate"):
        if params.get(name):
            raise NotModelled(f"{name} on canceling", param=name)
    subscription = work.edit(KIND, subscription_id)
    if subscription["ended_at"] is not None:
        raise ResourceMissing("subscription", subscription_id)
    note(subscription, params.get("cancellation_details", {}))
    return endings.end(work, subscription, "cancellation_requested")


def cancel_due(work: Work, subscription_id: str) -> None:
    """The agenda's, at `cancel_at`."""
    endings.end(work, work.edit(KIND, subscription_id), None)


def expire_due(work: Work, subscription_id: str) -> None:
    """The agenda's, 23 hours after the start: the first invoice was not paid."""
    subscription = work.edit(KIND, subscription_id)
    if subscription["status"] == "incomplete":
        endings.expire(work, subscription)


def plan(work: Work, subscription: Obj, params: Obj) -> None:
    """`cancel_at_period_end`, `cancel_at` and `cancellation_details` of a request."""
    note(subscription, params.get("cancellation_details", {}))
    if params.get("cancel_at") and params.get("cancel_at_period_end"):
        raise InvalidRequest("Only one of cancel_at and cancel_at_period_end can be given.", param="cancel_at")
    if "cancel_at_period_end" in params:
        at_period_end(work, subscription, wanted=params["cancel_at_period_end"])
    if "cancel_at" in params:
        _at(work, subscription, params["cancel_at"], params.get("proration_behavior"))


def at_period_end(work: Work, subscription: Obj, *, wanted: bool) -> None:
    """Cancels at the end of the current period, of mixed intervals of the longest; or not any more."""
    _set(work, subscription, last_end(subscription) if wanted else None)
    subscription["cancel_at_period_end"] = wanted


def note(subscription: Obj, given: Obj) -> None:
    """Keeps what the customer said about leaving."""
    if "feedback_option" in given:
        raise NotModelled("feedback options", param="cancellation_details[feedback_option]")
    for name in ("comment", "feedback"):
        if name in given:
            subscription["cancellation_details"][name] = cleared(given[name])


def _at(work: Work, subscription: Obj, given: Any, proration_behavior: str | None) -> None:
    if given == "max_billed_until":
        raise NotModelled("cancel_at=max_billed_until", param="cancel_at")
    named = {"min_period_end": first_end(subscription), "max_period_end": last_end(subscription), "": None}
    when = named.get(given, given)
    if when is not None and when <= work.now:
        raise InvalidRequest("`cancel_at` must be in the future.", param="cancel_at")
    if when is not None and when < last_end(subscription) and proration_behavior != "none":
        raise NotModelled("giving back the time after cancel_at within a period", param="cancel_at")
    _set(work, subscription, when)
    subscription["cancel_at_period_end"] = False


def _set(work: Work, subscription: Obj, when: int | None) -> None:
    subscription["cancel_at"] = when
    subscription["canceled_at"] = work.now if when else None
    subscription["cancellation_details"]["reason"] = "cancellation_requested" if when else None
    if when is None:
        agenda.drop(work, "subscription.cancel", subscription["id"])
    else:
        agenda.put(work, "subscription.cancel", subscription["id"], when)
