"""What stands behind a charge: the days of its period, and the events of a day, as they were reported."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_

from portal import lookups
from portal.errors import NotFound
from portal.extensions import db
from portal.models import Resource, UsageCharge, UsageEvent, UsagePeriod
from portal.usage import figures

PAGE_SIZE = 50


class Charged(NamedTuple):
    """A charge with its period and resource, and the period's days on which something was used, as they are now.

    ``later``: the charge of what was reported after this one, if there is one.
    """

    charge: UsageCharge
    period: UsagePeriod
    resource: Resource
    days: Sequence[figures.Bucket]
    later: UsageCharge | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether more was reported since the last charge of the period."""
        return self.later is None and self.period.late_at is not None

    def day_of(self, bucket: figures.Bucket) -> date:
        """The day that a bucket is of, in the period's time zone."""
        return bucket.at.astimezone(ZoneInfo(self.period.timezone)).date()


class Events(NamedTuple):
    """A page of one day's events, oldest first; ``next_after`` (a moment and an id) is where the next page begins."""

    rows: Sequence[UsageEvent]
    next_after: tuple[datetime, UUID] | None


def of_charge(charge_id: UUID) -> Charged:
    """The bound tenant's charge. Raises :class:`portal.errors.NotFound`."""
    charge = lookups.owned(UsageCharge, charge_id)
    period = lookups.owned(UsagePeriod, charge.period_id)
    resource = db.session.get_one(Resource, charge.resource_type)
    days = figures.buckets(period.id, charge.resource_type, "day")
    return Charged(charge, period, resource, days, _after_it(charge))


def _after_it(charge: UsageCharge) -> UsageCharge | None:
    wanted = select(UsageCharge).where(
        UsageCharge.period_id == charge.period_id,
        UsageCharge.resource_type == charge.resource_type,
        UsageCharge.number == charge.number + 1,
    )
    return db.session.scalars(wanted).first()


def events(charged: Charged, day: date, after: tuple[datetime, UUID] | None = None) -> Events:
    """The events that count on a day of the period, in the period's time zone, as far as they are kept.

    ``after``: the last one of the page before. Raises :class:`portal.errors.NotFound` for a day at the calendar's end.
    """
    period = charged.period
    begins, ends = _bounds(day, ZoneInfo(period.timezone))
    wanted = select(UsageEvent).where(
        UsageEvent.period_id == period.id,
        UsageEvent.resource_type == charged.charge.resource_type,
        # Bare, so that the index is entered at the day's first event: a period may have millions.
        UsageEvent.counted_at >= begins,
        UsageEvent.counted_at < ends,
    )
    if after is not None:
        wanted = wanted.where(tuple_(UsageEvent.counted_at, UsageEvent.id) > after)
    ordered = wanted.order_by(UsageEvent.counted_at, UsageEvent.id).limit(PAGE_SIZE + 1)
    rows = db.session.scalars(ordered).all()
    shown = rows[:PAGE_SIZE]
    last = shown[-1] if len(rows) > PAGE_SIZE else None
    return Events(shown, (last.counted_at, last.id) if last else None)


def _bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        first, next_one = (datetime.combine(at, time(), zone).astimezone(UTC) for at in (day, day + timedelta(days=1)))
    except OverflowError as error:  # the day before the first, or after the last, that a date can name
        raise NotFound from error
    return first, next_one
