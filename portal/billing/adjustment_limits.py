"""What of an invoice and of its payments can still go back. Amounts in minor units.

What is asked for and not yet seen at Stripe is spoken for: the sums are taken under the tenant's lock, so that two
who ask at the same time cannot both have the rest.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.models import Adjustment, CreditNote, Dispute, Invoice, Payment, Refund
from portal.models.disputes import TAKEN


@dataclass(frozen=True)
class PaymentLeft:
    """A payment and what of it can be refunded; ``is_disputed``: the bank decides about it, so nothing can."""

    payment: Payment
    left_minor: int
    is_disputed: bool


@dataclass(frozen=True)
class Left:
    """``creditable_minor``: what of the total no credit note and no refund has taken. ``refundable_minor``: of all
    payments together."""

    creditable_minor: int
    payments: tuple[PaymentLeft, ...]

    @property
    def refundable_minor(self) -> int:
        return sum(each.left_minor for each in self.payments)

    def of_payment(self, payment_id: UUID) -> PaymentLeft | None:
        return next((each for each in self.payments if each.payment.id == payment_id), None)


def of(invoice: Invoice, session: Session | None = None) -> Left:
    """What is left of a finalised invoice, as our rows have it now: of the bound tenant's, or in a staff session."""
    session = session or db.session()
    session.flush()
    asked = _unseen(session, invoice)
    notes_minor = sum(row.amount_minor for row in asked if row.kind == "credit_note")
    refunds_minor = sum(row.amount_minor for row in asked if row.kind == "refund")
    creditable = max(invoice.total_minor - invoice.credited_minor - notes_minor - refunds_minor, 0)
    # Stripe chooses which payments a credit note gives back, so what is asked for lowers all of them.
    by_note = sum(row.amount_minor for row in asked if row.kind == "credit_note" and row.way == "refund")
    disputed = set(
        session.scalars(
            select(Dispute.payment_id).where(
                Dispute.tenant_id == invoice.tenant_id,
                Dispute.invoice_id == invoice.id,
                Dispute.status.in_(TAKEN),
            )
        )
    )
    found = []
    for payment in _paid(session, invoice):
        own = sum(row.amount_minor for row in asked if row.payment_id == payment.id)
        left = max(payment.amount_minor - payment.refunded_minor - own - by_note, 0)
        is_disputed = payment.id in disputed
        found.append(PaymentLeft(payment, 0 if is_disputed else min(left, creditable), is_disputed))
    return Left(creditable, tuple(found))


def _paid(session: Session, invoice: Invoice) -> list[Payment]:
    """Payments that Stripe can refund: what was paid in another way has no payment intent."""
    wanted = (
        select(Payment)
        .where(Payment.tenant_id == invoice.tenant_id, Payment.invoice_id == invoice.id, Payment.status == "paid")
        .where(Payment.stripe_payment_intent_id.is_not(None))
        .order_by(Payment.created_at, Payment.id)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(wanted))


def _unseen(session: Session, invoice: Invoice) -> list[Adjustment]:
    """What was asked for and is not part of the mirrored sums yet."""
    refund = select(Refund.id).where(
        Refund.tenant_id == Adjustment.tenant_id, Refund.stripe_refund_id == Adjustment.stripe_id
    )
    note = select(CreditNote.id).where(
        CreditNote.tenant_id == Adjustment.tenant_id, CreditNote.stripe_credit_note_id == Adjustment.stripe_id
    )
    wanted = select(Adjustment).where(
        Adjustment.tenant_id == invoice.tenant_id,
        Adjustment.invoice_id == invoice.id,
        Adjustment.kind.in_(("refund", "credit_note")),
        Adjustment.state.in_(("proposed", "working"))
        | ((Adjustment.state == "done") & ~refund.exists() & ~note.exists()),
    )
    return list(session.scalars(wanted))
