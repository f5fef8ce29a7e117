"""Whether our record of a tenant says what Stripe says, and whether the books add up in themselves."""

from typing import Any

from sqlalchemy import select

from portal import tenancy
from portal.clock import from_timestamp
from portal.extensions import db
from portal.models import DriftFinding, Invoice, OutboxRow, PaymentMethod, PlanPrice, StripeObject, Subscription
from portal.security import audit
from tests.support.life import Life


def assert_agreed(life: Life) -> None:
    """After everything was heard and done: nothing is owed, unexplained or otherwise than at Stripe."""
    customer = str(life.customer.stripe_customer_id)
    with tenancy.bound(life.tenant_id):
        ours = _subscriptions(), _invoices(), _methods()
        prices = dict(db.session.execute(select(PlanPrice.stripe_price_id, PlanPrice.id)).all())
        for invoice in db.session.scalars(select(Invoice)):
            _assert_adds_up(invoice)
    stripe_says = (
        {row["id"]: _of_subscription(row, prices) for row in _listed(life, "subscriptions", customer, status="all")},
        {row["id"]: _of_invoice(row) for row in _listed(life, "invoices", customer)},
        {row["id"] for row in life.get(f"customers/{customer}/payment_methods", limit=100)["data"]},
    )
    assert ours == stripe_says
    assert _open_ends(life) == []
    assert audit.verify(life.tenant_id) == []


def _listed(life: Life, kind: str, customer: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = life.get(kind, customer=customer, limit=100, **more)["data"]
    return found


def _subscriptions() -> dict[str, Any]:
    return {
        row.stripe_subscription_id: (
            row.status, row.plan_price_id, row.quantity, row.current_period_end, row.trial_end, row.cancel_at,
            row.ended_at, row.default_payment_method, len(row.discounts),
        )
        for row in db.session.scalars(select(Subscription))
    }  # fmt: skip


def _of_subscription(row: dict[str, Any], prices: dict[str, Any]) -> Any:
    [item] = row["items"]["data"]
    return (
        row["status"], prices[item["price"]["id"]], item["quantity"], from_timestamp(item["current_period_end"]),
        from_timestamp(row["trial_end"]), from_timestamp(row["cancel_at"]), from_timestamp(row["ended_at"]),
        row["default_payment_method"], len(row["discounts"]),
    )  # fmt: skip


def _invoices() -> dict[str, Any]:
    return {
        row.stripe_invoice_id: (
            row.status, row.total_minor, row.amount_paid_minor, row.amount_remaining_minor, row.tax_minor,
            row.attempt_count, row.number,
        )
        for row in db.session.scalars(select(Invoice))
    }  # fmt: skip


def _of_invoice(row: dict[str, Any]) -> Any:
    return (
        row["status"], row["total"], row["amount_paid"], row["amount_remaining"],
        sum(entry["amount"] for entry in row["total_taxes"]), row["attempt_count"], row["number"],
    )  # fmt: skip


def _methods() -> set[str]:
    kept = select(PaymentMethod.stripe_payment_method_id).where(PaymentMethod.detached_at.is_(None))
    return set(db.session.scalars(kept))


def _assert_adds_up(invoice: Invoice) -> None:
    lines = sum(line.amount_minor for line in invoice.lines)
    exclusive = sum(tax["amount_minor"] for tax in invoice.taxes if not tax["is_inclusive"])
    assert lines == invoice.subtotal_minor
    assert lines - invoice.discount_minor + exclusive == invoice.total_minor
    assert [line.description for line in invoice.lines if not line.inputs.get("explanation")] == []


def _open_ends(life: Life) -> list[Any]:
    """What is owed or parked, and what staff would have to look at."""
    with tenancy.staff_session() as session:
        findings = select(DriftFinding.kind, DriftFinding.object_id, DriftFinding.details).where(
            DriftFinding.tenant_id == life.tenant_id, DriftFinding.resolved_at.is_(None)
        )
        return list(session.execute(findings)) + _unfinished(life)


def _unfinished(life: Life) -> list[Any]:
    with tenancy.reader_session() as session:
        owed = select(OutboxRow.kind, OutboxRow.key, OutboxRow.last_error).where(
            OutboxRow.tenant_id == life.tenant_id, OutboxRow.done_at.is_(None), OutboxRow.kind != "mail.send"
        )
        unread = select(StripeObject.id, StripeObject.last_error).where(StripeObject.seen < StripeObject.wanted)
        return [*session.execute(owed), *session.execute(unread)]
