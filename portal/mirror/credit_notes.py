"""What of an invoice was given back: by credit notes and by refunds that belong to none, whoever made them."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want
from portal.gateway.lists import entries
from portal.ids import uuid7
from portal.mirror import tax_rates
from portal.mirror.errors import NotYet
from portal.mirror.taxes import taxes_of
from portal.models import CreditNote, Invoice
from portal.notices.notify import notify
from portal.outbox import stage
from portal.security import audit


def complete(invoice: dict[str, Any]) -> None:
    """Put the invoice's credit notes under ``credit_notes``, where some are in force."""
    has_some = invoice["pre_payment_credit_notes_amount"] or invoice["post_payment_credit_notes_amount"]
    invoice["credit_notes"] = [complete_lines(note) for note in fetch(invoice["id"])] if has_some else []


def fetch(stripe_invoice_id: str) -> list[dict[str, Any]]:
    """The invoice's credit notes at Stripe, the newest first, those that were voided too."""
    found = entries(lambda page: gateway().read(lambda s: s.v1.credit_notes.list(page)), invoice=stripe_invoice_id)
    return list(found)


def credited_of(invoice: dict[str, Any]) -> int:
    """What of the invoice's total was credited or refunded, in minor units; the rest can still be credited.

    A refund counts once, whether a credit note names it or not: docs.stripe.com/invoicing/dashboard/credit-notes
    """
    refunded = sum(_refunded(payment) for payment in invoice["payments"]["data"])
    issued = [note for note in invoice["credit_notes"] if note["status"] == "issued"]
    named = sum(link["amount_refunded"] for note in issued for link in note["refunds"])
    by_notes = int(invoice["pre_payment_credit_notes_amount"]) + int(invoice["post_payment_credit_notes_amount"])
    return by_notes + max(refunded - int(named), 0)


def _refunded(payment: dict[str, Any]) -> int:
    charge = (payment["payment"].get("payment_intent") or {}).get("latest_charge") or {}
    return int(charge.get("amount_refunded") or 0)


def read(object_id: str) -> dict[str, Any]:
    """One credit note with all its lines."""
    note = as_dict(gateway().read(lambda s: s.v1.credit_notes.retrieve(object_id)))
    return complete_lines(note)


def complete_lines(note: dict[str, Any]) -> dict[str, Any]:
    """Stripe embeds ten lines; taxes name their rates."""
    if note["lines"]["has_more"]:
        found = entries(lambda page: gateway().read(lambda s: s.v1.credit_notes.line_items.list(note["id"], page)))
        note["lines"]["data"] = list(found)
    tax_rates.complete(note["total_taxes"] or [])
    return note


def customer(resource: dict[str, Any]) -> str | None:
    found: str | None = resource.get("customer")
    return found


def apply(resource: dict[str, Any]) -> None:
    """What an event named: its invoice is read again, and brings the note with the sums that it is part of.

    One that was voided may be the invoice's last, which then lists none: it is written here.
    """
    if resource["status"] == "void":
        invoice = db.session.scalars(select(Invoice).where(Invoice.stripe_invoice_id == resource["invoice"])).first()
        if invoice is None:
            want(resource["invoice"], "invoice")
            raise NotYet("its invoice is not here yet")
        _write(invoice, resource)
    want(resource["invoice"], "invoice")


def replace(invoice: Invoice, notes: list[dict[str, Any]]) -> None:
    """Insert or refresh the notes that were read with their invoice; of one that is not listed Stripe is asked."""
    for note in notes:
        _write(invoice, note)
    listed = [note["id"] for note in notes]
    for note_id in db.session.scalars(
        select(CreditNote.stripe_credit_note_id).where(
            CreditNote.invoice_id == invoice.id,
            CreditNote.status == "issued",
            CreditNote.stripe_credit_note_id.not_in(listed),
        )
    ):
        want(note_id, "credit_note")


def _write(invoice: Invoice, note: dict[str, Any]) -> None:
    before = db.session.scalar(select(CreditNote.status).where(CreditNote.stripe_credit_note_id == note["id"]))
    values = _values(note)
    statement = insert(CreditNote).values(
        tenant_id=invoice.tenant_id,
        id=uuid7(),
        invoice_id=invoice.id,
        stripe_credit_note_id=note["id"],
        number=note["number"],
        currency=note["currency"],
        issued_at=clock.from_timestamp(note["effective_at"] or note["created"]),
        **values,
    )
    statement = statement.on_conflict_do_update(constraint="credit_notes_stripe_credit_note_id_key", set_=values)
    note_id, document_state = db.session.execute(statement.returning(CreditNote.id, CreditNote.document_state)).one()
    if before != note["status"]:
        after = {"status": note["status"], "number": note["number"], "total_minor": note["total"]}
        audit.record("credit_note.status", "credit_note", str(note_id), after=after)
        if note["status"] == "void":
            notify("credit_note_voided", str(note_id))
    if document_state == "none" and note["status"] == "issued":
        _owe_document(invoice, note_id)


def _owe_document(invoice: Invoice, note_id: UUID) -> None:
    """A credit note is issued with its document, which is rendered once; the tenant is told when it is there."""
    db.session.execute(update(CreditNote).where(CreditNote.id == note_id).values(document_state="pending"))
    stage(
        "document.render",
        f"document:{note_id}:0",
        tenant_id=invoice.tenant_id,
        payload={"invoice_id": str(invoice.id), "credit_note_id": str(note_id), "attempt": 0},
    )


def _values(note: dict[str, Any]) -> dict[str, Any]:
    balance = note["customer_balance_transaction"]
    refunded = sum(link["amount_refunded"] for link in note["refunds"])
    out_of_band = note["out_of_band_amount"] or 0
    return {
        "status": note["status"],
        "subtotal_minor": note["subtotal"],
        "discount_minor": note["discount_amount"],
        "tax_minor": sum(tax["amount"] for tax in note["total_taxes"] or []),
        "total_minor": note["total"],
        "lowered_minor": note["pre_payment_amount"],
        "refunded_minor": refunded,
        "balance_minor": note["post_payment_amount"] - refunded - out_of_band if balance else 0,
        "out_of_band_minor": out_of_band,
        "reason": note["reason"] or "",
        "memo": note["memo"] or "",
        "lines": [_line(line) for line in note["lines"]["data"]],
        "taxes": taxes_of(note),
        "voided_at": clock.from_timestamp(note["voided_at"]),
        "synced_at": clock.now(),
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """What a document says of a line; ``invoice_line_item`` is what it credits."""
    return {
        "description": line["description"] or "",
        "quantity": line["quantity"],
        "unit_amount": line["unit_amount_decimal"],
        "amount_minor": line["amount"],
        "discount_minor": line["discount_amount"],
        "invoice_line_item": line.get("invoice_line_item"),
    }
