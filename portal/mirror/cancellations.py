"""What a subscription's reading says of its cancellation, also of one that was made or undone at Stripe."""

from datetime import datetime

from sqlalchemy import select

from portal import steps
from portal.extensions import db
from portal.ids import uuid7
from portal.mirror.errors import NotYet
from portal.models import Cancellation, Subscription
from portal.notices.notify import notify
from portal.security import audit

AT_STRIPE = "at_stripe"  # the reason of a step that nobody took here


def follow(row: Subscription, asked_at: datetime) -> None:
    """Move the subscription's cancellation to where Stripe has it, in the applying transaction.

    ``asked_at`` (real time): Stripe may have answered a verb of ours since, and the reading not know of it. Raises
    :class:`portal.mirror.errors.NotYet` then.
    """
    if row.superseded_reason is not None:
        return
    latest = db.session.scalars(
        select(Cancellation)
        .where(Cancellation.subscription_id == row.id)
        .order_by(Cancellation.created_at.desc(), Cancellation.id.desc())
        .limit(1)
    ).first()
    if latest is not None and latest.settled_at is not None and latest.settled_at > asked_at:
        raise NotYet("the subscription was read before its last cancellation was answered")
    ends_at = row.cancel_at or (row.current_period_end if row.cancel_at_period_end else None)
    found = latest if latest is not None and latest.is_open else None
    if row.ended_at is not None:
        if found is not None:
            _move(found, "ended")
    elif ends_at is not None:
        _schedule(row, found, ends_at)
    elif found is not None and found.state == "scheduled":
        _move(found, "undone", reason=AT_STRIPE)
        notify("cancellation_undone", str(found.id))


def _schedule(row: Subscription, found: Cancellation | None, ends_at: datetime) -> None:
    if found is None:
        found = Cancellation(
            tenant_id=row.tenant_id,
            id=uuid7(),
            subscription_id=row.id,
            stripe_subscription_id=row.stripe_subscription_id,
            currency=row.currency,
            ends_at=ends_at,
        )
        steps.begin(found, "scheduled", reason=AT_STRIPE)
        db.session.add(found)
        db.session.flush()
        audit.record("cancellation.schedule", "cancellation", str(found.id), after={"ends_at": ends_at})
        notify("cancellation_scheduled", str(found.id))
    elif found.state == "scheduled" and found.ends_at != ends_at:
        found.ends_at = ends_at


def _move(found: Cancellation, state: str, *, reason: str = "") -> None:
    before = found.state
    steps.move(found, state, reason=reason)
    audit.record(
        f"cancellation.{state}", "cancellation", str(found.id), before={"state": before}, after={"state": state}
    )
