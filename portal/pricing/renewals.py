"""When a subscription renews: calendar months from its anchor, shorter months ending earlier."""

import calendar
from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice
from typing import NamedTuple

_MONTHS = {"month": 1, "year": 12}


class Period(NamedTuple):
    """A billing period, half-open."""

    start: datetime
    end: datetime


def renewals(period: Period, interval: str) -> Iterator[datetime]:
    """The moments at which the invoices after this one begin, the end of ``period`` first, without end.

    The anchor's day is the later of the two days: of two months in a row one is long enough to show it.
    """
    day = max(period.start.day, period.end.day)
    for number in count():
        yield months_after(period.end, number * _MONTHS[interval], day)


def months_after(at: datetime, months: int, day: int) -> datetime:
    """So many calendar months after ``at``, on ``day`` or the last one of a shorter month."""
    month = at.year * 12 + at.month - 1 + months
    year, month = month // 12, month % 12 + 1
    return at.replace(year=year, month=month, day=min(day, calendar.monthrange(year, month)[1]))


def month_of(period: Period, at: datetime) -> Period:
    """The month within a billing period that holds ``at``: the period itself, or one of a year's twelve."""
    day = max(period.start.day, period.end.day)
    begins = period.start
    for number in count(1):
        ends = months_after(period.start, number, day)
        # What an interval's last days leave over is of its last month.
        if ends >= period.end or months_after(ends, 1, day) > period.end:
            ends = period.end
        if at < ends or ends == period.end:
            return Period(begins, ends)
        begins = ends
    raise AssertionError("months have no end")


def month_at(period: Period, interval: str, at: datetime) -> Period:
    """The month that holds ``at``, in the period or in those that follow when it renews."""
    if at < period.end:
        return month_of(period, at)
    begins = period.end
    for ends in islice(renewals(period, interval), 1, None):
        if at < ends:
            return month_of(Period(begins, ends), at)
        begins = ends
    raise AssertionError("renewals have no end")


def renewals_before(period: Period, interval: str, end: datetime) -> int:
    """How many renewals there are before ``end``; one at ``end`` itself is outside, as discounts have it."""
    for number, at in enumerate(renewals(period, interval)):
        if at >= end:
            return number
    raise AssertionError("renewals have no end")
