"""Billing periods on the calendar, UTC: half-open, the day of the anchor kept where the month has it.

Every boundary is counted from the anchor, not from the period before, so that January 31 becomes February 28
and then March 31 again. Times are UTC seconds; `recurring` is a price's `{interval, interval_count}`.
"""

import calendar
from datetime import UTC, datetime
from typing import Any

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
DAY = 86400


def period_end(start: int, recurring: dict[str, Any], anchor: int | None = None) -> int:
    """When the period that begins at `start` ends.

    Months and years keep the anchor's day: from January 31 to February 28, then March 31.
    """
    if recurring["interval"] in _DAYS:
        return start + _seconds(recurring)
    return _months_on(start, _months(recurring), _moment(start if anchor is None else anchor).day)


def boundary(anchor: int, recurring: dict[str, Any], steps: int, day: int | None = None) -> int:
    """The boundary so many periods after (or before) the anchor. `day` replaces the anchor's day of the month."""
    if recurring["interval"] in _DAYS:
        return anchor + steps * _seconds(recurring)
    return _months_on(anchor, steps * _months(recurring), day or _moment(anchor).day)


def period_around(at: int, recurring: dict[str, Any], anchor: int, day: int | None = None) -> tuple[int, int]:
    """The whole period [start, end) of the anchor's grid that a time falls into."""
    steps = _steps_before(at, recurring, anchor)
    while boundary(anchor, recurring, steps + 1, day) <= at:
        steps += 1
    return boundary(anchor, recurring, steps, day), boundary(anchor, recurring, steps + 1, day)


def next_occurrence(after: int, wanted: dict[str, Any]) -> int:
    """The first time after `after` that fits a `billing_cycle_anchor_config`.

    Hour, minute and second default to those of `after` (assumed); a day that the month lacks is its last day.
    """
    now = _moment(after)
    months = [wanted["month"]] if wanted.get("month") else range(1, 13)
    for year in range(now.year, now.year + 3):
        for month in months:
            found = now.replace(
                year=year,
                month=month,
                day=min(wanted["day_of_month"], calendar.monthrange(year, month)[1]),
                **{unit: wanted[unit] for unit in ("hour", "minute", "second") if wanted.get(unit) is not None},
            )
            if found > now:
                return int(found.timestamp())
    raise ValueError("every month comes again within two years")


def _steps_before(at: int, recurring: dict[str, Any], anchor: int) -> int:
    """A number of steps whose boundary is surely not after `at`, and near it."""
    if recurring["interval"] in _DAYS:
        return (at - anchor) // _seconds(recurring)
    begin, end = _moment(anchor), _moment(at)
    return ((end.year - begin.year) * 12 + end.month - begin.month) // _months(recurring) - 1


def _seconds(recurring: dict[str, Any]) -> int:
    return int(recurring["interval_count"]) * _DAYS[recurring["interval"]] * DAY


def _months(recurring: dict[str, Any]) -> int:
    return int(recurring["interval_count"]) * _MONTHS[recurring["interval"]]


def _months_on(start: int, months: int, day: int) -> int:
    begin = _moment(start)
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    # The day first fits the month when both change together: February has no 31st.
    return int(begin.replace(year=year, month=month + 1, day=min(day, last)).timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
