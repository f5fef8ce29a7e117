"""A change of plan with everything that a person wants to know of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import clock
from portal.billing import plan_changes, plan_differences
from portal.billing.plan_differences import Differences
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.models import Invoice, Plan, PlanChange, PlanPrice
from portal.pricing.explain import Explanation, from_json


@dataclass(frozen=True)
class QuotedLine:
    """A line of a quote. ``kind``: "credit", "part" of a period, or "whole"; ``is_target``: of the new price."""

    kind: str
    is_target: bool
    description: str
    amount_minor: int
    start: datetime | None
    end: datetime | None
    explanation: Explanation | None


@dataclass(frozen=True)
class QuotedInvoice:
    """An invoice as it will be. ``from_balance_minor``: what the customer's balance pays of it (negative: takes up)."""

    lines: tuple[QuotedLine, ...]
    discounts: tuple[Mapping[str, Any], ...]
    taxes: tuple[Mapping[str, Any], ...]
    subtotal_minor: int
    total_minor: int
    amount_due_minor: int

    @property
    def to_balance_minor(self) -> int:
        """A negative total is kept for the next invoices."""
        return max(-self.total_minor, 0)

    @property
    def from_balance_minor(self) -> int:
        return max(self.total_minor, 0) - self.amount_due_minor


@dataclass(frozen=True)
class View:
    """``invoice``: what the change waits for, once it is mirrored. ``former_due_minor``: of the offer it replaced."""

    change: PlanChange
    plan: Plan
    former: Plan
    price: PlanPrice
    former_price: PlanPrice
    today: QuotedInvoice | None
    following: QuotedInvoice
    differences: Differences
    is_valid: bool
    invoice: Invoice | None
    former_due_minor: int | None

    @property
    def is_moving(self) -> bool:
        """Whether a later look may show something else."""
        return self.change.state in ("confirmed", "awaiting_payment") or (
            self.change.state == "scheduled" and self.change.cancel_requested_at is not None
        )


@dataclass(frozen=True)
class Coming:
    """What a subscription will change to by itself."""

    plan: Plan
    at: datetime


def coming() -> Coming | None:
    """The bound tenant's scheduled change, or what was scheduled at Stripe's dashboard. Reads only our own rows."""
    change = plan_changes.under_way()
    if change is not None and change.state == "scheduled":
        return Coming(db.session.get_one(Plan, change.plan_id), change.effective_at)
    subscription = live_subscription()
    if subscription is None or subscription.scheduled_at is None or subscription.scheduled_plan_price_id is None:
        return None
    price = db.session.get_one(PlanPrice, subscription.scheduled_plan_price_id)
    return Coming(db.session.get_one(Plan, price.plan_id), subscription.scheduled_at)


def view(change_id: UUID) -> View:
    """The bound tenant's change. Raises :class:`portal.errors.NotFound`."""
    change = plan_changes.get(change_id)
    plan, former = db.session.get_one(Plan, change.plan_id), db.session.get_one(Plan, change.from_plan_id)
    replaced = db.session.scalars(select(PlanChange).where(PlanChange.replaced_by == change.id)).first()
    return View(
        change=change,
        plan=plan,
        former=former,
        price=db.session.get_one(PlanPrice, change.plan_price_id),
        former_price=db.session.get_one(PlanPrice, change.from_plan_price_id),
        today=_invoice(change.quote["today"]) if change.quote["today"] else None,
        following=_invoice(change.quote["next"]),
        differences=plan_differences.between(former, plan),
        is_valid=plan_changes.is_valid(change),
        invoice=_mirrored(change),
        former_due_minor=replaced.due_minor if replaced else None,
    )


def _mirrored(change: PlanChange) -> Invoice | None:
    if change.stripe_invoice_id is None:
        return None
    return db.session.scalars(select(Invoice).where(Invoice.stripe_invoice_id == change.stripe_invoice_id)).first()


def _invoice(kept: Mapping[str, Any]) -> QuotedInvoice:
    return QuotedInvoice(
        lines=tuple(_line(line) for line in kept["lines"]),
        discounts=tuple(entry for entry in kept["discounts"] if entry["amount_minor"]),
        taxes=tuple(kept["taxes"]),
        subtotal_minor=kept["subtotal_minor"],
        total_minor=kept["total_minor"],
        amount_due_minor=kept["amount_due_minor"],
    )


def _line(kept: Mapping[str, Any]) -> QuotedLine:
    return QuotedLine(
        kind=kept["kind"],
        is_target=kept["is_target"],
        description=kept["description"],
        amount_minor=kept["amount_minor"],
        start=clock.from_timestamp(kept["start"]),
        end=clock.from_timestamp(kept["end"]),
        explanation=from_json(kept["explanation"]) if kept["explanation"] else None,
    )
