"""Freezing what was issued: snapshot, render once, store with its hash, tell the tenant."""

import logging
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from flask import current_app
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal import failpoints
from portal.extensions import db
from portal.findings import report
from portal.ids import uuid7
from portal.invoicing import contents, einvoices
from portal.invoicing.pdf import TEMPLATE_VERSION, PdfFailed, PdfProcess, PdfTimeout, PdfUnavailable, RenderedPdf
from portal.invoicing.pdf import InvoiceDocument as Snapshot
from portal.invoicing.subjects import Subject, subject_of
from portal.models import Invoice, InvoiceDocument
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

log = logging.getLogger(__name__)

TRIES = 3  # a crash of the renderer may be chance; the same document failing three times is not
# Whoever asks for a receipt waits for it on the page; of the others a mail tells.
_TOLD_OF = {"invoice": "invoice_issued", "credit_note": "credit_note_issued"}

Appendix = Callable[[Snapshot, Invoice], Snapshot]


def _nothing_more(snapshot: Snapshot, _invoice: Invoice) -> Snapshot:
    return snapshot


def render(work: Work, appendix: Appendix = _nothing_more) -> None:
    """Outbox work: render a document once. Payload: see :func:`portal.invoicing.subjects.subject_of`; ``attempt``.

    ``appendix`` adds to an invoice's snapshot what is known further up only.

    A failure is shown on the invoice's page, where it can be tried again; it never blocks other work.
    """
    subject = subject_of(work.payload)
    snapshot = None if _is_issued(subject) else contents.snapshot(subject)
    if snapshot is not None and subject.kind == "invoice":
        snapshot = appendix(snapshot, subject.invoice)
    db.session.rollback()
    if snapshot is None:
        return
    snapshot = _with_e_invoice(snapshot)
    try:
        with failpoints.around("pdf.render", lambda: PdfTimeout(seconds=0)):
            rendered = pdf_process().render(snapshot)
    except (PdfTimeout, PdfFailed, PdfUnavailable) as error:
        if work.attempts < TRIES and not isinstance(error, PdfUnavailable):
            raise
        _mark_failed(work, str(error))
        return
    _store(work, snapshot, rendered)


def pdf_process() -> PdfProcess:
    """The process-wide warm renderer; its child starts with the first document."""
    found: PdfProcess = current_app.extensions.setdefault("pdf_process", PdfProcess())
    return found


def _with_e_invoice(snapshot: Snapshot) -> Snapshot:
    """The snapshot with its XML, or with what it lacks for one: it is issued all the same."""
    if snapshot.kind == "receipt":
        return snapshot
    lacking = einvoices.missing(snapshot)
    if lacking:
        return replace(snapshot, e_invoice_missing=lacking)
    try:
        made = einvoices.cii(snapshot)
        refused = einvoices.failures(made) or einvoices.failures(einvoices.ubl(snapshot), einvoices.UBL)
    except einvoices.NotExpressible as error:
        refused = [str(error)]
    if refused:
        log.warning("e-invoice refused", extra={"document": snapshot.document_id, "reason": refused[0][:200]})
        return replace(snapshot, e_invoice_missing=("rules",))
    return replace(snapshot, e_invoice=made.decode())


def _is_issued(subject: Subject) -> bool:
    return db.session.scalar(subject.documents(select(InvoiceDocument.id))) is not None


def _store(work: Work, snapshot: Snapshot, rendered: RenderedPdf) -> None:
    subject = subject_of(work.payload, for_update=True)
    row = subject.row
    db.session.execute(
        insert(InvoiceDocument)
        .values(
            tenant_id=row.tenant_id,
            id=uuid7(),
            kind=subject.kind,
            **subject.keys,
            template_version=TEMPLATE_VERSION,
            language=snapshot.language,
            snapshot=snapshot.to_json(),
            content=rendered.content,
            sha256=rendered.sha256,
        )
        .on_conflict_do_nothing()
    )
    row.document_state = "ready"
    audit.record("document.issue", subject.name, str(row.id), after={"sha256": rendered.sha256.hex()})
    # After a failure the mail went out without its document; the document comes in one of its own.
    _tell(subject.kind, row.id, step="again" if row.document_attempt else "")
    finish(work)
    db.session.commit()


def _mark_failed(work: Work, reason: str) -> None:
    subject = subject_of(work.payload, for_update=True)
    row = subject.row
    row.document_state = "failed"
    audit.record("document.fail", subject.name, str(row.id), after={"reason": reason[:200]})
    # It is issued all the same, and the invoice's page offers to try the document again.
    _tell(subject.kind, row.id)
    report("document_failed", str(row.id), number=subject.number, reason=reason[:200])
    finish(work)
    db.session.commit()


def _tell(kind: str, row_id: UUID, step: str = "") -> None:
    if kind in _TOLD_OF:
        notify(_TOLD_OF[kind], str(row_id), step=step)
