"""One resource's course through a period: its days, and the hours of one of them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.models import Resource, UsagePeriod
from portal.usage import figures, series
from portal.usage.figures import Span
from portal.usage.series import Point


class Course(NamedTuple):
    """A resource in a period; with ``source`` that source's alone. ``now`` divides what is known from what lies ahead.

    ``before``: the newest value reported before the period, where a level stood as it began; ``None``: none was.
    """

    row: UsagePeriod
    resource: Resource
    zone: ZoneInfo
    now: datetime
    source: str | None
    before: Decimal | None

    def days(self) -> Sequence[Point]:
        spans = series.days((self.row.starts_at, self.row.ends_at), self.zone)
        found = figures.buckets(self.row.id, self.resource.resource_type, "day", self.source)
        return series.fill(spans, found, self.resource.aggregation, self.now, self.before)

    def within(self, on: date) -> Span:
        """What of a day lies in the period."""
        starts_at, ends_at = series.day(on, self.zone)
        return max(starts_at, self.row.starts_at), min(ends_at, self.row.ends_at)

    def hours(self, on: date, days: Sequence[Point]) -> Sequence[Point]:
        """Those of a day; of a level from where it stood as the day began. None where they are no longer kept."""
        span = self.within(on)
        if not self.row.keeps_hours_from(span[0]):  # what is left of them is not the day
            return ()
        found = figures.buckets(self.row.id, self.resource.resource_type, "hour", self.source, span)
        was_reported = any(day.events for day in days if span[0] <= day.starts_at < span[1])
        if not found and (was_reported or not self.resource.is_level):
            return ()
        stood = next((day.level for day in reversed(days) if day.ends_at <= span[0]), self.before)
        spans = series.hours(series.day(on, self.zone), span)
        return series.fill(spans, found, self.resource.aggregation, self.now, stood)


def of(row: UsagePeriod, resource: Resource, zone: ZoneInfo, now: datetime, source: str | None = None) -> Course:
    return Course(row, resource, zone, now, source, figures.before(row, resource.resource_type, source))
