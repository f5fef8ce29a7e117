"""Rows of money that went back, as the mirror and the verbs would have written them."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.ids import uuid7
from portal.models import Adjustment, Dispute, Invoice, Payment, Refund
from tests.pages.rows import NOW
from tests.support.steps import bring


def refund(session: Session, of: Invoice, **values: Any) -> Refund:
    """One of the invoice's payment that has arrived."""
    row = Refund(
        **{
            "tenant_id": of.tenant_id,
            "id": uuid7(),
            "invoice_id": of.id,
            "payment_id": _payment(session, of),
            "stripe_refund_id": f"re_{uuid4().hex}",
            "amount_minor": 1000,
            "currency": of.currency,
            "status": "succeeded",
            "created_at": NOW,
            **values,
        }
    )
    session.add(row)
    session.flush()
    return row


def dispute(session: Session, of: Invoice, **values: Any) -> Dispute:
    """One that has to be answered."""
    row = Dispute(
        **{
            "tenant_id": of.tenant_id,
            "id": uuid7(),
            "invoice_id": of.id,
            "payment_id": _payment(session, of),
            "stripe_dispute_id": f"du_{uuid4().hex}",
            "amount_minor": 1000,
            "withdrawn_minor": 1000,
            "currency": of.currency,
            "reason": "fraudulent",
            "status": "needs_response",
            "evidence_due_at": NOW,
            "created_at": NOW,
            **values,
        }
    )
    session.add(row)
    session.flush()
    return row


def adjustment(
    session: Session, of: Invoice, by: UUID | None = None, state: str = "proposed", **values: Any
) -> Adjustment:
    """A credit note that waits for a second person."""
    row = Adjustment(
        **{
            "tenant_id": of.tenant_id,
            "id": uuid7(),
            "kind": "credit_note",
            "invoice_id": of.id,
            "amount_minor": 1000,
            "currency": of.currency,
            "way": "refund",
            "reason": "billed too much",
            "requested_by": by or uuid4(),
            **values,
        }
    )
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def _payment(session: Session, of: Invoice) -> UUID:
    wanted = select(Payment.id).where(Payment.tenant_id == of.tenant_id, Payment.invoice_id == of.id)
    return session.scalars(wanted.limit(1)).one()
