"""What a period's usage of a resource will come to, and what that costs."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from portal.models import UsagePeriod
from portal.pricing import forecast
from portal.pricing.forecast import Forecast
from portal.usage import figures, series
from portal.usage.summary import Standing
from portal.usage.terms import Terms


class Cost(NamedTuple):
    """What is beyond the included quantity costs, in minor units: so far, and at the period's end.

    ``is_waived``: it is a trial, and the plan charges nothing in it; all of it is zero.
    """

    currency: str
    so_far_minor: int
    expected_minor: int | None
    low_minor: int | None
    high_minor: int | None
    is_waived: bool


def foretell(
    row: UsagePeriod, standing: Standing, points: Sequence[series.Point], before: Decimal | None, now: datetime
) -> Forecast:
    """The quantity at the period's end, by its days ``points``, of all sources.

    ``before``: what was reported before the period, if anything was: then days without a report are days on which
    nothing was used. Else it is looked at from the first report on.
    """
    aggregation, rest = standing.resource.aggregation, int((row.ends_at - now).total_seconds())
    if not standing.is_reported:
        return forecast.foretell(aggregation, standing.used, (), rest)
    was_there = standing.resource.is_level or before is not None
    began = row.starts_at if was_there else _first(row, standing, points)
    since = max(int((now - began).total_seconds()), 0)
    return forecast.foretell(aggregation, standing.used, series.past(points, now, began), rest, since)


def _first(row: UsagePeriod, standing: Standing, points: Sequence[series.Point]) -> datetime:
    """When the first of it was reported: the hour, as long as hours are kept, else the day."""
    day = next((point for point in points if point.events), None)
    if day is None:
        return row.starts_at
    if not row.keeps_hours_from(day.starts_at):
        return day.starts_at
    within = day.starts_at, day.ends_at
    hours = figures.buckets(row.id, standing.resource.resource_type, "hour", within=within)
    return hours[0].at if hours else day.starts_at


def cost(
    row: UsagePeriod, standing: Standing, granted: Terms | None, currency: str | None, foretold: Forecast,
    *, is_waived: bool,
) -> Cost | None:  # fmt: skip
    """``None`` where nothing beyond is sold."""
    if granted is None or currency is None or not granted.sells(currency):
        return None

    def costs(quantity: Decimal | None) -> int | None:
        if quantity is None:
            return None
        return 0 if is_waived else granted.price(quantity, currency, row.share).amount

    ahead = costs(foretold.expected), costs(foretold.low), costs(foretold.high)
    return Cost(currency, costs(standing.used) or 0, *ahead, is_waived)
