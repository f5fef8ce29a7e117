"""The spans that usage is limited and billed by: months of the subscription, or of the calendar without one."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func as sql
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock, tenancy
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Subscription, Tenant, UsagePeriod
from portal.pricing.renewals import Period, month_at, months_after
from portal.usage import locks

# How long a period that has ended takes reports of what happened within it. Stripe keeps the draft of a renewal for an
# hour; what the period cost is put on it in the rest of that hour.
GRACE = timedelta(minutes=45)


class Holder(NamedTuple):
    """Whose terms a period is billed by."""

    subscription_id: UUID | None = None
    plan_id: str | None = None
    currency: str | None = None
    is_trial: bool = False


def current(now: datetime) -> UsagePeriod | None:
    """The bound tenant's open period that holds ``now``, if one was begun."""
    return db.session.scalars(
        select(UsagePeriod)
        .where(UsagePeriod.starts_at <= now, UsagePeriod.ends_at > now, UsagePeriod.closed_at.is_(None))
        .limit(1)
    ).first()


def still_open() -> Sequence[UsagePeriod]:
    """The bound tenant's periods that still take reports, the oldest first."""
    wanted = select(UsagePeriod).where(UsagePeriod.closed_at.is_(None)).order_by(UsagePeriod.starts_at)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).all()


def begin(now: datetime) -> UsagePeriod:
    """Make the bound tenant's period that holds ``now``, if there is none. Does not commit.

    A renewal that was not heard of yet is foretold, so that what is used meanwhile counts with its own month.
    """
    found = current(now)
    if found is not None:
        return found
    locks.beside_others()
    return current(now) or _begun(now)


def cover(moments: Collection[datetime], now: datetime) -> None:
    """Make the periods that hold these moments, where there are none. Does not commit.

    A month that was over before anybody asked for it is closed from the beginning: it is nobody's, and costs nothing.
    Needs :func:`portal.usage.locks.beside_others`.
    """
    first, last = min(moments), max(moments)
    wanted = select(UsagePeriod).where(UsagePeriod.ends_at > first, UsagePeriod.starts_at <= last)
    spans = [Period(period.starts_at, period.ends_at) for period in db.session.scalars(wanted)]
    for moment in sorted(moments):
        if not any(span.start <= moment < span.end for span in spans):
            made = _begun(moment, now)
            spans.append(Period(made.starts_at, made.ends_at))


def mark_late(period_ids: Collection[UUID], now: datetime) -> None:
    """Closed periods of which something was reported: what it costs is added up when the one that runs closes."""
    begin(now)
    wanted = UsagePeriod.id.in_(period_ids) & UsagePeriod.late_at.is_(None) & UsagePeriod.plan_id.is_not(None)
    db.session.execute(update(UsagePeriod).where(wanted).values(late_at=clock.now()))


def _begun(at: datetime, now: datetime | None = None) -> UsagePeriod:
    """A period that holds ``at``; closed, if it is over by ``now`` and of no subscription."""
    subscription = live_subscription()
    if subscription is not None:
        db.session.refresh(subscription)  # what was read before the lock may have led to other periods since
    span = None if subscription is None else span_of(subscription, at)
    if subscription is None or span is None:
        span, foretold, holder = _calendar_month(at), False, Holder()
    else:
        foretold, holder = is_foretold(span, subscription), holder_of(subscription)
    span = _free_part(span, at)
    is_over = holder.plan_id is None and now is not None and span.end + GRACE <= now
    return make(span, holder, is_foretold=foretold, closed_at=clock.now() if is_over else None)


def is_foretold(span: Period, subscription: Subscription) -> bool:
    """Whether a month of the subscription lies in a period of it that was not heard of yet."""
    ends_at = subscription.current_period_end
    return ends_at is not None and span.start >= ends_at


def make(span: Period, holder: Holder, *, is_foretold: bool = False, closed_at: datetime | None = None) -> UsagePeriod:
    """A new period; the one that somebody made meanwhile, if so. Does not commit."""
    tenant_id = tenancy.require_tenant()
    zone = select(Tenant.timezone).where(Tenant.id == tenant_id).scalar_subquery()
    made = {"starts_at": span.start, "ends_at": span.end, "timezone": zone, "is_foretold": is_foretold}
    made |= {"closed_at": closed_at, **holder._asdict()}
    db.session.execute(insert(UsagePeriod).values(tenant_id=tenant_id, id=uuid7(), **made).on_conflict_do_nothing())
    return db.session.scalars(select(UsagePeriod).where(UsagePeriod.starts_at == span.start)).one()


def holder_of(subscription: Subscription) -> Holder:
    """By whose terms a period of this subscription is billed as it is now."""
    is_trial = subscription.status == "trialing"
    return Holder(subscription.id, subscription.plan_id, subscription.currency, is_trial)


def span_of(subscription: Subscription, at: datetime) -> Period | None:
    """The subscription's month that holds ``at``: of its period, or of the one that follows it; a year has twelve.

    ``None`` where it will have ended, or has not begun.
    """
    starts_at, ends_at = subscription.current_period_start, subscription.current_period_end
    if starts_at is None or ends_at is None or at < starts_at:
        return None
    is_leaving = subscription.cancel_at_period_end or subscription.cancel_at is not None
    if is_leaving and at >= (subscription.cancel_at or ends_at):
        return None
    if at >= ends_at and subscription.status == "trialing":
        # Its months are counted from the trial's end, on whatever day the trial began.
        starts_at = months_after(ends_at, -1, ends_at.day)
    return month_at(Period(starts_at, ends_at), subscription.interval, at)


def calendar_month(at: datetime, zone: ZoneInfo) -> Period:
    """The month of the calendar that holds ``at`` in a zone, as UTC."""
    first = at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(first.astimezone(UTC), months_after(first, 1, 1).astimezone(UTC))


def _calendar_month(at: datetime) -> Period:
    return calendar_month(at, ZoneInfo(db.session.get_one(Tenant, tenancy.require_tenant()).timezone))


def _free_part(span: Period, at: datetime) -> Period:
    """What other periods leave of a span around ``at``: two never hold the same moment."""
    before, after = db.session.execute(
        select(
            sql.max(UsagePeriod.ends_at).filter(UsagePeriod.ends_at <= at),
            sql.min(UsagePeriod.starts_at).filter(UsagePeriod.starts_at > at),
        )
    ).one()
    return Period(max(span.start, before or span.start), min(span.end, after or span.end))
