"""When a subscription's plan became what it is: usage is split there, not where the portal heard of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.models import PlanChange, StripeEvent, Subscription, UsagePeriod

_NEVER_WERE = ("quoted", "expired", "canceled", "failed")
_LOOKED_AT = 20


def changed_at(subscription: Subscription, period: UsagePeriod, now: datetime) -> datetime:
    """The moment from which another plan than the period's holds: where the period begins, if it came with a renewal.

    As our own change has it; else as Stripe's events tell; ``now``, where neither knows. For the worker role.
    """
    known = _of_ours(subscription, period) or _of_stripes(subscription)
    if known is None:
        return period.starts_at if period.is_foretold else now
    return min(max(known, period.starts_at), now)


def _of_ours(subscription: Subscription, period: UsagePeriod) -> datetime | None:
    wanted = select(PlanChange.effective_at).where(
        PlanChange.subscription_id == subscription.id,
        PlanChange.from_plan_id == period.plan_id,
        PlanChange.plan_id == subscription.plan_id,
        PlanChange.state.not_in(_NEVER_WERE),
    )
    return db.session.scalars(wanted.order_by(PlanChange.id.desc()).limit(1)).first()


def _of_stripes(subscription: Subscription) -> datetime | None:
    """The newest event that tells of another price; with another period, the change came where that begins."""
    of_it = (
        StripeEvent.object_id == subscription.stripe_subscription_id,
        StripeEvent.type == "customer.subscription.updated",
    )
    newest = select(StripeEvent).where(*of_it).order_by(StripeEvent.created_at.desc()).limit(_LOOKED_AT)
    for told in db.session.scalars(newest):
        told_of = told.payload["data"]
        before, after = _item(told_of.get("previous_attributes") or {}), _item(told_of["object"])
        if before is None or after is None or before["price"]["id"] == after["price"]["id"]:
            continue
        begins = after.get("current_period_start")
        return told.created_at if begins == before.get("current_period_start") else clock.from_timestamp(begins)
    return None


def _item(resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Its first item, if it has a price: what is sold beside a plan stands behind it."""
    entries = (resource.get("items") or {}).get("data") or ()
    return next((entry for entry in entries if entry.get("price")), None)
