"""Stripe's invoice with its lines, discounts, taxes and payments: amounts and number are Stripe's."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import business_time, clock, tenancy
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.ids import uuid7
from portal.mirror import attempts, credit_notes, invoice_lines, payments, plan_changes, standings, tax_rates
from portal.mirror.customers import locked
from portal.mirror.line_explanations import terms_of
from portal.mirror.status_jumps import INVOICE, report_jump
from portal.mirror.taxes import taxes_of
from portal.models import Invoice, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.notices.notify import notify
from portal.outbox import stage
from portal.security import audit

_EXPAND = ["payments", "discounts.source.coupon"]


def fetch(object_id: str) -> dict[str, Any]:
    """The invoice, complete: all lines (Stripe embeds ten), each payment's intent with its charge, its tax rates."""
    invoice = as_dict(gateway().read(lambda s: s.v1.invoices.retrieve(object_id, {"expand": _EXPAND})))
    if invoice["lines"]["has_more"]:
        invoice["lines"]["data"] = invoice_lines.fetch_all(object_id)
    for payment in invoice["payments"]["data"]:
        payments.complete(payment)
    credit_notes.complete(invoice)
    tax_rates.complete(invoice["total_taxes"])
    return invoice


def customer(resource: dict[str, Any]) -> str | None:
    found: str | None = resource.get("customer")
    return found


def apply(resource: dict[str, Any]) -> None:
    """Insert or refresh the bound tenant's invoice; a newly issued one gets its document."""
    locked()
    row = db.session.scalars(
        select(Invoice).where(Invoice.stripe_invoice_id == resource["id"]).with_for_update()
    ).first()
    before = None if row is None else row.status
    if row is None:
        row = Invoice(tenant_id=tenancy.require_tenant(), id=uuid7(), stripe_invoice_id=resource["id"])
        row.document_state, row.document_attempt = "none", 0
    report_jump(INVOICE, row.stripe_invoice_id, before, resource["status"])
    _copy(row, resource)
    db.session.add(row)
    db.session.flush()
    invoice_lines.replace(row, resource["lines"]["data"], terms_of(resource["discounts"]))
    payments.replace(row, resource["payments"]["data"])
    credit_notes.replace(row, resource["credit_notes"])
    if before != row.status:
        audit.record(
            "invoice.status",
            "invoice",
            str(row.id),
            before={"status": before} if before else None,
            after={"status": row.status, "number": row.number, "total_minor": row.total_minor},
        )
    _owe_document(row)
    attempts.follow(row)
    _follow_failure(row)
    standings.settle()
    plan_changes.compare(row)


def _copy(row: Invoice, resource: dict[str, Any]) -> None:
    transitions = resource["status_transitions"]
    row.number = resource["number"]
    row.status = resource["status"]
    row.billing_reason = resource["billing_reason"] or ""
    row.collection_method = resource["collection_method"]
    row.currency = resource["currency"]
    _copy_amounts(row, resource)
    row.period_start = clock.from_timestamp(resource["period_start"])
    row.period_end = clock.from_timestamp(resource["period_end"])
    row.issued_at = clock.from_timestamp(transitions["finalized_at"])
    row.paid_at = clock.from_timestamp(transitions["paid_at"])
    row.voided_at = clock.from_timestamp(transitions["voided_at"])
    row.due_at = clock.from_timestamp(resource["due_date"])
    row.next_payment_attempt_at = clock.from_timestamp(resource["next_payment_attempt"])
    row.attempt_count = resource["attempt_count"]
    row.hosted_invoice_url = resource.get("hosted_invoice_url")
    row.created_at = clock.from_timestamp(resource["created"]) or clock.now()
    row.stripe_subscription_id = _subscription_of(resource)
    row.subscription_id = _our_subscription(row.stripe_subscription_id)
    row.payment_state, row.failure_code = payments.state_of(resource)
    if row.overdue_since is None and _is_overdue(row):
        # From when we know, so that nobody is restricted before they could be told, however long we were away; never
        # before it was issued: what we know of a test clock may be old.
        row.overdue_since = max(business_time.now(), row.due_at or row.issued_at or row.created_at)
    row.synced_at = clock.now()


def _copy_amounts(row: Invoice, resource: dict[str, Any]) -> None:
    row.subtotal_minor = resource["subtotal"]
    row.discount_minor = sum(entry["amount"] for entry in resource["total_discount_amounts"] or [])
    row.tax_minor = sum(entry["amount"] for entry in resource["total_taxes"] or [])
    row.total_minor = resource["total"]
    row.amount_due_minor = resource["amount_due"]
    row.amount_paid_minor = resource["amount_paid"]
    row.amount_remaining_minor = resource["amount_remaining"]
    row.credited_minor = credit_notes.credited_of(resource)
    row.starting_balance_minor = resource["starting_balance"]
    row.ending_balance_minor = resource["ending_balance"]
    row.discounts = discounts_of(resource)
    row.taxes = taxes_of(resource)


def discounts_of(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """What each discount of an invoice or preview takes off, by its coupon's name.

    Left out is what takes nothing off: a credit for discounted time names its discount, which is not the invoice's.
    """
    names = {}
    for discount in resource["discounts"]:
        if isinstance(discount, dict):
            coupon = (discount.get("source") or {}).get("coupon")
            names[discount["id"]] = coupon.get("name") or coupon["id"] if isinstance(coupon, dict) else str(coupon)
    return [
        {"name": names.get(_id(entry["discount"]), ""), "amount_minor": entry["amount"]}
        for entry in resource["total_discount_amounts"] or []
        if entry["amount"]
    ]


def _id(expandable: Any) -> str:
    return str(expandable["id"] if isinstance(expandable, dict) else expandable)


def _subscription_of(resource: dict[str, Any]) -> str | None:
    parent = resource["parent"]
    if not parent or parent["type"] != "subscription_details":
        return None
    return _id(parent["subscription_details"]["subscription"])


def _our_subscription(stripe_subscription_id: str | None) -> UUID | None:
    if stripe_subscription_id is None:
        return None
    return db.session.scalar(
        select(Subscription.id).where(Subscription.stripe_subscription_id == stripe_subscription_id)
    )


def _owe_document(row: Invoice) -> None:
    """A finalised invoice is issued: its document is rendered once and frozen.

    The first invoice of a subscription is open for moments only, and void if its payment fails: its document
    waits for the payment, or it would say for ever that something is due. So does that of a change of plan.
    """
    at_checkout = row.billing_reason == "subscription_create" and row.collection_method == "charge_automatically"
    is_issued = row.status == "paid" or (row.status == "open" and not at_checkout and not _is_of_a_change(row))
    if row.document_state == "none" and row.number and is_issued:
        row.document_state = "pending"
        stage(
            "document.render",
            f"document:{row.id}:{row.document_attempt}",
            tenant_id=row.tenant_id,
            payload={"invoice_id": str(row.id), "attempt": row.document_attempt},
        )


def _is_overdue(row: Invoice) -> bool:
    """Whether it should have been paid by now. The first invoice of what never began is nobody's debt."""
    if row.status != "open" or row.amount_remaining_minor <= 0 or _is_of_a_change(row):
        return False
    if row.collection_method == "send_invoice":
        return row.due_at is not None and row.due_at <= business_time.now()
    if row.payment_state not in ("failed", "action_required") or row.attempt_count == 0:
        return False
    return row.billing_reason != "subscription_create" or _is_of_a_live_subscription(row)


def _is_of_a_live_subscription(row: Invoice) -> bool:
    status = db.session.scalar(select(Subscription.status).where(Subscription.id == row.subscription_id))
    return status in LIVE_STATUSES


def _follow_failure(row: Invoice) -> None:
    """After each automatic try that failed: the backup's turn, and word to the tenant."""
    is_owed = row.status == "open" and row.payment_state in ("failed", "action_required")
    if row.overdue_since is None or not is_owed or row.attempt_count == 0:
        return
    if locked().backup_payment_method is not None:
        stage(
            "invoice.try_backup",
            f"invoice.try_backup:{row.id}:{row.attempt_count}",
            tenant_id=row.tenant_id,
            payload={"invoice_id": str(row.id), "automatic_number": row.attempt_count},
        )
    notify("payment_failed", str(row.id), step=str(row.attempt_count))


def _is_of_a_change(row: Invoice) -> bool:
    """What a change of plan costs is not owed: unpaid, the plan stays as it was, and another notice says so."""
    return row.billing_reason == "subscription_update" and plan_changes.waits(row.stripe_invoice_id)
