"""The overview of the bound tenant: what it has, what comes next and why, how to come back. Our own rows only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from portal.billing import cancellations, catalogue, subscriptions
from portal.billing.cancellations import Leaving
from portal.billing.catalogue import Offer, OfferedPrice
from portal.extensions import db
from portal.invoicing import invoices
from portal.invoicing.changes import Change, Item, compare, totals
from portal.models import Invoice, InvoiceLine, Plan, Subscription

LATEST_INVOICES = 4
NO_MORE_CHARGES = ("canceled", "incomplete_expired", "unpaid")


@dataclass(frozen=True)
class NextCharge:
    """What is charged next, in minor units. ``at`` is unknown for a paused plan: when it is resumed.

    ``is_foretold``: Stripe has computed it, discounts (``[{"name", "amount_minor"}]``), tax and balance with it.
    """

    amount_minor: int
    currency: str
    at: datetime | None
    is_foretold: bool
    tax_minor: int
    balance_minor: int
    discounts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class WayBack:
    """The plan that ended, still on sale."""

    offer: Offer
    price: OfferedPrice


@dataclass(frozen=True)
class Changes:
    """How the next invoice differs from the invoice ``number``; nothing in ``lines``: not at all."""

    invoice_id: UUID
    number: str
    lines: Sequence[Change]


@dataclass(frozen=True)
class Summary:
    """The overview. ``subscription``: the running one, else the one that ended last."""

    subscription: Subscription | None
    plan: Plan | None
    leaving: Leaving | None
    next_charge: NextCharge | None
    latest: Sequence[Row[*tuple[Any, ...]]]
    changes: Changes | None
    way_back: WayBack | None

    @property
    def is_live(self) -> bool:
        """Whether the plan can be used: Stripe's word, and that no verb of ours has ended it since."""
        has_ended = self.leaving is not None and self.leaving.state == "ended"
        return self.subscription is not None and self.subscription.is_live and not has_ended


def overview() -> Summary:
    """A handful of queries, whatever the tenant has."""
    subscription = subscriptions.latest_subscription()
    latest = invoices.page(limit=LATEST_INVOICES).rows
    if subscription is None:
        return Summary(None, None, None, None, latest, None, None)
    plan = subscriptions.plan_of(subscription)
    leaving = cancellations.leaving(subscription) if subscription.is_live else None
    next_charge = _next_charge(subscription) if subscription.is_live and leaving is None else None
    changes = _changes(subscription, latest) if next_charge else None
    is_over = not subscription.is_live or (leaving is not None and leaving.state == "ended")
    way_back = _way_back(subscription) if is_over else None
    return Summary(subscription, plan, leaving, next_charge, latest, changes, way_back)


def _next_charge(subscription: Subscription) -> NextCharge | None:
    if subscription.status in NO_MORE_CHARGES:
        return None
    at = subscription.trial_end if subscription.status == "trialing" else subscription.current_period_end
    known = subscription.next_invoice or {}
    return NextCharge(
        amount_minor=subscription.next_amount_minor,
        currency=known.get("currency", subscription.currency),
        at=None if subscription.status == "paused" else at,
        is_foretold=bool(known),
        tax_minor=known.get("tax_minor", 0),
        balance_minor=known.get("balance_minor", 0),
        discounts=known.get("discounts", ()),
    )


def _changes(subscription: Subscription, latest: Sequence[Row[*tuple[Any, ...]]]) -> Changes | None:
    """Compared with the last invoice that was for something; the one of a trial's start was not."""
    if subscription.next_invoice is None:
        return None
    last = next((row for row in latest if row.status in ("open", "paid") and row.total_minor), None)
    if last is None:
        return None
    return Changes(last.id, last.number, compare(_billed(last.id), _foretold(subscription.next_invoice)))


def _billed(invoice_id: UUID) -> list[Item]:
    lines = db.session.execute(
        select(InvoiceLine.description, InvoiceLine.amount_minor)
        .where(InvoiceLine.invoice_id == invoice_id)
        .order_by(InvoiceLine.position)
    )
    sums = db.session.execute(
        select(Invoice.subtotal_minor, Invoice.total_minor, Invoice.discounts).where(Invoice.id == invoice_id)
    ).one()
    return [*(Item(*row) for row in lines), *totals(**sums._mapping)]


def _foretold(known: Mapping[str, Any]) -> list[Item]:
    lines = [Item(line["description"], line["amount_minor"]) for line in known["lines"]]
    sums = {name: known[name] for name in ("subtotal_minor", "total_minor", "discounts")}
    return [*lines, *totals(**sums)]


def _way_back(subscription: Subscription) -> WayBack | None:
    try:
        return WayBack(*catalogue.offer(subscription.plan_id, subscription.interval))
    except catalogue.UnknownPlan:
        return None
