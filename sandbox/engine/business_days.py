"""Banking days: Monday to Friday in UTC, without holidays (assumed)."""

from datetime import UTC, datetime

DAY = 86400
_SATURDAY = 5


def after(start: int, days: int) -> int:
    """The same time of day so many banking days after `start` (UTC seconds)."""
    at = start
    while days:
        at += DAY
        days -= datetime.fromtimestamp(at, UTC).weekday() < _SATURDAY
    return at
