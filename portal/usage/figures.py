"""What was used, read from the sums: its cost does not grow with the number of events."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from portal.extensions import db
from portal.models import Resource, UsagePeriod, UsageRollup
from portal.models.usage import LEVELS

Span = tuple[datetime, datetime]
Sums = Select[*tuple[Any, ...]]  # rows of sums, and of what tells them apart


class Bucket(NamedTuple):
    """A part of a period: from when, how much, of how many events; ``latest``: the newest value that it saw."""

    at: datetime
    quantity: Decimal
    events: int
    latest: Decimal | None = None


class Share(NamedTuple):
    """What one source reported, of how many events."""

    source: str
    quantity: Decimal
    events: int


def used(period_id: UUID, resource_type: str | None = None) -> Mapping[str, Decimal]:
    """What the bound tenant used in a period, by resource; what was not used is left out."""
    rows = db.session.execute(_summed(period_id, "period", resource_type).group_by(*_BY))
    return {row.resource_type: quantity(row) for row in rows}


def used_at(now: datetime) -> tuple[UsagePeriod | None, Mapping[str, Decimal]]:
    """The open period that holds ``now``, if one was begun, and what was used in it, by resource."""
    wanted = (
        _sums()
        .add_columns(UsagePeriod)
        .select_from(UsagePeriod)
        .outerjoin(UsageRollup, and_(UsageRollup.period_id == UsagePeriod.id, UsageRollup.grain == "period"))
        .outerjoin(Resource, Resource.resource_type == UsageRollup.resource_type)
        .where(UsagePeriod.starts_at <= now, UsagePeriod.ends_at > now, UsagePeriod.closed_at.is_(None))
    )
    rows = db.session.execute(wanted.group_by(*_BY, *UsagePeriod.__table__.primary_key)).all()
    found = {row.resource_type: quantity(row) for row in rows if row.resource_type is not None}
    return (rows[0].UsagePeriod if rows else None), found


def buckets(
    period_id: UUID, resource_type: str, grain: str, source: str | None = None, within: Span | None = None
) -> list[Bucket]:
    """The days or hours of a period in which something was used, in order.

    ``source`` and ``within``, half-open, narrow it down.
    """
    wanted = _narrowed(_summed(period_id, grain, resource_type), source, within).add_columns(UsageRollup.bucket_at)
    rows = db.session.execute(wanted.group_by(*_BY, UsageRollup.bucket_at).order_by(UsageRollup.bucket_at))
    return [Bucket(row.bucket_at, quantity(row), row.events, Decimal(row.latest)) for row in rows]


def before(period: UsagePeriod, resource_type: str, source: str | None = None) -> Decimal | None:
    """The newest value that was reported before a period; ``None``: there is none, it begins in this one."""
    wanted = (
        select(UsageRollup.latest)
        .join(UsagePeriod, and_(UsagePeriod.id == UsageRollup.period_id, UsagePeriod.starts_at < period.starts_at))
        .where(UsageRollup.grain == "period", UsageRollup.resource_type == resource_type)
        .order_by(UsagePeriod.starts_at.desc(), UsageRollup.latest_at.desc(), UsageRollup.latest.desc())
    )
    if source is not None:
        wanted = wanted.where(UsageRollup.source == source)
    return db.session.scalars(wanted.limit(1)).first()


def by_bucket_and_source(
    period_id: UUID, resource_type: str, grain: str, source: str | None = None, within: Span | None = None
) -> Sums:
    """As :func:`buckets` and each source by itself, to be read row by row: there may be many."""
    both = UsageRollup.bucket_at, UsageRollup.source
    wanted = _narrowed(_summed(period_id, grain, resource_type), source, within).add_columns(*both)
    return wanted.group_by(*_BY, *both).order_by(*both)


def shares(period_id: UUID, resource_type: str, most: int, within: Span | None = None) -> list[Share]:
    """The sources that reported most, at most so many; ``within``: of those days."""
    wanted = _narrowed(_summed(period_id, "day" if within else "period", resource_type), None, within)
    ordered = wanted.add_columns(UsageRollup.source).group_by(*_BY, UsageRollup.source).limit(most)
    level = case((Resource.aggregation.in_(LEVELS), func.max(UsageRollup.highest)))
    rows = db.session.execute(ordered.order_by(level.desc(), func.sum(UsageRollup.total).desc(), UsageRollup.source))
    return [Share(row.source, quantity(row), row.events) for row in rows]


def quantity(row: Row[*tuple[Any, ...]]) -> Decimal:
    """One figure of a row of sums, as the resource's aggregation makes it."""
    return Decimal(one_of(row.aggregation, total=row.total, highest=row.highest, latest=row.latest))


def one_of(aggregation: str, *, total: Decimal, highest: Decimal, latest: Decimal) -> Decimal:
    """Which of a resource's three figures counts: the highest, the newest, or what all add up to."""
    return {"max": highest, "last": latest}.get(aggregation, total)


_BY = (UsageRollup.resource_type, Resource.aggregation)


def _sums() -> Sums:
    newest = aggregate_order_by(UsageRollup.latest, UsageRollup.latest_at.desc(), UsageRollup.latest.desc())
    return select(
        *_BY,
        func.sum(UsageRollup.total).label("total"),
        func.sum(UsageRollup.events).label("events"),
        func.max(UsageRollup.highest).label("highest"),
        func.array_agg(newest)[1].label("latest"),
    )


def _summed(period_id: UUID, grain: str, resource_type: str | None) -> Sums:
    wanted = (
        _sums()
        .join(Resource, Resource.resource_type == UsageRollup.resource_type)
        .where(UsageRollup.period_id == period_id, UsageRollup.grain == grain)
    )
    return wanted if resource_type is None else wanted.where(UsageRollup.resource_type == resource_type)


def _narrowed(wanted: Sums, source: str | None, within: Span | None) -> Sums:
    if source is not None:
        wanted = wanted.where(UsageRollup.source == source)
    if within is not None:
        wanted = wanted.where(UsageRollup.bucket_at >= within[0], UsageRollup.bucket_at < within[1])
    return wanted
