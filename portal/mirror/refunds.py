"""The refunds of a Stripe charge: what goes back, what has arrived, what the bank sent back to us."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.lists import entries
from portal.ids import uuid7
from portal.mirror import refund_outcomes
from portal.models import Invoice, Refund


def complete(charge: dict[str, Any]) -> None:
    """Put all refunds into the charge, of which Stripe embeds the ten newest."""
    embedded = charge["refunds"]
    if embedded["has_more"]:
        found = entries(lambda page: gateway().read(lambda s: s.v1.refunds.list(page)), charge=charge["id"])
        embedded["data"] = list(found)


def apply(charge: dict[str, Any], invoice: Invoice, payment_id: UUID) -> None:
    """Insert or refresh the refunds of a payment's charge, and tell of what is new of one."""
    for refund in (charge.get("refunds") or {}).get("data", ()):
        former = db.session.scalar(select(Refund.status).where(Refund.stripe_refund_id == refund["id"]))
        values = {
            "status": refund["status"],
            "failure_reason": refund.get("failure_reason") or "",
            "synced_at": clock.now(),
        }
        statement = insert(Refund).values(
            tenant_id=invoice.tenant_id,
            id=uuid7(),
            invoice_id=invoice.id,
            payment_id=payment_id,
            stripe_refund_id=refund["id"],
            amount_minor=refund["amount"],
            currency=refund["currency"],
            reason=refund["reason"] or "",
            created_at=clock.from_timestamp(refund["created"]),
            **values,
        )
        db.session.execute(statement.on_conflict_do_update(constraint="refunds_stripe_refund_id_key", set_=values))
        if former != refund["status"]:
            refund_outcomes.follow(refund, former, invoice)
