"""Billing periods on the calendar, UTC: half-open, the day of the anchor kept where the month has it."""

import calendar
from datetime import UTC, datetime, timedelta
from typing import Any


def period_end(start: int, recurring: dict[str, Any], anchor: int | None = None) -> int:
    """When the period that begins at `start` ends (UTC seconds).

    Months and years keep the anchor's day: from January 31 to February 28, then March 31.
    """
    begin = datetime.fromtimestamp(start, UTC)
    interval, count = recurring["interval"], recurring["interval_count"]
    if interval in ("day", "week"):
        days = count * (7 if interval == "week" else 1)
        return int((begin + timedelta(days=days)).timestamp())
    months = count * (12 if interval == "year" else 1)
    day = datetime.fromtimestamp(start if anchor is None else anchor, UTC).day
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return int(begin.replace(year=year, month=month + 1, day=min(day, last)).timestamp())
