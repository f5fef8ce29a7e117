"""What a document can be about: an invoice, one of its credit notes, one of its payments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, func, select

from portal import lookups
from portal.errors import Conflict, NotFound
from portal.extensions import db
from portal.invoicing import einvoices
from portal.invoicing.pdf.document import InvoiceDocument as Snapshot
from portal.invoicing.pdf.document import Kind
from portal.models import CreditNote, Invoice, InvoiceDocument, Payment
from portal.outbox import stage
from portal.security import audit

Chosen = TypeVar("Chosen")


class DocumentNotFailed(Conflict):
    """Only a failed document may be tried again, and a receipt be asked for once: what is issued is frozen."""

    code = "document_not_failed"
    message = "The document is already there or on its way."


@dataclass(frozen=True)
class Subject:
    """``row`` carries the state of its document; it belongs to ``invoice``, or is that."""

    kind: Kind
    row: Invoice | CreditNote | Payment
    invoice: Invoice

    @property
    def keys(self) -> dict[str, UUID]:
        """The columns that tell its document from others."""
        if isinstance(self.row, CreditNote):
            return {"invoice_id": self.invoice.id, "credit_note_id": self.row.id}
        if isinstance(self.row, Payment):
            return {"invoice_id": self.invoice.id, "payment_id": self.row.id}
        return {"invoice_id": self.invoice.id}

    @property
    def name(self) -> str:
        """What the audit log calls its kind of object."""
        return "payment" if self.kind == "receipt" else self.kind

    @property
    def number(self) -> str | None:
        """The number that people know it by; of a payment, that of its invoice."""
        return self.row.number if isinstance(self.row, CreditNote) else self.invoice.number

    def documents(self, chosen: Select[Chosen]) -> Select[Chosen]:
        """A query of documents, bounded to this one's: none or one."""
        return chosen.filter_by(kind=self.kind, **self.keys)


def subject_of(payload: Mapping[str, Any], *, for_update: bool = False) -> Subject:
    """What ``invoice_id`` and either ``credit_note_id``, ``payment_id`` or neither name: ids as text or UUIDs.

    Of the bound tenant, and the row locked when it is ``for_update``. Raises :class:`portal.errors.NotFound`,
    also for a credit note or a payment of another invoice.
    """
    invoice_id = UUID(str(payload["invoice_id"]))
    kind: Kind = "invoice"
    wanted: Select[Any] = select(Invoice).where(Invoice.id == invoice_id)
    if note_id := payload.get("credit_note_id"):
        kind = "credit_note"
        wanted = select(CreditNote).where(CreditNote.id == UUID(str(note_id)), CreditNote.invoice_id == invoice_id)
    elif payment_id := payload.get("payment_id"):
        kind = "receipt"
        wanted = select(Payment).where(Payment.id == UUID(str(payment_id)), Payment.invoice_id == invoice_id)
    row = lookups.one(wanted.with_for_update() if for_update else wanted)
    invoice = row if isinstance(row, Invoice) else lookups.one(select(Invoice).where(Invoice.id == invoice_id))
    return Subject(kind, row, invoice)


def document(payload: Mapping[str, Any]) -> tuple[Subject, InvoiceDocument]:
    """What is named as for :func:`subject_of`, with its frozen document.

    Raises :class:`portal.errors.NotFound`, also while there is no document yet.
    """
    subject = subject_of(payload)
    return subject, lookups.one(subject.documents(select(InvoiceDocument)))


@dataclass(frozen=True)
class EInvoice:
    """Whether a document is an e-invoice, or what it lacked when it was issued."""

    is_there: bool
    missing: tuple[str, ...]

    def lacks(self, party: str) -> list[str]:
        """The missing fields of "issuer" or "customer"."""
        return [name.partition(".")[2] for name in self.missing if name.startswith(f"{party}.")]


def e_invoices(invoice_id: UUID) -> dict[UUID, EInvoice]:
    """By the id of the invoice or credit note, of those that have their document. Older documents have none."""
    snapshot = InvoiceDocument.snapshot
    rows = db.session.execute(
        select(
            func.coalesce(InvoiceDocument.credit_note_id, InvoiceDocument.invoice_id),
            func.coalesce(snapshot["e_invoice"].astext, "") != "",
            func.coalesce(snapshot["e_invoice_missing"], func.jsonb_build_array()),
        ).where(InvoiceDocument.invoice_id == invoice_id, InvoiceDocument.kind != "receipt")
    )
    return {row_id: EInvoice(is_there, tuple(missing)) for row_id, is_there, missing in rows}


def ubl(payload: Mapping[str, Any]) -> tuple[Subject, bytes]:
    """The e-invoice as UBL, made of what was issued. Raises :class:`portal.errors.NotFound` where there is none."""
    subject, frozen = document(payload)
    issued = Snapshot.from_json(frozen.snapshot) if frozen.snapshot.get("e_invoice") else None
    if issued is None:
        raise NotFound
    return subject, einvoices.ubl(issued)


def request_document(payload: Mapping[str, Any]) -> Subject:
    """Try a failed document once more, or have a payment's receipt made. Commits.

    A receipt is made when somebody first asks for one: few do, and it would double the work of every payment.
    Raises NotFound, also for a payment that is not paid; :class:`DocumentNotFailed`.
    """
    subject = subject_of(payload, for_update=True)
    row = subject.row
    if isinstance(row, Payment) and row.paid_at is None:
        db.session.rollback()
        raise NotFound
    if row.document_state != "failed" and not (subject.kind == "receipt" and row.document_state == "none"):
        db.session.rollback()
        raise DocumentNotFailed
    # The first rendering has number 0, whoever asked for it.
    row.document_attempt += row.document_state == "failed"
    row.document_state = "pending"
    stage(
        "document.render",
        f"document:{row.id}:{row.document_attempt}",
        tenant_id=row.tenant_id,
        payload={**{name: str(key) for name, key in subject.keys.items()}, "attempt": row.document_attempt},
    )
    audit.record("document.request", subject.name, str(row.id), after={"attempt": row.document_attempt})
    db.session.commit()
    return subject
