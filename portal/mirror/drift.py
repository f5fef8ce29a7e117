"""Drift: what the sweep found changed at Stripe although nothing had told us. Recorded as a finding, already healed."""

from typing import Any

from sqlalchemy import func as sql
from sqlalchemy import insert, select

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.mirror.leases import Claim
from portal.models import Checkout, DriftFinding, Invoice, Subscription

HEALED = "healed_drift"

# What of a row is Stripe's; the rest is ours or moves with each reading.
_COMPARED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "checkout_session": (Checkout.stripe_session_id, (Checkout.state, Checkout.stripe_subscription_id)),
    "subscription": (
        Subscription.stripe_subscription_id,
        (
            Subscription.status,
            Subscription.plan_price_id,
            Subscription.quantity,
            Subscription.current_period_start,
            Subscription.current_period_end,
            Subscription.trial_end,
            Subscription.cancel_at,
            Subscription.cancel_at_period_end,
            Subscription.ended_at,
            Subscription.default_payment_method,
            Subscription.latest_stripe_invoice_id,
            Subscription.discounts,
            Subscription.pending_until,
            Subscription.stripe_schedule_id,
        ),
    ),
    "invoice": (
        Invoice.stripe_invoice_id,
        (
            Invoice.status,
            Invoice.number,
            Invoice.total_minor,
            Invoice.amount_due_minor,
            Invoice.amount_paid_minor,
            Invoice.amount_remaining_minor,
            Invoice.attempt_count,
            Invoice.next_payment_attempt_at,
        ),
    ),
}

Snapshot = dict[str, str | None]


def snapshot(claimed: Claim) -> Snapshot | None:
    """What the bound tenant's row says of the object now; empty when there is no row, ``None`` when nobody asks.

    Only for what the sweep alone has asked for. Locks the tenant's customer row, so that nobody else changes it
    before :func:`record`.
    """
    if not claimed.is_swept or claimed.kind not in _COMPARED:
        return None
    locked()
    return _row(claimed)


def record(claimed: Claim, before: Snapshot | None) -> None:
    """Write down, in the applying transaction, what the reading has changed."""
    if before is None:
        return
    after = _row(claimed)
    changed = {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}
    if changed:
        details = {"kind": claimed.kind, "was_missing": not before, "changed": changed}
        db.session.execute(
            insert(DriftFinding).values(
                id=uuid7(),
                tenant_id=tenancy.require_tenant(),
                kind=HEALED,
                object_id=claimed.object_id,
                details=details,
                resolved_at=sql.now(),
            )
        )


def _row(claimed: Claim) -> Snapshot:
    stripe_id, columns = _COMPARED[claimed.kind]
    db.session.flush()
    row = db.session.execute(select(*columns).where(stripe_id == claimed.object_id)).first()
    return {} if row is None else {name: None if value is None else str(value) for name, value in row._mapping.items()}
