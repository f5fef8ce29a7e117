"""Stripe's subscription: the tenant's plan, its status and period."""

from typing import Any

from sqlalchemy import select, update

from portal import clock, tenancy
from portal.extensions import db
from portal.findings import report
from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror import (
    cancellations,
    discounts,
    next_invoices,
    plan_changes,
    redemptions,
    rivals,
    subscription_taxes,
    trials,
    usage_periods,
)
from portal.mirror.customers import locked
from portal.mirror.errors import Unmirrorable
from portal.mirror.status_jumps import SUBSCRIPTION, report_jump
from portal.models import Invoice, PlanPrice, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.notices.notify import notify
from portal.security import audit


def fetch(object_id: str) -> dict[str, Any]:
    """The subscription with its discounts, and with the real time at which it was asked for (``asked_at``)."""
    asked_at = clock.now()
    expand: list[str] = [discounts.EXPAND, discounts.EXPAND_ITEMS]
    found = gateway().read(lambda s: s.v1.subscriptions.retrieve(object_id, {"expand": expand}))
    return {**as_dict(found), "asked_at": asked_at}


def customer(resource: dict[str, Any]) -> str | None:
    return str(resource["customer"])


def apply(resource: dict[str, Any]) -> None:
    """Insert or refresh the bound tenant's subscription and say what changed in its life."""
    locked()
    row = db.session.scalars(
        select(Subscription).where(Subscription.stripe_subscription_id == resource["id"]).with_for_update()
    ).first()
    before = None if row is None else row.status
    shape = usage_periods.shape_of(row)
    former, carried = plan_changes.terms_of(row), plan_changes.carried_of(row)
    sold = _sold_item(resource)
    if sold is None and row is None:
        raise Unmirrorable("no item of the subscription is a price that this portal sold")
    if row is None:
        row = Subscription(tenant_id=tenancy.require_tenant(), id=uuid7(), stripe_subscription_id=resource["id"])
    turns_live = resource["status"] in LIVE_STATUSES and before not in LIVE_STATUSES
    if sold is None:
        # Swapped at Stripe's own dashboard: the plan stays unknown, but its life goes on.
        report("unknown_price", row.stripe_subscription_id)
    elif turns_live and row.superseded_reason is None:
        row.superseded_reason = rivals.make_room(row, sold[1])
    report_jump(SUBSCRIPTION, row.stripe_subscription_id, before, resource["status"])
    _copy_life(row, resource)
    if sold is not None:
        _copy_plan(row, *sold)
    db.session.add(row)
    db.session.flush()
    _link_invoices(row)
    redemptions.follow_subscription(row)
    cancellations.follow(row, resource["asked_at"])
    trials.follow(row, before, clock.from_timestamp(resource["trial_start"]))
    _follow_money(row, resource, shape)
    if before != row.status:
        _tell(row, before)
    plan_changes.follow(row, former, resource)
    if carried not in (None, plan_changes.carried_of(row)):
        plan_changes.owe_refit(row)
    if row.is_live and row.amount_minor > 0 and turns_live:
        rivals.end_other_checkouts((resource["metadata"] or {}).get("checkout_id"))
    _follow(resource)  # last: whoever locks the tenant's audit chain and an object, locks them in this order


def _follow_money(row: Subscription, resource: dict[str, Any], shape: usage_periods.Shape | None) -> None:
    """What is charged next, how it is taxed, and which usage it holds."""
    next_invoices.follow(row, resource)
    subscription_taxes.follow(row, resource)
    usage_periods.follow(row, shape)


def _sold_item(resource: dict[str, Any]) -> tuple[dict[str, Any], PlanPrice] | None:
    """The item that is a plan of ours (a metered item may stand beside it), and its price."""
    items = resource["items"]["data"]
    prices = {
        price.stripe_price_id: price
        for price in db.session.scalars(
            select(PlanPrice).where(PlanPrice.stripe_price_id.in_([item["price"]["id"] for item in items]))
        )
    }
    for item in items:
        if (price := prices.get(item["price"]["id"])) is not None:
            return item, price
    return None


def _copy_plan(row: Subscription, item: dict[str, Any], price: PlanPrice) -> None:
    row.plan_id = price.plan_id
    row.plan_price_id = price.id
    row.interval = price.interval
    row.unit_amount_minor = price.unit_amount_minor
    row.quantity = item.get("quantity") or 1
    row.current_period_start = clock.from_timestamp(item["current_period_start"])
    row.current_period_end = clock.from_timestamp(item["current_period_end"])


def _copy_life(row: Subscription, resource: dict[str, Any]) -> None:
    row.status = resource["status"]
    row.currency = resource["currency"]
    row.trial_end = clock.from_timestamp(resource["trial_end"])
    row.trial_end_behavior = ((resource["trial_settings"] or {}).get("end_behavior") or {}).get(
        "missing_payment_method"
    ) or ""
    row.cancel_at = clock.from_timestamp(resource["cancel_at"])
    row.cancel_at_period_end = resource["cancel_at_period_end"]
    row.canceled_at = clock.from_timestamp(resource["canceled_at"])
    row.ended_at = clock.from_timestamp(resource["ended_at"])
    row.started_at = clock.from_timestamp(resource["start_date"])
    row.default_payment_method = resource["default_payment_method"]
    row.latest_stripe_invoice_id = resource["latest_invoice"]
    row.discounts = discounts.copied(resource)
    row.pending_until = clock.from_timestamp((resource["pending_update"] or {}).get("expires_at"))
    _copy_schedule(row, resource["schedule"])
    row.synced_at = resource["asked_at"]


def _copy_schedule(row: Subscription, schedule_id: str | None) -> None:
    """Another schedule, or none: what the former one would have changed is void."""
    if row.stripe_schedule_id != schedule_id:
        row.stripe_schedule_id = schedule_id
        row.scheduled_plan_price_id = row.scheduled_quantity = row.scheduled_at = None


def _link_invoices(row: Subscription) -> None:
    """Invoices that were mirrored before their subscription find it now."""
    db.session.execute(
        update(Invoice)
        .where(Invoice.stripe_subscription_id == row.stripe_subscription_id, Invoice.subscription_id.is_(None))
        .values(subscription_id=row.id),
        execution_options={"synchronize_session": False},
    )


def _follow(resource: dict[str, Any]) -> None:
    if resource["latest_invoice"]:
        want(resource["latest_invoice"], "invoice")
    if resource["default_payment_method"]:
        want(resource["default_payment_method"], "payment_method")
    if resource["schedule"]:
        want(resource["schedule"], "subscription_schedule")


def _tell(row: Subscription, before: str | None) -> None:
    """Audit and notices for a change of status; nothing is said about what the tenant never had."""
    audit.record(
        "subscription.status",
        "subscription",
        str(row.id),
        before={"status": before} if before else None,
        after={"status": row.status, "plan_id": row.plan_id, "superseded": row.superseded_reason},
    )
    params = {"plan_id": row.plan_id}
    if row.is_live and before not in LIVE_STATUSES:
        notify("subscription_started", str(row.id), params=params)
    elif trials.has_lapsed(row, before):
        notify("trial_lapsed", str(row.id), step=row.status)
    elif row.status == "canceled" and row.superseded_reason is None and before in LIVE_STATUSES:
        notify("subscription_canceled", str(row.id), params=params)
