"""A period's days, or a day's hours, without gaps: what was reported for each, and what is known of the others."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.charts import Kind
from portal.models.usage import LEVELS
from portal.pricing.forecast import Past
from portal.usage import figures
from portal.usage.figures import Bucket, Span


class Point(NamedTuple):
    """A day or an hour, half-open. ``quantity`` of ``None``: it lies ahead, or nothing was ever measured.

    ``total``: what the period came to with it, of what is added up. ``kind`` as of a bar (:mod:`portal.charts`).
    ``level``: where what is measured stood at its end.
    """

    starts_at: datetime
    ends_at: datetime
    quantity: Decimal | None
    events: int
    kind: Kind
    total: Decimal | None
    level: Decimal | None = None


def days(span: Span, zone: ZoneInfo) -> list[Span]:
    """The days of a zone that a span touches, those at its edges cut; a day may have 23 or 25 hours."""
    first, last = (at.astimezone(zone).date() for at in span)
    midnights = [_midnight(first + timedelta(days=number), zone) for number in range((last - first).days + 2)]
    return _cut(midnights, span)


def day(on: date, zone: ZoneInfo) -> Span:
    """One day of a zone, from midnight to midnight."""
    return _midnight(on, zone), _midnight(on + timedelta(days=1), zone)


def hours(span: Span, within: Span) -> list[Span]:
    """The hours of a day, from its midnight on, as far as they lie in a period."""
    starts_at, ends_at = span
    count = -(-int((ends_at - starts_at).total_seconds()) // 3600)
    return _cut([starts_at + timedelta(hours=number) for number in range(count + 1)], within)


def fill(
    spans: Sequence[Span], buckets: Sequence[Bucket], aggregation: str, now: datetime, before: Decimal | None = None
) -> list[Point]:
    """A point for each span, in their order. Nothing reported is zero of what is added up; a level stays as it was.

    ``before``: where a level stood before the first of them; ``None``: it was never reported.
    """
    reported = _placed(spans, buckets, aggregation)
    is_level = aggregation in LEVELS
    points: list[Point] = []
    level, total = before if is_level else None, Decimal(0)
    for index, (starts_at, ends_at) in enumerate(spans):
        found = reported.get(index)
        kind: Kind = "running" if starts_at <= now < ends_at else "whole"
        known: Decimal | None = None
        if found is not None:
            known = found.quantity
            level = (found.latest if found.latest is not None else known) if is_level else None
        elif starts_at <= now:
            known, kind = (level, "carried") if is_level else (Decimal(0), kind)
        total += known or Decimal(0)
        sum_so_far = total if known is not None and aggregation == "sum" else None
        points.append(Point(starts_at, ends_at, known, found.events if found else 0, kind, sum_so_far, level))
    return points


def past(points: Sequence[Point], now: datetime, began: datetime | None = None) -> list[Past]:
    """Those that are over, as a forecast looks at them: of a level from the first that was reported.

    ``began``: what came before it is left out; whoever was not there yet did not use nothing.
    """
    first = next((at for at, point in enumerate(points) if point.kind != "carried"), len(points))
    return [
        Past(point.quantity, int((point.ends_at - max(point.starts_at, began or point.starts_at)).total_seconds()))
        for point in points[first:]
        if point.ends_at <= now and point.quantity is not None and (began is None or point.ends_at > began)
    ]


def _placed(spans: Sequence[Span], buckets: Sequence[Bucket], aggregation: str) -> dict[int, Bucket]:
    """Buckets by the span that they begin in; several come together where the tenant has changed its zone."""
    starts = [starts_at for starts_at, _ in spans]
    found: dict[int, Bucket] = {}
    for bucket in buckets:
        index = max(bisect_right(starts, bucket.at) - 1, 0)
        before = found.get(index)
        found[index] = bucket if before is None else _together(before, bucket, aggregation)
    return found


def _together(before: Bucket, bucket: Bucket, aggregation: str) -> Bucket:
    both, higher = before.quantity + bucket.quantity, max(before.quantity, bucket.quantity)
    quantity = figures.one_of(aggregation, total=both, highest=higher, latest=bucket.quantity)
    return Bucket(before.at, quantity, before.events + bucket.events, bucket.latest)


def _cut(edges: Sequence[datetime], span: Span) -> list[Span]:
    starts_at, ends_at = span
    cut = [(max(edge, starts_at), min(after, ends_at)) for edge, after in pairwise(edges)]
    return [(edge, after) for edge, after in cut if edge < after]


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), zone).astimezone(UTC)
