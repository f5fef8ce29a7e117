"""Looking at the bound tenant's subscription, and ending one that may not be."""

from typing import TYPE_CHECKING

from sqlalchemy import select

from portal.extensions import db
from portal.models import Plan, Subscription
from portal.models.subscriptions import LIVE_STATUSES

if TYPE_CHECKING:  # importing them takes half a second
    pass


def live_subscription() -> Subscription | None:
    """The bound tenant's one running subscription."""
    return db.session.scalars(
        select(Subscription).where(Subscription.superseded_reason.is_(None), Subscription.status.in_(LIVE_STATUSES))
    ).first()


def latest_subscription() -> Subscription | None:
    """The running subscription, else the one that ended last."""
    return (
        live_subscription()
        or db.session.scalars(
            select(Subscription)
            .where(Subscription.superseded_reason.is_(None))
            .order_by(Subscription.created_at.desc())
            .limit(1)
        ).first()
    )


def plan_of(subscription: Subscription) -> Plan:
    """The plan that a subscription is of, also when it is no longer sold."""
    return db.session.get_one(Plan, subscription.plan_id)
