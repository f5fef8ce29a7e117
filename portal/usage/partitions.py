"""Months of events: made before anything is recorded in them, and gone when nobody needs them any more."""

from datetime import UTC, date, datetime, time

from sqlalchemy import select

from portal import clock, tenancy
from portal.extensions import db
from portal.models import UsagePeriod
from portal.pricing.renewals import months_after

MONTHS_AHEAD = 3
MONTHS_KEPT = 3  # at least: periods of these may be open, or asked about
LONGEST = 120


def make_ahead() -> list[date]:
    """The months that were missing up to three ahead, made now and committed, each by its first day."""
    this = clock.now().replace(day=1)
    months = [months_after(this, number, 1).date() for number in range(MONTHS_AHEAD + 1)]
    made = [month for month in months if tenancy.execute_function("make_usage_partition", month).scalar_one()]
    db.session.commit()
    return made


def retire(months_kept: int, *, drops: bool) -> list[date]:
    """Take the events of months before the last ``months_kept`` away: dropped, or detached as tables of their own.

    Returns the months, each by its first day; sums, charges and the ids of events stay. 0 keeps all. A month goes
    once every period that began in it or before is closed. Raises a database error while somebody holds the table;
    it is tried again at the next turn. Commits.
    """
    if not months_kept:
        return []
    newest = months_after(clock.now().replace(day=1), -max(months_kept, MONTHS_KEPT), 1).date()
    with tenancy.reader_session() as session:
        oldest_open = session.scalar(
            select(UsagePeriod.starts_at)
            .where(UsagePeriod.closed_at.is_(None))
            .order_by(UsagePeriod.starts_at)
            .limit(1)
        )
    gone = []
    for number in range(LONGEST, 0, -1):
        month = _back(newest, number)
        ends = datetime.combine(_back(month, -1), time(), UTC)
        is_needed = oldest_open is not None and oldest_open < ends
        if not is_needed and tenancy.execute_function("retire_usage_partition", month, drops).scalar_one():
            gone.append(month)
        db.session.commit()
    return gone


def _back(month: date, number: int) -> date:
    return months_after(datetime.combine(month, time(), UTC), -number, 1).date()
