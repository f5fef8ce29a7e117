"""When a subscription renews: calendar months from its anchor, shorter months ending earlier."""

import calendar
from collections.abc import Iterator
from datetime import datetime
from itertools import count
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
        month = period.end.year * 12 + period.end.month - 1 + number * _MONTHS[interval]
        year, month = month // 12, month % 12 + 1
        longest = calendar.monthrange(year, month)[1]
        yield period.end.replace(year=year, month=month, day=min(day, longest))


def renewals_before(period: Period, interval: str, end: datetime) -> int:
    """How many renewals there are before ``end``; one at ``end`` itself is outside, as discounts have it."""
    for number, at in enumerate(renewals(period, interval)):
        if at >= end:
            return number
    raise AssertionError("renewals have no end")
