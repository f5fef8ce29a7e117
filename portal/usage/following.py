"""Periods follow the subscription: where it begins, renews, ends or changes, and by whose plan they are billed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select

from portal import business_time
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.models import Plan, Subscription, UsagePeriod
from portal.models.subscriptions import LIVE_STATUSES
from portal.outbox import Work, finish
from portal.pricing.renewals import Period
from portal.usage import charges, late, locks, moves, periods, plan_times
from portal.usage.periods import Holder


@dataclass
class _Moves:
    """What has to be put right once all bounds are where they belong."""

    has_moved: bool = False
    swallowed: dict[UUID, UUID] = field(default_factory=dict)


def follow(work: Work) -> None:
    """Outbox work: make the bound tenant's open periods fit its subscriptions as they are mirrored now.

    Whatever was counted with another period since the change happened moves to the right one. A period that is cut
    short by the end of its subscription is charged at once; what is reported of it within the grace is charged after.
    """
    locks.alone()
    finish(work)  # first: with its row locked nobody takes the work over, however long it takes
    now, done = business_time.now(), _Moves()
    ended = list(_of_ended(done))
    subscription = live_subscription()
    if subscription is not None:
        _lay(subscription, now, done)
    db.session.flush()
    if done.has_moved:
        moves.settle([period.id for period in periods.still_open()], done.swallowed)
        db.session.execute(delete(UsagePeriod).where(UsagePeriod.id.in_(done.swallowed)))
    for period in ended:
        charges.add_up(period)
    if ended:
        late.add_up()
    db.session.commit()


def _of_ended(done: _Moves) -> Iterator[UsagePeriod]:
    """Cut the open periods of subscriptions that have ended; those that were cut."""
    rows = db.session.execute(
        select(UsagePeriod, Subscription.ended_at)
        .join(Subscription, Subscription.id == UsagePeriod.subscription_id)
        .where(
            UsagePeriod.closed_at.is_(None),
            Subscription.ended_at.is_not(None),
            Subscription.status.not_in(LIVE_STATUSES),
        )
        .order_by(UsagePeriod.starts_at)
    ).all()
    for period, ended_at in rows:
        if ended_at is None or ended_at <= period.starts_at:  # foretold, and it never came
            _give(period, Holder())
        elif ended_at < period.ends_at:
            rest = Period(ended_at, period.ends_at)
            period.ends_at = ended_at
            db.session.flush()
            periods.make(rest, Holder())
            done.has_moved = True
            yield period


def _lay(subscription: Subscription, now: datetime, done: _Moves) -> None:
    """Make the subscription's month that holds ``now`` one period; what lies across its bounds gives way."""
    begins = subscription.current_period_start
    span = None if begins is None else periods.span_of(subscription, max(now, begins))
    if span is None:
        return
    span = _unsplit(span, subscription, now)
    target = None
    for period in [each for each in periods.still_open() if each.starts_at < span.end and each.ends_at > span.start]:
        if period.starts_at < span.start:
            period.ends_at = span.start
        elif period.starts_at == span.start:
            target = period
            continue
        elif period.ends_at > span.end:
            period.starts_at = span.end
        else:
            done.swallowed[period.id] = period.id  # by whom is known below
        done.has_moved = True
    db.session.flush()
    _hold(target, span, subscription, now, done)


def _hold(target: UsagePeriod | None, span: Period, subscription: Subscription, now: datetime, done: _Moves) -> None:
    """The period of ``span``, billed by the subscription's plan; split where that plan wants it."""
    holder, is_foretold = periods.holder_of(subscription), periods.is_foretold(span, subscription)
    if target is None:
        target = periods.make(span, holder, is_foretold=is_foretold)
    elif target.ends_at != span.end:
        target.ends_at = span.end
        done.has_moved = True
    done.swallowed.update(dict.fromkeys(done.swallowed, target.id))
    changed_at = _split_at(target, subscription, now)
    if changed_at is not None:
        whole = target.whole_seconds or int((target.ends_at - target.starts_at).total_seconds())
        rest = Period(changed_at, target.ends_at)
        target.ends_at, target.whole_seconds = changed_at, whole
        db.session.flush()
        periods.make(rest, holder).whole_seconds = whole
        done.has_moved = True
    elif target.ends_at > now or target.subscription_id is None:
        _give(target, holder)
    target.is_foretold = is_foretold


def _split_at(period: UsagePeriod, subscription: Subscription, now: datetime) -> datetime | None:
    """Where another plan begins within the period, if it wants it to be split there."""
    if period.subscription_id != subscription.id or period.plan_id == subscription.plan_id:
        return None
    if db.session.get_one(Plan, subscription.plan_id).usage_on_change != "split":
        return None
    changed_at = plan_times.changed_at(subscription, period, now)
    return changed_at if period.starts_at < changed_at < period.ends_at else None


def _unsplit(span: Period, subscription: Subscription, now: datetime) -> Period:
    """Where a month was split, the part of it that runs."""
    part = periods.current(now)
    if part is None or part.whole_seconds is None or part.subscription_id != subscription.id:
        return span
    return Period(max(span.start, part.starts_at), span.end)


def _give(period: UsagePeriod, holder: Holder) -> None:
    for name, value in holder._asdict().items():
        if getattr(period, name) != value:
            setattr(period, name, value)
