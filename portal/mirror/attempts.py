"""Tries of ours whose result comes later: a bank that takes days, a payer who has to confirm."""

from sqlalchemy import select

from portal import clock, steps
from portal.extensions import db
from portal.models import CollectionAttempt, Invoice


def follow(invoice: Invoice) -> None:
    """Bring the tries of an invoice that wait to what the invoice says now, in the current transaction.

    The customer row is locked. A try that the request has not settled yet is left to it.
    """
    waiting = CollectionAttempt.invoice_id == invoice.id, CollectionAttempt.state.in_(("processing", "action_required"))
    newest = select(CollectionAttempt).where(*waiting).order_by(CollectionAttempt.created_at.desc()).limit(1)
    attempt = db.session.scalars(newest.with_for_update()).first()
    if attempt is None:
        return
    state = _state_of(invoice, attempt.state)
    if state is not None:
        steps.move(attempt, state, reason=invoice.failure_code or "")
        attempt.failure_code = invoice.failure_code
        attempt.finished_at = clock.now()


def _state_of(invoice: Invoice, before: str) -> str | None:
    if invoice.status == "paid":
        return "paid"
    if before == "action_required":
        return "processing" if invoice.payment_state == "processing" else None
    return "declined" if invoice.payment_state == "failed" else None
