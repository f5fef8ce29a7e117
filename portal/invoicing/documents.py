"""Freezing an issued invoice: snapshot, render once, store with its hash, tell the tenant."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import failpoints
from portal.extensions import db
from portal.findings import report
from portal.ids import uuid7
from portal.invoicing.pdf import TEMPLATE_VERSION, PdfFailed, PdfProcess, PdfTimeout, PdfUnavailable, RenderedPdf
from portal.invoicing.pdf import InvoiceDocument as Snapshot
from portal.invoicing.pdf.document import Discount, Line, Party, Payment, Tax
from portal.models import BillingDetails, Installation, Invoice, InvoiceDocument, InvoiceLine, Tenant
from portal.models import Payment as PaymentRow
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

TRIES = 3  # a crash of the renderer may be chance; the same document failing three times is not


def render(work: Work) -> None:
    """Outbox work: render the invoice's PDF once. Payload: ``invoice_id``, ``attempt``.

    A failure is shown on the invoice's page, where it can be tried again; it never blocks other work.
    """
    invoice_id = UUID(str(work.payload["invoice_id"]))
    invoice = db.session.scalars(select(Invoice).where(Invoice.id == invoice_id)).one()
    snapshot = None if _is_issued(invoice) else snapshot_of(invoice)
    db.session.rollback()
    if snapshot is None:
        return
    try:
        with failpoints.around("pdf.render", lambda: PdfTimeout(seconds=0)):
            rendered = pdf_process().render(snapshot)
    except (PdfTimeout, PdfFailed, PdfUnavailable) as error:
        if work.attempts < TRIES and not isinstance(error, PdfUnavailable):
            raise
        _mark_failed(work, invoice_id, str(error))
        return
    _store(work, invoice_id, snapshot, rendered)


def pdf_process() -> PdfProcess:
    """The process-wide warm renderer; its child starts with the first document."""
    found: PdfProcess = current_app.extensions.setdefault("pdf_process", PdfProcess())
    return found


def _is_issued(invoice: Invoice) -> bool:
    query = select(InvoiceDocument.id).where(
        InvoiceDocument.invoice_id == invoice.id, InvoiceDocument.kind == "invoice"
    )
    return db.session.scalar(query) is not None


def _store(work: Work, invoice_id: UUID, snapshot: Snapshot, rendered: RenderedPdf) -> None:
    invoice = db.session.scalars(select(Invoice).where(Invoice.id == invoice_id).with_for_update()).one()
    db.session.execute(
        insert(InvoiceDocument)
        .values(
            tenant_id=invoice.tenant_id,
            id=uuid7(),
            invoice_id=invoice.id,
            kind="invoice",
            template_version=TEMPLATE_VERSION,
            language=snapshot.language,
            snapshot=snapshot.to_json(),
            content=rendered.content,
            sha256=rendered.sha256,
        )
        .on_conflict_do_nothing()
    )
    invoice.document_state = "ready"
    audit.record("document.issue", "invoice", str(invoice.id), after={"sha256": rendered.sha256.hex()})
    # After a failure the mail went out without its document; the document comes in one of its own.
    notify("invoice_issued", str(invoice.id), step="again" if invoice.document_attempt else "")
    finish(work)
    db.session.commit()


def _mark_failed(work: Work, invoice_id: UUID, reason: str) -> None:
    invoice = db.session.scalars(select(Invoice).where(Invoice.id == invoice_id).with_for_update()).one()
    invoice.document_state = "failed"
    audit.record("document.fail", "invoice", str(invoice.id), after={"reason": reason[:200]})
    # The invoice is issued all the same, and its page offers to try the document again.
    notify("invoice_issued", str(invoice.id))
    report("document_failed", str(invoice.id), number=invoice.number, reason=reason[:200])
    finish(work)
    db.session.commit()


def snapshot_of(invoice: Invoice) -> Snapshot:
    """All that the document says, taken from our rows now: later changes touch nothing issued."""
    tenant = db.session.get_one(Tenant, invoice.tenant_id)
    zone = ZoneInfo(tenant.timezone)
    # Not the invoice's own period: Stripe's is that in which its items were collected, the one before a renewal's.
    starts = [line.period_start for line in invoice.lines if line.period_start is not None]
    ends = [line.period_end for line in invoice.lines if line.period_end is not None]
    return Snapshot(
        document_id=str(invoice.id),
        number=str(invoice.number),
        status="paid" if invoice.status == "paid" else "open",
        issuer=_issuer(),
        customer=_customer(tenant),
        currency=invoice.currency,
        lines=tuple(_line(line, zone) for line in invoice.lines),
        subtotal_minor=invoice.subtotal_minor,
        total_minor=invoice.total_minor,
        amount_paid_minor=invoice.amount_paid_minor,
        amount_due_minor=invoice.amount_remaining_minor,
        issued_on=_day(invoice.issued_at or invoice.created_at, zone),
        due_on=_optional_day(invoice.due_at, zone),
        paid_on=_optional_day(invoice.paid_at, zone),
        period_start=_optional_day(min(starts, default=None), zone),
        period_end=_optional_day(max(ends, default=None), zone),
        discounts=tuple(
            Discount(name=entry["name"], amount_minor=entry["amount_minor"]) for entry in invoice.discounts
        ),
        taxes=tuple(_tax(entry) for entry in invoice.taxes),
        payments=tuple(_payment(row, zone) for row in invoice.payments if row.paid_at is not None),
        starting_balance_minor=invoice.starting_balance_minor,
        ending_balance_minor=invoice.ending_balance_minor or 0,
        language=tenant.language,
        format_locale=tenant.format_locale,
        timezone=tenant.timezone,
        portal_url=f"{current_app.extensions['settings'].public_url}/invoices/{invoice.id}",
    )


def _issuer() -> Party:
    settings = current_app.extensions["settings"]
    issuer = db.session.scalars(select(Installation.issuer)).one()
    return Party(
        name=issuer.get("name") or settings.portal_name,
        address=tuple(issuer.get("address", ())),
        tax_id=issuer.get("tax_id", ""),
        email=issuer.get("email") or settings.smtp_from_email,
    )


def _customer(tenant: Tenant) -> Party:
    details = db.session.get(BillingDetails, tenant.id)
    if details is None:
        return Party(name=tenant.name, email=tenant.email)
    place = " ".join(part for part in (details.postal_code, details.city, details.state) if part)
    return Party(
        name=details.legal_name or tenant.name,
        address=tuple(part for part in (details.line1, details.line2, place, details.country) if part),
        tax_id=details.tax_id,
        email=details.email or tenant.email,
    )


def _line(line: InvoiceLine, zone: ZoneInfo) -> Line:
    return Line(
        description=line.description,
        amount_minor=line.amount_minor,
        quantity=line.quantity,
        unit_amount_decimal=line.unit_amount,
        period_start=_optional_day(line.period_start, zone),
        period_end=_optional_day(line.period_end, zone),
        discount_minor=line.discount_minor,
    )


def _tax(entry: dict[str, object]) -> Tax:
    return Tax(
        name=str(entry["name"]),
        rate=Decimal(str(entry["percent"] or 0)),
        amount_minor=int(str(entry["amount_minor"])),
        taxable_minor=None if entry["taxable_minor"] is None else int(str(entry["taxable_minor"])),
        inclusive=bool(entry["is_inclusive"]),
    )


def _payment(row: PaymentRow, zone: ZoneInfo) -> Payment:
    brand = (row.method_brand or row.method_type).replace("_", " ").title()
    method = f"{brand} •••• {row.method_last4}" if row.method_last4 else brand
    return Payment(paid_on=_day(row.paid_at or row.created_at, zone), method=method, amount_minor=row.amount_minor)


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _optional_day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return None if moment is None else _day(moment, zone)
