"""Months of events: made before anything is recorded in them, and gone when nobody needs them any more."""

import logging
from datetime import UTC, date, datetime, time

from sqlalchemy import exists, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from portal import clock, findings, tenancy
from portal.extensions import db
from portal.models import UsageEvent, UsagePeriod
from portal.pricing.renewals import months_after

MONTHS_AHEAD = 3
MONTHS_KEPT = 3  # at least: periods of these may be open, or asked about
LONGEST = 120
log = logging.getLogger("portal.usage")
_PLACES = text("""
    SELECT replace(relname, 'usage_events_p', '') FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'usage_events'::regclass""")


def make_ahead() -> list[date]:
    """The months that were missing up to three ahead, made now, each by its first day.

    With them those of the past whose events were recorded while nobody made months: they go from the default place to
    one of their own. Each is committed by itself; one that cannot be made now (finding ``usage_month_failed``) does not
    keep the others from it, and is tried again at the next turn.
    """
    this = clock.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = [months_after(this, number, 1).date() for number in range(MONTHS_AHEAD + 1)]
    return [month for month in (*_left_out(this.date()), *months) if _is_done("make_usage_partition", month)]


def _left_out(this: date) -> list[date]:
    """The months before ``this`` that hold events and have no place of their own."""
    with tenancy.reader_session() as session:
        there = set(session.scalars(_PLACES))
        past = [_back(this, number) for number in range(LONGEST, 0, -1)]
        return [month for month in past if f"{month:%Y_%m}" not in there and _has_events(session, month)]


def _has_events(session: Session, month: date) -> bool:
    begins, ends = (datetime.combine(each, time(), UTC) for each in (month, _back(month, -1)))
    of_it = UsageEvent.recorded_at >= begins, UsageEvent.recorded_at < ends
    return bool(session.scalar(select(exists().where(*of_it))))


def _is_done(function: str, month: date, *more: object) -> bool:
    """Whether it was for a function to do something about a month, and it is done and committed."""
    try:
        is_done = bool(tenancy.execute_function(function, month, *more).scalar_one())
        db.session.commit()
    except DBAPIError:
        log.exception("a month of events could not be cared for", extra={"act": function, "month": month.isoformat()})
        db.session.rollback()
        findings.report_about(None, "usage_month_failed", f"{function}:{month:%Y-%m}")
        db.session.commit()
        return False
    return is_done


def retire(months_kept: int, *, drops: bool) -> list[date]:
    """Take the events of months before the last ``months_kept`` away: dropped, or detached as tables of their own.

    Returns the months, each by its first day; sums, charges and the ids of events stay. 0 keeps all. A month goes
    once every period that began in it or before is closed. One that somebody holds (finding ``usage_month_failed``)
    does not keep the others from it; it is tried again at the next turn. Commits.
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
        if not is_needed and _is_done("retire_usage_partition", month, drops):
            gone.append(month)
    return gone


def _back(month: date, number: int) -> date:
    return months_after(datetime.combine(month, time(), UTC), -number, 1).date()
