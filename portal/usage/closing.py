"""Periods that are over: what they cost is added up once reports of them had their time, and the next one begins."""

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text, update

from portal import business_time, clock, findings, tenancy
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.models import DriftFinding, UsagePeriod
from portal.usage import charges, late, locks, periods

AT_ONCE = 200
TOLD_AFTER = 2  # the first failure may be of the moment: a lock, a restart
LONGEST_WAIT = timedelta(hours=1)
FINDING = "period_not_closed"
log = logging.getLogger("portal.usage")
# Tenants on test clocks live at other times than all the others. Those that have failed come last: however many there
# are, they keep nobody waiting.
_DUE = text("""
    SELECT p.tenant_id, p.id, p.failures, p.ends_at FROM usage_periods p
    WHERE p.closed_at IS NULL AND p.ends_at <= :now - :grace AND (p.retry_at IS NULL OR p.retry_at <= :real_now)
        AND NOT EXISTS (SELECT FROM customers c WHERE c.tenant_id = p.tenant_id AND c.test_clock_at IS NOT NULL)
    UNION ALL
    SELECT p.tenant_id, p.id, p.failures, p.ends_at FROM customers c JOIN usage_periods p USING (tenant_id)
    WHERE c.test_clock_at IS NOT NULL AND p.closed_at IS NULL AND p.ends_at <= c.test_clock_at - :grace
        AND (p.retry_at IS NULL OR p.retry_at <= :real_now)
    ORDER BY failures, ends_at LIMIT :limit""")


def close_due() -> int:
    """Close every tenant's periods whose grace is over; returns how many were due, at most ``AT_ONCE``.

    Reads on the evaluators' role and closes each in a transaction of its own under the tenant's lock: however often
    it runs, and by how many, each is closed once. One that fails is put off, and the others go on. Commits.
    """
    with tenancy.reader_session() as session:
        asked = {"now": clock.stripe_now(), "real_now": clock.now(), "grace": periods.GRACE, "limit": AT_ONCE}
        due: list[tuple[UUID, UUID]] = [(row.tenant_id, row.id) for row in session.execute(_DUE, asked)]
    for tenant_id, period_id in due:
        try:
            with tenancy.bound(tenant_id):
                close(period_id)
        except Exception as error:
            log.exception("a period could not be closed", extra={"tenant_id": tenant_id, "period_id": period_id})
            with tenancy.bound(tenant_id):
                _put_off(period_id, type(error).__name__)
    return len(due)


def close(period_id: UUID) -> None:
    """Charge a period of the bound tenant and close it, if it is time, and begin the one that runs. Commits."""
    locks.alone()
    now = business_time.now()
    period = db.session.get(UsagePeriod, (tenancy.require_tenant(), period_id), populate_existing=True)
    if period is None or period.closed_at is not None or now < period.ends_at + periods.GRACE:
        db.session.rollback()
        return
    charges.add_up(period)
    late.add_up()
    period.closed_at = clock.now()
    if period.failures:
        _settled(period_id)
    if live_subscription() is not None:
        periods.begin(now)
    db.session.commit()


def _put_off(period_id: UUID, error: str) -> None:
    """Count a failure and wait longer with each, up to an hour; staff hear of the second in a row. Commits.

    ``error``: its kind only; a database error repeats whole rows.
    """
    of_it = UsagePeriod.id == period_id, UsagePeriod.closed_at.is_(None)
    counted = update(UsagePeriod).where(*of_it).values(failures=UsagePeriod.failures + 1)
    failures = db.session.scalar(counted.returning(UsagePeriod.failures)) or 0
    if failures >= TOLD_AFTER:
        wait = min(timedelta(minutes=2 ** min(failures - TOLD_AFTER, 10)), LONGEST_WAIT)
        db.session.execute(update(UsagePeriod).where(*of_it).values(retry_at=clock.now() + wait))
        findings.report(FINDING, str(period_id), error=error)
    db.session.commit()


def _settled(period_id: UUID) -> None:
    """It went well after all: nobody has to look any more."""
    of_it = DriftFinding.kind == FINDING, DriftFinding.object_id == str(period_id), DriftFinding.resolved_at.is_(None)
    db.session.execute(update(DriftFinding).where(*of_it).values(resolved_at=clock.now()))
