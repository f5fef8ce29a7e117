"""What stands behind an invoice's usage, for its document: the days of each charge, as they were when it was issued."""

from dataclasses import replace

from sqlalchemy import select

from portal.extensions import db
from portal.invoicing.pdf import InvoiceDocument as Snapshot
from portal.invoicing.pdf.document import UsageDay, Used
from portal.models import Invoice, InvoiceLine, UsageCharge
from portal.usage import evidence


def with_usage(said: Snapshot, invoice: Invoice) -> Snapshot:
    """The invoice's snapshot with the usage that its lines charge for; unchanged where none does."""
    items = [item for line in invoice.lines if (item := _item_of(line))]
    if not items:
        return said
    charges = db.session.scalars(
        select(UsageCharge.id).where(UsageCharge.stripe_invoice_item_id.in_(items)).order_by(UsageCharge.resource_type)
    ).all()
    return replace(said, usage=tuple(_used(evidence.of_charge(charge_id), said.language) for charge_id in charges))


def _item_of(line: InvoiceLine) -> str | None:
    parent = (line.inputs or {}).get("parent") or {}
    found: str | None = (parent.get("invoice_item_details") or {}).get("invoice_item")
    return found


def _used(charged: evidence.Charged, language: str) -> Used:
    charge = charged.charge
    return Used(
        name=charged.resource.name_in(language),
        quantity=charge.quantity,
        included=charge.included,
        beyond=charge.beyond,
        days=tuple(UsageDay(day=charged.day_of(bucket), quantity=bucket.quantity) for bucket in charged.days),
    )
