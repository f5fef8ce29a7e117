"""What each document says, taken from our rows when it is issued: later changes touch nothing issued."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import select

from portal import countries, tax_terms
from portal.extensions import db
from portal.invoicing import branding
from portal.invoicing.einvoices import is_reverse_charge
from portal.invoicing.pdf import InvoiceDocument as Snapshot
from portal.invoicing.pdf.document import Discount, Line, Party, Payment, Settlement, Tax
from portal.invoicing.subjects import Subject
from portal.models import BillingDetails, CreditNote, Invoice, InvoiceDocument, InvoiceLine, Tenant
from portal.models import Payment as PaymentRow


def snapshot(subject: Subject) -> Snapshot:
    """All that the document of a subject says, as of now."""
    if isinstance(subject.row, PaymentRow):
        return _of_payment(subject.row, subject.invoice)
    if isinstance(subject.row, CreditNote):
        said = _of_credit_note(subject.row, subject.invoice)
    else:
        said = snapshot_of(subject.invoice)
    return _with_relief(said, subject)


def _with_relief(said: Snapshot, subject: Subject) -> Snapshot:
    """Why there is no tax, where there is none: an exemption that staff granted, or that the recipient owes it."""
    exemption = None if any(tax.amount_minor for tax in said.taxes) else tax_terms.exemption()
    if exemption is not None:
        return replace(said, exemption=exemption.reason)
    owed_there = any(entry.get("reason") == "reverse_charge" for entry in _taxes_of(subject))
    return replace(said, reverse_charge=owed_there or is_reverse_charge(said))


def _taxes_of(subject: Subject) -> list[dict[str, Any]]:
    row = subject.row
    return row.taxes if isinstance(row, Invoice | CreditNote) else []


def snapshot_of(invoice: Invoice) -> Snapshot:
    """All that an invoice's document says."""
    tenant = db.session.get_one(Tenant, invoice.tenant_id)
    zone = ZoneInfo(tenant.timezone)
    # Not the invoice's own period: Stripe's is that in which its items were collected, the one before a renewal's.
    starts = [line.period_start for line in invoice.lines if line.period_start is not None]
    ends = [line.period_end for line in invoice.lines if line.period_end is not None]
    return Snapshot(
        **_frame(tenant, invoice),
        document_id=str(invoice.id),
        number=str(invoice.number),
        status="paid" if invoice.status == "paid" else "open",
        currency=invoice.currency,
        lines=tuple(_line(line, zone, _rates_of(line, invoice)) for line in invoice.lines),
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
        taxes=_charged(invoice.taxes),
        payments=tuple(_payment(row, zone) for row in invoice.payments if row.paid_at is not None),
        starting_balance_minor=invoice.starting_balance_minor,
        ending_balance_minor=invoice.ending_balance_minor or 0,
    )


def _of_credit_note(note: CreditNote, invoice: Invoice) -> Snapshot:
    tenant = db.session.get_one(Tenant, note.tenant_id)
    ways = {
        "lowered": note.lowered_minor,
        "refunded": note.refunded_minor,
        "balance": note.balance_minor,
        "out_of_band": note.out_of_band_minor,
    }
    return Snapshot(
        **_frame(tenant, invoice),
        kind="credit_note",
        about=str(invoice.number),
        document_id=str(note.id),
        number=note.number,
        status="issued",
        currency=note.currency,
        lines=tuple(_credited(entry, note, invoice) for entry in note.lines),
        subtotal_minor=note.subtotal_minor,
        total_minor=note.total_minor,
        amount_paid_minor=0,
        amount_due_minor=0,
        issued_on=_day(note.issued_at, ZoneInfo(tenant.timezone)),
        discounts=(Discount(name="", amount_minor=note.discount_minor),) if note.discount_minor else (),
        taxes=_charged(note.taxes),
        settlements=tuple(
            Settlement(way=way, amount_minor=minor)  # type: ignore[arg-type]  # the keys above
            for way, minor in ways.items()
            if minor
        ),
        notes=note.memo,
    )


def _of_payment(row: PaymentRow, invoice: Invoice) -> Snapshot:
    """A receipt looks and names the parties as the invoice that was paid does, whenever somebody asks for it."""
    tenant = db.session.get_one(Tenant, row.tenant_id)
    payment = _payment(row, ZoneInfo(tenant.timezone))
    frame = _frame(tenant, invoice)
    issued = db.session.scalar(
        select(InvoiceDocument.snapshot).where(
            InvoiceDocument.invoice_id == invoice.id, InvoiceDocument.kind == "invoice"
        )
    )
    if issued:
        invoiced = Snapshot.from_json(issued)
        frame |= {name: getattr(invoiced, name) for name in ("issuer", "customer", "branding", "footer", "legal")}
    return Snapshot(
        **frame,
        kind="receipt",
        about=str(invoice.number),
        document_id=str(row.id),
        number=str(invoice.number),
        status="paid",
        currency=row.currency,
        lines=(),
        subtotal_minor=row.amount_minor,
        total_minor=row.amount_minor,
        amount_paid_minor=row.amount_minor,
        amount_due_minor=0,
        issued_on=payment.paid_on,
        paid_on=payment.paid_on,
        payments=(payment,),
    )


def _frame(tenant: Tenant, invoice: Invoice) -> dict[str, Any]:
    """What documents have in common: the parties, the issuer's looks and texts, the reader's language."""
    shown = branding.current()
    customer, order = _customer(tenant)
    return {
        "issuer": shown.party(tenant.language),
        "customer": customer,
        "purchase_order": order,
        "branding": shown.looks(),
        "footer": shown.footer,
        "legal": shown.legal.get(tenant.language, ""),
        "language": tenant.language,
        "format_locale": tenant.format_locale,
        "timezone": tenant.timezone,
        "portal_url": f"{current_app.extensions['settings'].public_url}/invoices/{invoice.id}",
    }


def _credited(entry: dict[str, Any], note: CreditNote, invoice: Invoice) -> Line:
    """A line of a credit note as the mirror keeps it; taxed as the line that it credits, or by the note's one rate."""
    unit = entry["unit_amount"]
    credited = [line for line in invoice.lines if line.stripe_line_id == entry["invoice_line_item"]]
    rates = _rates_of(credited[0], invoice) if credited else tuple(_tax(tax).rate for tax in note.taxes[:1])
    return Line(
        description=entry["description"],
        amount_minor=entry["amount_minor"],
        quantity=None if entry["quantity"] is None else Decimal(str(entry["quantity"])),
        unit_amount_decimal=None if unit is None else Decimal(str(unit)),
        discount_minor=entry["discount_minor"],
        tax_rates=rates if _charged(note.taxes) else (),
    )


def _customer(tenant: Tenant) -> tuple[Party, str]:
    """Who is invoiced, and its purchase order's number."""
    details = db.session.get(BillingDetails, tenant.id)
    if details is None:
        return Party(name=tenant.name, email=tenant.email), ""
    place = " ".join(part for part in (details.postal_code, details.city, details.state) if part)
    country = countries.name(details.country, tenant.language)
    party = Party(
        name=details.legal_name or tenant.name,
        address=tuple(part for part in (details.line1, details.line2, place, country) if part),
        tax_id=details.tax_id,
        email=details.email or tenant.email,
        line1=details.line1,
        city=details.city,
        postal_code=details.postal_code,
        country=details.country,
        electronic_address=details.electronic_address,
    )
    return party, details.purchase_order


def _line(line: InvoiceLine, zone: ZoneInfo, rates: tuple[Decimal, ...]) -> Line:
    taxes = (line.inputs or {}).get("taxes") or []
    inclusive = sum(int(entry["amount"]) for entry in taxes if entry["tax_behavior"] == "inclusive")
    return Line(
        description=line.description,
        amount_minor=line.amount_minor,
        quantity=line.quantity,
        unit_amount_decimal=line.unit_amount,
        period_start=_optional_day(line.period_start, zone),
        period_end=_optional_day(line.period_end, zone),
        discount_minor=line.discount_minor,
        tax_rates=rates,
        inclusive_tax_minor=inclusive,
    )


def _rates_of(line: InvoiceLine, invoice: Invoice) -> tuple[Decimal, ...]:
    """The percentages of a line's taxes. Stripe names rates by id there: by that, or because the invoice has one."""
    taxes = (line.inputs or {}).get("taxes") or []
    by_id = {entry.get("rate_id"): _tax(entry).rate for entry in invoice.taxes if not _is_relief(entry)}
    if len(by_id) == 1:
        return tuple(rate for _entry in taxes for rate in by_id.values())
    named = [(entry.get("tax_rate_details") or {}).get("tax_rate") for entry in taxes]
    return tuple(by_id[rate_id] for rate_id in named if rate_id in by_id)


def _charged(taxes: list[dict[str, Any]]) -> tuple[Tax, ...]:
    return tuple(_tax(entry) for entry in taxes if not _is_relief(entry))


def _is_relief(entry: dict[str, Any]) -> bool:
    """Stripe lists the rate that would be charged, with an amount of 0, where the customer need not pay it."""
    return entry.get("reason") in ("reverse_charge", "customer_exempt")


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
