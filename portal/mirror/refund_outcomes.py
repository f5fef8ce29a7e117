"""What follows from a refund: the tenant is told; when the bank sends it back, whoever asked for it is told, too."""

from typing import Any

from sqlalchemy import select

from portal import clock, steps
from portal.extensions import db
from portal.findings import report
from portal.models import Adjustment, Invoice
from portal.notices import staff_alerts
from portal.notices.notify import notify
from portal.security import audit

_LOST = ("failed", "canceled")


def follow(refund: dict[str, Any], former: str | None, invoice: Invoice) -> None:
    """Act on a refund that is new or has another status, in the current transaction."""
    if refund["status"] in _LOST:
        _lost(refund, invoice)
    elif former is None:
        notify("refund_made", refund["id"], params=_said(refund, invoice))


def _lost(refund: dict[str, Any], invoice: Invoice) -> None:
    reason = refund.get("failure_reason") or refund["status"]
    report("refund_failed", refund["id"], invoice=invoice.stripe_invoice_id, amount_minor=refund["amount"], why=reason)
    row = db.session.scalars(
        select(Adjustment).where(Adjustment.kind == "refund", Adjustment.stripe_id == refund["id"]).with_for_update()
    ).first()
    if row is not None and row.state == "done":
        steps.move(row, "failed", reason=reason)
        row.failure_code, row.finished_at = reason, clock.now()
        audit.record("adjustment.fail", "adjustment", str(row.id), after={"refund": refund["id"], "why": reason})
    staff_alerts.raise_alert(
        "refund_failed",
        refund["id"],
        tenant_id=invoice.tenant_id,
        user_id=row.requested_by if row else None,
        facts={
            "invoice_id": str(invoice.id),
            "number": invoice.number or "",
            "amount_minor": refund["amount"],
            "currency": refund["currency"],
            "reason": reason,
        },
    )
    notify("refund_failed", refund["id"], params=_said(refund, invoice))


def _said(refund: dict[str, Any], invoice: Invoice) -> dict[str, Any]:
    return {"invoice_id": str(invoice.id), "amount_minor": refund["amount"], "currency": refund["currency"]}
