"""Sums by hour are of recent days only: those of older hours go, those of days and periods stay."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from portal import clock, tenancy
from portal.extensions import db
from portal.models import UsagePeriod

AT_ONCE = 200
STEP = timedelta(hours=6)  # of a period's hours in one transaction: some thousands of rows of a busy tenant
# An open period keeps all of its hours: where its bounds move, its days may be made anew of them.
# Tenants on test clocks live at other times than all the others.
_DUE = text("""
    SELECT p.tenant_id, p.id, p.starts_at, :now - :kept AS horizon FROM usage_periods p
    WHERE p.hours_since IS DISTINCT FROM p.ends_at AND p.starts_at < :now - :kept AND p.closed_at IS NOT NULL
        AND coalesce(p.hours_since, p.starts_at) < least(p.ends_at, :now - :kept - :step)
        AND NOT EXISTS (SELECT FROM customers c WHERE c.tenant_id = p.tenant_id AND c.test_clock_at IS NOT NULL)
    UNION ALL
    SELECT p.tenant_id, p.id, p.starts_at, c.test_clock_at - :kept
    FROM customers c JOIN usage_periods p USING (tenant_id)
    WHERE c.test_clock_at IS NOT NULL AND p.hours_since IS DISTINCT FROM p.ends_at AND p.closed_at IS NOT NULL
        AND coalesce(p.hours_since, p.starts_at) < least(p.ends_at, c.test_clock_at - :kept - :step)
    ORDER BY starts_at LIMIT :limit""")
# The resources are named, so that the index is entered once for each and leaves the days out.
_FORGET = """
    DELETE FROM {table} s USING usage_periods p
    WHERE p.tenant_id = %(tenant)s AND p.id = ANY(%(periods)s) AND s.tenant_id = p.tenant_id AND s.period_id = p.id
        AND s.resource_type = ANY(ARRAY(SELECT resource_type FROM resources)) AND s.grain = 'hour'
        AND s.bucket_at < p.hours_since"""


class _Due(NamedTuple):
    tenant_id: UUID
    period_id: UUID
    starts_at: datetime
    horizon: datetime


def forget_old(days_kept: int) -> int:
    """Take away every tenant's sums of hours, of closed periods, that began more than so many days ago; 0 keeps all.

    Returns how many periods had some, at most ``AT_ONCE``. Reads on the evaluators' role and goes through each period
    in steps, each a transaction under its tenant. Commits; for the worker role.
    """
    if not days_kept:
        return 0
    asked = {"now": clock.stripe_now(), "kept": timedelta(days=days_kept), "step": STEP, "limit": AT_ONCE}
    with tenancy.reader_session() as session:
        due = [_Due(*row) for row in session.execute(_DUE, asked)]
    for each in due:
        with tenancy.bound(each.tenant_id):
            while _step(each):
                pass
    return len(due)


def forget_again(period_ids: Collection[UUID]) -> None:
    """Take away what these periods of the bound tenant no longer keep, after their sums were made anew.

    Does not commit.
    """
    given = {"tenant": tenancy.require_tenant(), "periods": list(period_ids)}
    for table in ("usage_rollups", "usage_uniques"):
        db.session.connection().exec_driver_sql(_FORGET.format(table=table), given)


def _step(due: _Due) -> bool:
    """Some hours of a period; whether more may be left. What it says of them and what there is change together."""
    wanted = db.select(UsagePeriod).where(UsagePeriod.id == due.period_id).with_for_update()
    period = db.session.scalars(wanted.execution_options(populate_existing=True)).first()
    if period is None:  # it was merged into another one meanwhile
        return False
    horizon = min(due.horizon, period.ends_at)
    since = max(period.hours_since or period.starts_at, period.starts_at)
    if since >= horizon:
        db.session.rollback()
        return False
    period.hours_since = min(since + STEP, horizon)
    db.session.flush()
    forget_again([period.id])
    is_over = period.hours_since >= horizon
    db.session.commit()
    return not is_over
