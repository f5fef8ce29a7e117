"""Periods that are over: what they cost is added up once reports of them had their time, and the next one begins."""

import logging
from uuid import UUID

from sqlalchemy import text

from portal import business_time, clock, tenancy
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.models import UsagePeriod
from portal.usage import charges, late, locks, periods

AT_ONCE = 200
log = logging.getLogger("portal.usage")
# Tenants on test clocks live at other times than all the others.
_DUE = text("""
    SELECT p.tenant_id, p.id, p.ends_at FROM usage_periods p
    WHERE p.closed_at IS NULL AND p.ends_at <= :now - :grace
        AND NOT EXISTS (SELECT FROM customers c WHERE c.tenant_id = p.tenant_id AND c.test_clock_at IS NOT NULL)
    UNION ALL
    SELECT p.tenant_id, p.id, p.ends_at FROM customers c JOIN usage_periods p USING (tenant_id)
    WHERE c.test_clock_at IS NOT NULL AND p.closed_at IS NULL AND p.ends_at <= c.test_clock_at - :grace
    ORDER BY ends_at LIMIT :limit""")


def close_due() -> int:
    """Close every tenant's periods whose grace is over; returns how many were due, at most ``AT_ONCE``.

    Reads on the evaluators' role and closes each in a transaction of its own under the tenant's lock: however often
    it runs, and by how many, each is closed once. Commits.
    """
    with tenancy.reader_session() as session:
        asked = {"now": clock.stripe_now(), "grace": periods.GRACE, "limit": AT_ONCE}
        due: list[tuple[UUID, UUID]] = [(row.tenant_id, row.id) for row in session.execute(_DUE, asked)]
    for tenant_id, period_id in due:
        with tenancy.bound(tenant_id):
            close(period_id)
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
    if live_subscription() is not None:
        periods.begin(now)
    db.session.commit()
