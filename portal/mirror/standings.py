"""Where a tenant stands, by what is overdue and for how long: good, grace, restricted, suspended.

The state follows from rows alone (the oldest unpaid invoice that is overdue, business time, the policy), so that
asking again, late or twice, changes nothing that was right.
"""

from datetime import datetime, timedelta

from sqlalchemy import func as sql
from sqlalchemy import select

from portal import business_time, steps, tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Invoice, Plan, PolicySettings, Standing, Subscription
from portal.models.collection import STANDINGS
from portal.models.subscriptions import LIVE_STATUSES
from portal.notices.notify import notify
from portal.security import audit


def settle() -> Standing | None:
    """Bring the bound tenant's standing to where it belongs now, in the current transaction.

    The caller holds the tenant's customer row. Returns the standing, ``None`` for a tenant that never owed.
    """
    db.session.flush()
    row = db.session.scalars(select(Standing).with_for_update()).first()
    since = overdue_since()
    target = state_after(since, business_time.now())
    if row is None and target == "good":
        return None
    before = row.state if row else "good"
    if row is None:
        row = Standing(tenant_id=tenancy.require_tenant(), id=uuid7(), since=business_time.now())
        steps.begin(row, "grace")
        db.session.add(row)
    row.overdue_since = since
    _walk(row, target)
    if row.state != before:
        row.since = business_time.now()
        _tell(row, before)
    return row


def overdue_since() -> datetime | None:
    """Since when the bound tenant owes, in business time; ``None`` when nothing is overdue.

    A payment that a bank works on for days counts as paid where the tenant's plan grants access meanwhile.
    """
    overdue = [Invoice.status == "open", Invoice.overdue_since.is_not(None), Invoice.amount_remaining_minor > 0]
    if _grants_while_processing():
        overdue.append(Invoice.payment_state != "processing")
    return db.session.scalar(select(sql.min(Invoice.overdue_since)).where(*overdue))


def state_after(since: datetime | None, now: datetime) -> str:
    """The state that the policy has for a tenant that is overdue since then."""
    if since is None:
        return "good"
    policy = db.session.scalars(select(PolicySettings)).one()
    if now >= since + timedelta(days=policy.suspended_after_days):
        return "suspended"
    return "restricted" if now >= since + timedelta(days=policy.restricted_after_days) else "grace"


def _grants_while_processing() -> bool:
    access = (
        select(Plan.processing_access)
        .join(Subscription, Subscription.plan_id == Plan.plan_id)
        .where(Subscription.superseded_reason.is_(None), Subscription.status.in_(LIVE_STATUSES))
    )
    return db.session.scalar(access) == "grant"


def _walk(row: Standing, target: str) -> None:
    """One step after the other: whoever was away for a month passed through every state all the same."""
    while row.state != target:
        here, there = STANDINGS.index(row.state), STANDINGS.index(target)
        nearer = there if target == "good" else here + (1 if there > here else -1)
        steps.move(row, STANDINGS[nearer])


def _tell(row: Standing, before: str) -> None:
    audit.record("standing.change", "standing", str(row.id), before={"state": before}, after={"state": row.state})
    # The mail about the failed payment says that nothing changes yet, and until when.
    if (before, row.state) != ("good", "grace"):
        notify("standing_changed", str(row.id), step=str(row.step_number), params={"state": row.state})
