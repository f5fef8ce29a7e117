"""What Stripe says of a subscription, seen as the outcome of a change of plan."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import clock, steps
from portal.extensions import db
from portal.findings import report
from portal.ids import uuid7
from portal.models import Cancellation, Invoice, InvoiceLine, PlanChange, PlanPrice, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.notices.notify import notify
from portal.outbox import stage
from portal.security import audit

Terms = tuple[str, UUID, int]


def terms_of(row: Subscription | None) -> Terms | None:
    """What a subscription is of: plan, price and quantity."""
    return None if row is None else (row.plan_id, row.plan_price_id, row.quantity)


def carried_of(row: Subscription | None) -> tuple[list[str], list[str], str | None] | None:
    """What a schedule copies of a subscription beside its items: discounts, tax rates and payment method."""
    if row is None:
        return None
    return [each["id"] for each in row.discounts or ()], list(row.tax_rates or ()), row.default_payment_method


def owe_refit(row: Subscription) -> None:
    """What a schedule copied has changed since: a change that waits for the end of the period is fitted to it."""
    change = db.session.scalars(
        select(PlanChange).where(
            PlanChange.subscription_id == row.id,
            PlanChange.timing == "period_end",
            PlanChange.state.in_(("confirmed", "scheduled")),
        )
    ).first()
    if change is not None:
        stage(
            "plan_change.refit",
            f"plan_change.refit:{uuid7()}",
            tenant_id=row.tenant_id,
            payload={"plan_change_id": str(change.id)},
        )


def follow(row: Subscription, former: Terms | None, resource: dict[str, Any]) -> None:
    """The subscription was just mirrored: tell of a new plan, and settle the change that led (or did not lead) to it.

    ``former``: its terms before. A change made at Stripe's dashboard is told like one of ours. What looks as if a
    change had been dropped may be an old reading: it is looked at again first (``plan_change.check``).
    """
    terms = terms_of(row)
    if former is not None and terms is not None and former != terms:
        _tell(row, former, terms)
    change = open_change(row)
    if change is None:
        return
    if has_arrived(change, resource):
        settle(change, resource)
    elif _is_dropped(change, resource):
        stage(
            "plan_change.check",
            f"plan_change.check:{uuid7()}",
            tenant_id=row.tenant_id,
            payload={"plan_change_id": str(change.id)},
        )


def open_change(row: Subscription) -> PlanChange | None:
    """The change that Stripe holds back or will carry out, locked."""
    return db.session.scalars(
        select(PlanChange)
        .where(PlanChange.subscription_id == row.id, PlanChange.state.in_(("awaiting_payment", "scheduled")))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def settle(change: PlanChange, resource: dict[str, Any]) -> None:
    """End a change as the subscription says that was read after it began; one that still waits stays as it is.

    The caller holds the tenant's lock. Runs on the web role too.
    """
    if has_arrived(change, resource):
        _close(change, "applied")
        if change.stripe_schedule_id and resource["schedule"] == change.stripe_schedule_id:
            owe_release(change)
        return
    if not _is_dropped(change, resource):
        return
    is_leaving = _is_leaving(change)
    lapsed = change.state == "awaiting_payment" and change.cancel_requested_at is None
    wanted = is_leaving or change.cancel_requested_at is not None
    if change.state == "scheduled" and not wanted and resource["status"] in LIVE_STATUSES:
        report("plan_change_dropped", str(change.id), schedule=change.stripe_schedule_id)
    _close(change, "expired" if lapsed else "canceled")
    if not is_leaving:  # of leaving another notice tells, and the subscription does not go on
        notify("plan_change_ended", str(change.id))


def owe_release(change: PlanChange) -> None:
    """The schedule of a change that is over is to let go of the subscription."""
    stage(
        "plan_change.release",
        f"plan_change.release:{change.id}",
        tenant_id=change.tenant_id,
        payload={"plan_change_id": str(change.id)},
    )


def has_arrived(change: PlanChange, resource: dict[str, Any]) -> bool:
    """Whether the subscription is what the change wanted: for one that ended with its period, it never was."""
    ended_at = resource["ended_at"]
    if change.timing == "period_end" and ended_at is not None and ended_at <= change.effective_at.timestamp():
        return False
    price_id = db.session.get_one(PlanPrice, change.plan_price_id).stripe_price_id
    terms = [(item["price"]["id"], item.get("quantity")) for item in resource["items"]["data"]]
    return resource["pending_update"] is None and (price_id, change.quantity) in terms


def waits(stripe_invoice_id: str) -> bool:
    """Whether an invoice may be what a change under way costs: unpaid, it is not owed."""
    found = db.session.scalars(
        select(PlanChange).where(PlanChange.state.in_(("confirmed", "awaiting_payment")))
    ).first()
    return found is not None and found.stripe_invoice_id in (None, stripe_invoice_id)


def compare(invoice: Invoice) -> None:
    """What a change cost has to be what was quoted: anything else becomes a finding (``charged_otherwise``)."""
    if invoice.billing_reason not in ("subscription_update", "subscription_cycle") or invoice.status == "draft":
        return
    change = db.session.scalars(
        select(PlanChange).where(PlanChange.stripe_invoice_id == invoice.stripe_invoice_id)
    ).first() or _first_after(invoice)
    if change is None:
        return
    change.stripe_invoice_id = invoice.stripe_invoice_id
    quoted = (change.quote["next" if change.timing == "period_end" else "today"] or {}).get("total_minor")
    if quoted is not None and quoted != invoice.total_minor:
        report("charged_otherwise", str(change.id), quoted_minor=quoted, invoiced_minor=invoice.total_minor)


def _first_after(invoice: Invoice) -> PlanChange | None:
    """The scheduled change that begins with an invoice: its period does so with one of the invoice's lines."""
    begins = select(InvoiceLine.period_start).where(
        InvoiceLine.tenant_id == invoice.tenant_id, InvoiceLine.invoice_id == invoice.id
    )
    return db.session.scalars(
        select(PlanChange).where(
            PlanChange.subscription_id == invoice.subscription_id,
            PlanChange.timing == "period_end",
            PlanChange.state.in_(("scheduled", "applied")),
            PlanChange.stripe_invoice_id.is_(None),
            PlanChange.effective_at.in_(begins),
        )
    ).first()


def _is_leaving(change: PlanChange) -> bool:
    """Whether the subscription was cancelled, which takes a scheduled change back."""
    found = select(Cancellation.id).where(
        Cancellation.subscription_id == change.subscription_id,
        Cancellation.state.in_(("requested", "scheduled", "ended")),
    )
    return change.timing == "period_end" and db.session.scalar(found.limit(1)) is not None


def _is_dropped(change: PlanChange, resource: dict[str, Any]) -> bool:
    if resource["status"] not in LIVE_STATUSES:
        return True
    if change.state == "awaiting_payment":
        return resource["pending_update"] is None
    return bool(resource["schedule"] != change.stripe_schedule_id)


def _close(change: PlanChange, state: str) -> None:
    before = change.state
    steps.move(change, state)
    change.closed_at = clock.now()
    audit.record(
        f"plan_change.{state}",
        "plan_change",
        str(change.id),
        before={"state": before},
        after={"plan_id": change.plan_id},
    )


def _tell(row: Subscription, former: Terms, terms: Terms) -> None:
    audit.record(
        "subscription.plan",
        "subscription",
        str(row.id),
        before={"plan_id": former[0], "plan_price_id": former[1], "quantity": former[2]},
        after={"plan_id": terms[0], "plan_price_id": terms[1], "quantity": terms[2]},
    )
    if row.is_live:
        notify("plan_changed", str(row.id), step=str(uuid7()), params={"from_plan_id": former[0], "plan_id": terms[0]})
