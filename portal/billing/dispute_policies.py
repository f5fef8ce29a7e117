"""What a dispute does to the subscription that was paid, as the policy says."""

from collections.abc import Callable

from sqlalchemy import select

from portal.extensions import db
from portal.gateway.client import gateway, keyed
from portal.gateway.inbox import want
from portal.mirror.customers import locked
from portal.models import Dispute, Invoice, PolicySettings, Subscription
from portal.models.disputes import OPEN
from portal.outbox import Work, finish
from portal.security import audit


def follow(work: Work) -> None:
    """Outbox work: act on a dispute that was opened, or is over. Payload: ``stripe_dispute_id``, ``status``.

    A renewal that was stopped for it is restored when it is won. What the subscription has become meanwhile counts:
    one that is over is left alone. What is meant is written down before Stripe is asked: done again, the subscription
    looks as if somebody else had wanted it.
    """
    locked()
    row = db.session.scalars(
        select(Dispute).where(Dispute.stripe_dispute_id == str(work.payload["stripe_dispute_id"]))
    ).one()
    subscription = _live_subscription(row)
    consequence = "" if subscription is None else _consequence(row, subscription)
    row.consequence = consequence or row.consequence
    db.session.commit()
    if subscription is not None and consequence:
        _ACTS[consequence](row.stripe_dispute_id, subscription.stripe_subscription_id)
        after = {"dispute": row.stripe_dispute_id, "consequence": consequence}
        audit.record("dispute.follow", "subscription", str(subscription.id), after=after)
        want(subscription.stripe_subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _consequence(row: Dispute, subscription: Subscription) -> str:
    """What the policy has for the dispute's status; what was meant once for that status stays."""
    policy = db.session.scalars(select(PolicySettings)).one()
    leaves = subscription.cancel_at_period_end or subscription.cancel_at is not None
    if row.status in OPEN:
        means = policy.dispute_opened_action == "stop_renewal" and not leaves
        return "stopped" if row.consequence == "stopped" or means else ""
    if row.status == "lost":
        return "ended" if row.consequence == "ended" or policy.dispute_lost_action == "end_now" else ""
    return "restored" if row.consequence == "restored" or (row.consequence == "stopped" and leaves) else ""


def _live_subscription(row: Dispute) -> Subscription | None:
    wanted = select(Subscription).join(Invoice, Invoice.subscription_id == Subscription.id)
    found = db.session.scalars(wanted.where(Invoice.id == row.invoice_id)).first()
    return found if found is not None and found.is_live else None


def _stop(dispute_id: str, subscription_id: str) -> None:
    key = keyed(f"dispute.stop:{dispute_id}")
    gateway().write(lambda s: s.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True}, key))


def _restore(dispute_id: str, subscription_id: str) -> None:
    key = keyed(f"dispute.restore:{dispute_id}")
    gateway().write(lambda s: s.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": False}, key))


def _end(dispute_id: str, subscription_id: str) -> None:
    key = keyed(f"dispute.end:{dispute_id}")
    gateway().write(lambda s: s.v1.subscriptions.cancel(subscription_id, {"prorate": False}, key))


_ACTS: dict[str, Callable[[str, str], None]] = {"stopped": _stop, "restored": _restore, "ended": _end}
