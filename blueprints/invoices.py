"""Invoices: the list, one invoice, its documents and those of what belongs to it."""

import io
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms import invoice_filters
from blueprints.invoice_rows import init_rows
from portal.i18n import gettext
from portal.invoicing import export as csv_export
from portal.invoicing import invoices, subjects
from portal.models import Invoice
from portal.security.guards import member
from portal.templating import is_htmx, page

bp = Blueprint("invoices", __name__)
bp.record_once(lambda state: init_rows(state.app))  # type: ignore[arg-type]  # an App is a Flask


@bp.get("/invoices")
@member()
def index() -> Response:
    """The newest invoices that the filters let through, or those after the cursor; a fragment is the further rows."""
    after, (filters, faults) = request.args.get("after"), invoice_filters.parse(request.args)
    found = invoices.page(after, filters=filters)
    return page("invoices/index.html", "invoices/_rows.html", found=found, after=after, filters=filters, faults=faults)


@bp.get("/invoices/export.csv")
@member()
def export() -> Response:
    """All that the filters of :func:`index` let through."""
    filters, _faults = invoice_filters.parse(request.args)
    response = Response(csv_export.lines(filters), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename="invoices.csv")
    return response


@bp.get("/invoices/<uuid:invoice_id>")
@member()
def show(invoice_id: UUID) -> Response:
    """One invoice; a fragment is the state of its document, or the tables of what belongs to it."""
    return page(
        "invoices/page.html",
        "invoices/_papers.html" if request.args.get("part") == "papers" else "invoices/_document.html",
        **_shown(invoices.get(invoice_id), max(request.args.get("polls", 0, int), 0)),
    )


@bp.get("/invoices/<uuid:invoice_id>/document.pdf")
@member()
def document(invoice_id: UUID) -> Response:
    """The frozen PDF, as a file to keep."""
    return _file("{number}", invoice_id=invoice_id)


@bp.post("/invoices/<uuid:invoice_id>/document")
@member("owner", "billing")
def request_document(invoice_id: UUID) -> ResponseReturnValue:
    """Try a failed document once more."""
    invoice = subjects.request_document({"invoice_id": invoice_id}).invoice
    if is_htmx():
        toast = gettext("The PDF is being prepared again.")
        return page("invoices/page.html", "invoices/_document.html", **_shown(invoice), toast=toast)
    return redirect(url_for("invoices.show", invoice_id=invoice.id), 303)


@bp.get("/invoices/<uuid:invoice_id>/credit-notes/<uuid:credit_note_id>.pdf")
@member()
def credit_note(invoice_id: UUID, credit_note_id: UUID) -> Response:
    """The frozen PDF of a credit note."""
    return _file("{number}", invoice_id=invoice_id, credit_note_id=credit_note_id)


@bp.post("/invoices/<uuid:invoice_id>/credit-notes/<uuid:credit_note_id>/document")
@member("owner", "billing")
def request_credit_note(invoice_id: UUID, credit_note_id: UUID) -> ResponseReturnValue:
    """Try a failed document of a credit note once more."""
    return _requested(invoice_id=invoice_id, credit_note_id=credit_note_id)


@bp.get("/invoices/<uuid:invoice_id>/e-invoice.xml")
@member()
def e_invoice(invoice_id: UUID) -> Response:
    """The invoice as UBL, by Peppol BIS Billing 3."""
    return _ubl(invoice_id=invoice_id)


@bp.get("/invoices/<uuid:invoice_id>/credit-notes/<uuid:credit_note_id>.xml")
@member()
def e_credit_note(invoice_id: UUID, credit_note_id: UUID) -> Response:
    """A credit note as UBL."""
    return _ubl(invoice_id=invoice_id, credit_note_id=credit_note_id)


@bp.get("/invoices/<uuid:invoice_id>/payments/<uuid:payment_id>.pdf")
@member()
def receipt(invoice_id: UUID, payment_id: UUID) -> Response:
    """The frozen receipt of a payment."""
    return _file("{number}-receipt", invoice_id=invoice_id, payment_id=payment_id)


@bp.post("/invoices/<uuid:invoice_id>/payments/<uuid:payment_id>/receipt")
@member()
def request_receipt(invoice_id: UUID, payment_id: UUID) -> ResponseReturnValue:
    """Have a payment's receipt made, or try once more."""
    return _requested(invoice_id=invoice_id, payment_id=payment_id)


def _file(name: str, **subject: UUID) -> Response:
    found, frozen = subjects.document(subject)
    return send_file(
        io.BytesIO(frozen.content),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"{name.format(number=found.number)}.pdf",
        etag=frozen.sha256.hex(),
    )


def _requested(**subject: UUID) -> ResponseReturnValue:
    invoice = subjects.request_document(subject).invoice
    if is_htmx():
        toast = gettext("The PDF is being prepared.")
        return page("invoices/page.html", "invoices/_papers.html", **_shown(invoice), toast=toast)
    return redirect(url_for("invoices.show", invoice_id=invoice.id, _anchor="papers"), 303)


def _ubl(**subject: UUID) -> Response:
    found, content = subjects.ubl(subject)
    name = f"{found.number}.xml"
    return send_file(io.BytesIO(content), mimetype="application/xml", as_attachment=True, download_name=name)


def _shown(invoice: Invoice, polls: int = 0) -> dict[str, Any]:
    return {"invoice": invoice, "polls": polls, "e_invoices": subjects.e_invoices(invoice.id)}
