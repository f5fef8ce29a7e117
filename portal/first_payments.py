"""Whether a subscription that Stripe calls active was paid for the first time: a bank can take days to say so."""

from sqlalchemy import select

from portal.extensions import db
from portal.models import Invoice, Plan, Subscription
from portal.models.subscriptions import LIVE_STATUSES


def outstanding(subscription: Subscription) -> Invoice | None:
    """The first invoice of the bound tenant's subscription, while it is not paid."""
    return db.session.scalars(
        select(Invoice).where(
            Invoice.stripe_subscription_id == subscription.stripe_subscription_id,
            Invoice.billing_reason == "subscription_create",
            Invoice.status == "open",
            Invoice.amount_remaining_minor > 0,
        )
    ).first()


def is_awaited(subscription: Subscription) -> bool:
    """Whether the plan is not to be used before its first payment has arrived (``plans.processing_access``)."""
    plan = db.session.get_one(Plan, subscription.plan_id)
    return plan.processing_access == "wait" and outstanding(subscription) is not None


def is_awaited_now() -> bool:
    """The same for the bound tenant's running subscription, in one query."""
    found = (
        select(Invoice.id)
        .join(Subscription, Subscription.stripe_subscription_id == Invoice.stripe_subscription_id)
        .join(Plan, Plan.plan_id == Subscription.plan_id)
        .where(
            Subscription.superseded_reason.is_(None),
            Subscription.status.in_(LIVE_STATUSES),
            Plan.processing_access == "wait",
            Invoice.billing_reason == "subscription_create",
            Invoice.status == "open",
            Invoice.amount_remaining_minor > 0,
        )
    )
    return db.session.scalar(found.limit(1)) is not None
