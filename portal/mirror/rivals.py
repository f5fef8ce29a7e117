"""One live subscription per tenant: what happens when a second one turns live."""

from sqlalchemy import select

from portal import clock, steps, tenancy
from portal.extensions import db
from portal.findings import report
from portal.gateway.inbox import want
from portal.models import Checkout, PlanPrice, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.outbox import stage
from portal.security import audit


def make_room(row: Subscription, price: PlanPrice) -> str | None:
    """Let ``row`` become the live one. Returns the reason why it may not (yet), or ``None``.

    A free plan gives way to a paid one. Any other second one is contested: our record of the first may be
    old, so that both are read from Stripe again before one is ended and refunded (``billing.duplicates``).
    """
    other = other_live(row)
    if other is None:
        return None
    if other.amount_minor == 0 and price.unit_amount_minor > 0:
        other.superseded_reason = "replaced"
        db.session.flush()  # before the new one enters the unique index of live subscriptions
        _stage("subscription.end", other.stripe_subscription_id)
        return None
    report("contested_subscription", row.stripe_subscription_id, live=other.stripe_subscription_id)
    _stage("subscription.judge", row.stripe_subscription_id)
    return "contested"


def other_live(row: Subscription) -> Subscription | None:
    """The tenant's live subscription, unless it is ``row`` itself."""
    return db.session.scalars(
        select(Subscription).where(
            Subscription.superseded_reason.is_(None),
            Subscription.status.in_(LIVE_STATUSES),
            Subscription.id != row.id,
        )
    ).first()


def end_other_checkouts(checkout_id: str | None) -> None:
    """A paid subscription is live: no other open session of the tenant may take a second payment."""
    under_way = db.session.scalars(select(Checkout).where(Checkout.state.in_(("preparing", "open")))).all()
    for checkout in under_way:
        if str(checkout.id) != checkout_id:
            abandon(checkout)


def abandon(checkout: Checkout) -> None:
    """Close a checkout here and owe Stripe the end of its session, in the current transaction.

    Stripe has the last word: a session that was paid in between makes the checkout complete after all.
    """
    steps.move(checkout, "abandoned")
    checkout.closed_at = clock.now()
    checkout.url = None
    audit.record("checkout.abandon", "checkout", str(checkout.id), after={"plan_id": checkout.plan_id})
    stage(
        "checkout.expire",
        f"checkout.expire:{checkout.id}",
        tenant_id=checkout.tenant_id,
        payload={"checkout_id": str(checkout.id)},
    )
    db.session.flush()


def _stage(kind: str, stripe_subscription_id: str) -> None:
    stage(
        kind,
        f"{kind}:{stripe_subscription_id}",
        tenant_id=tenancy.require_tenant(),
        payload={"stripe_subscription_id": stripe_subscription_id},
    )


def condemn(row: Subscription) -> None:
    """The second of two that are really live: end it and give its payment back."""
    row.superseded_reason = "duplicate"
    report("duplicate_subscription", row.stripe_subscription_id)
    _stage("subscription.end", row.stripe_subscription_id)


def acquit(row: Subscription) -> None:
    """There is no live rival any more: the contested one is the tenant's subscription."""
    row.superseded_reason = None
    want(row.stripe_subscription_id, "subscription")
