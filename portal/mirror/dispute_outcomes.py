"""What follows from a dispute: staff are told, and the policy says what becomes of the subscription."""

from typing import Any

from portal.models import Invoice
from portal.models.disputes import OPEN
from portal.notices import staff_alerts
from portal.outbox import stage
from portal.security import audit


def follow(dispute: dict[str, Any], former: str | None, invoice: Invoice) -> None:
    """Act on a dispute that is new or has another status, in the current transaction."""
    status = dispute["status"]
    audit.record(
        "dispute.status",
        "dispute",
        dispute["id"],
        before={"status": former} if former else None,
        after={"status": status, "amount_minor": dispute["amount"], "currency": dispute["currency"]},
    )
    facts = {
        "invoice_id": str(invoice.id),
        "number": invoice.number or "",
        "amount_minor": dispute["amount"],
        "currency": dispute["currency"],
        "reason": dispute["reason"],
        "status": status,
        "due_by": dispute["evidence_details"]["due_by"] or None,
    }
    if former is None:
        staff_alerts.raise_alert("dispute_opened", dispute["id"], tenant_id=invoice.tenant_id, facts=facts)
    if status not in OPEN and former in (*OPEN, None):
        staff_alerts.raise_alert("dispute_closed", dispute["id"], tenant_id=invoice.tenant_id, facts=facts)
    if former is None or status not in OPEN:
        stage(
            "dispute.follow",
            f"dispute.follow:{dispute['id']}:{status}",
            tenant_id=invoice.tenant_id,
            payload={"stripe_dispute_id": dispute["id"], "status": status},
        )
