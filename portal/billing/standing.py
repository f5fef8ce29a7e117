"""What a tenant's standing allows, the policy behind it, and looking at all tenants whose time has come."""

import logging
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select, text, update

from portal import clock, first_payments, tenancy
from portal.errors import Forbidden, Invalid
from portal.extensions import db
from portal.mirror import standings
from portal.mirror.customers import locked
from portal.models import PolicySettings, Standing
from portal.models.subscriptions import LIVE_STATUSES
from portal.security import audit

Use = Literal["included", "overage"]

# What is refused in which state: beyond the plan's limits first, everything in the end.
_REFUSED: dict[str, frozenset[str]] = {
    "good": frozenset(),
    "grace": frozenset(),
    "restricted": frozenset({"overage"}),
    "suspended": frozenset({"included", "overage"}),
}
AT_ONCE = 200
log = logging.getLogger("portal.standing")

# Whose state is not what the policy has for them now, as :func:`portal.mirror.standings.state_after` has it for one
# tenant (tests/billing/test_standing.py holds the two together). The policy is in days of each tenant's own time.
_DUE = text("""
    SELECT tenant_id FROM (
        SELECT c.tenant_id, coalesce(s.state, 'good') AS state,
            CASE WHEN o.since IS NULL THEN 'good'
                 WHEN coalesce(c.test_clock_at, :now) >= o.since + p.suspended_after_days * interval '1 day'
                    THEN 'suspended'
                 WHEN coalesce(c.test_clock_at, :now) >= o.since + p.restricted_after_days * interval '1 day'
                    THEN 'restricted'
                 ELSE 'grace' END AS target
        FROM (
            SELECT tenant_id FROM invoices WHERE status = 'open' AND overdue_since IS NOT NULL
            UNION SELECT tenant_id FROM standings WHERE state <> 'good'
        ) AS candidates
        JOIN customers c USING (tenant_id)
        LEFT JOIN standings s USING (tenant_id)
        LEFT JOIN LATERAL (
            SELECT min(i.overdue_since) AS since FROM invoices i
            WHERE i.tenant_id = c.tenant_id AND i.status = 'open' AND i.overdue_since IS NOT NULL
                AND i.amount_remaining_minor > 0
                AND NOT (i.payment_state = 'processing' AND EXISTS (
                    SELECT FROM subscriptions b JOIN plans USING (plan_id)
                    WHERE b.tenant_id = c.tenant_id AND b.superseded_reason IS NULL
                        AND b.status = ANY(:live)
                        AND plans.processing_access = 'grant'))
        ) AS o ON true
        CROSS JOIN settings p
    ) AS found
    WHERE state <> target ORDER BY tenant_id LIMIT :limit""")


class Restricted(Forbidden):
    """An invoice is unpaid for longer than the policy allows: what goes beyond the plan is refused."""

    code = "account_restricted"
    status = 402
    message = "An invoice is overdue, so nothing beyond your plan's limits can be used."
    remedy = "Pay what is open, and everything works again at once."


class Suspended(Restricted):
    """The same for everything."""

    code = "account_suspended"
    message = "An invoice is overdue, so your plan is suspended."


class NotPaidYet(Restricted):
    """The first payment of a plan that waits for it has not arrived."""

    code = "not_paid_yet"
    message = "Your first payment has not arrived yet, and your plan begins with it."
    remedy = "Bank payments take a few banking days. You have nothing to do."


class BadPolicy(Invalid):
    code = "bad_policy"
    message = "Days run from 0 to 365, suspension cannot come before restriction, and tries from 1 to 100."


def state() -> str:
    """The bound tenant's standing: "good", "grace", "restricted" or "suspended"."""
    return db.session.scalar(select(Standing.state)) or "good"


def allows(use: Use) -> bool:
    """Whether the bound tenant's standing allows a use: "included" in the plan, or "overage" beyond its limits."""
    try:
        require(use)
    except Restricted:
        return False
    return True


def require(use: Use) -> None:
    """Raises :class:`Restricted`, :class:`Suspended` or :class:`NotPaidYet` when the bound tenant may not use it.

    A tenant without any plan is not refused here: what it has no plan for is for the plan to say.
    """
    here = state()
    if use in _REFUSED[here]:
        raise Suspended if here == "suspended" else Restricted
    if first_payments.is_awaited_now():
        raise NotPaidYet


def settle_due() -> int:
    """Move every tenant whose standing is not what it should be now; returns how many, at most ``AT_ONCE``.

    Reads on the evaluators' role and moves each tenant in a transaction of its own under the tenant's lock, by the
    rows as they are then: however often it runs, and by how many, each step is taken once. Commits.
    """
    with tenancy.reader_session() as session:
        asked = {"now": clock.stripe_now(), "live": list(LIVE_STATUSES), "limit": AT_ONCE}
        due: list[UUID] = list(session.scalars(_DUE, asked))
    for tenant_id in due:
        with tenancy.bound(tenant_id):
            locked()
            standings.settle()
            db.session.commit()
    return len(due)


def policy() -> PolicySettings:
    """The policy for all tenants."""
    return db.session.scalars(select(PolicySettings)).one()


def set_policy(
    *, restricted_after: timedelta, suspended_after: timedelta, tries_by_hand_per_hour: int, actor: UUID | None = None
) -> None:
    """Change the policy, in whole days. It holds from the next look at the tenants on. Commits.

    ``actor``: of the staff's admin or finance (the database asks, too); nobody, for the worker role.
    Raises :class:`BadPolicy`.
    """
    days = restricted_after.days, suspended_after.days
    if not 0 <= days[0] <= days[1] <= 365 or not 1 <= tries_by_hand_per_hour <= 100:
        raise BadPolicy
    after = {
        "restricted_after_days": days[0],
        "suspended_after_days": days[1],
        "tries_by_hand_per_hour": tries_by_hand_per_hour,
    }
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        row = policy()
        before = {name: getattr(row, name) for name in after}
        if before == after:
            return
        db.session.execute(update(PolicySettings).values(**after, changed_at=clock.now()))
        audit.record("policy.change", "settings", "collection", before=before, after=after)
        db.session.commit()
