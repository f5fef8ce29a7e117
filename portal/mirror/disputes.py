"""The disputes of a Stripe charge: why, for how much, until when it can be answered, and how it ended."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import business_time, clock
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.lists import entries
from portal.ids import uuid7
from portal.mirror import dispute_outcomes
from portal.models import Dispute, Invoice
from portal.models.disputes import OPEN


def complete(charge: dict[str, Any]) -> None:
    """Put the disputes of a disputed charge under ``disputes``: the charge itself only says that there are some."""
    if charge["disputed"]:
        found = entries(lambda page: gateway().read(lambda s: s.v1.disputes.list(page)), charge=charge["id"])
        charge["disputes"] = list(found)


def apply(charge: dict[str, Any], invoice: Invoice, payment_id: UUID) -> None:
    """Insert or refresh the disputes of a payment's charge; what is new of one has its consequences."""
    for dispute in charge.get("disputes", ()):
        former = db.session.scalar(select(Dispute.status).where(Dispute.stripe_dispute_id == dispute["id"]))
        is_over = dispute["status"] not in OPEN
        values = {
            "status": dispute["status"],
            "amount_minor": dispute["amount"],
            "withdrawn_minor": -sum(entry["amount"] for entry in dispute["balance_transactions"]),
            "reason": dispute["reason"],
            "evidence_due_at": clock.from_timestamp(dispute["evidence_details"]["due_by"] or None),
            "has_evidence": dispute["evidence_details"]["submission_count"] > 0,
            "synced_at": clock.now(),
        }
        closed_at = business_time.now() if is_over else None
        statement = insert(Dispute).values(
            tenant_id=invoice.tenant_id,
            id=uuid7(),
            invoice_id=invoice.id,
            payment_id=payment_id,
            stripe_dispute_id=dispute["id"],
            currency=dispute["currency"],
            created_at=clock.from_timestamp(dispute["created"]),
            closed_at=closed_at,
            **values,
        )
        if is_over and former in OPEN:
            values["closed_at"] = closed_at
        db.session.execute(statement.on_conflict_do_update(constraint="disputes_stripe_dispute_id_key", set_=values))
        if former != dispute["status"]:
            dispute_outcomes.follow(dispute, former, invoice)
