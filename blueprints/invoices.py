"""Invoices: the list, one invoice, its document."""

import io
from uuid import UUID

from flask import Blueprint, Response, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue

from blueprints.invoice_rows import init_rows
from portal.i18n import gettext
from portal.invoicing import invoices
from portal.security.guards import member
from portal.templating import is_htmx, page

bp = Blueprint("invoices", __name__)
bp.record_once(lambda state: init_rows(state.app))  # type: ignore[arg-type]  # an App is a Flask


@bp.get("/invoices")
@member()
def index() -> Response:
    """The newest invoices, or those after the cursor; a fragment is the further rows."""
    after = request.args.get("after")
    return page("invoices/index.html", "invoices/_rows.html", found=invoices.page(after), after=after)


@bp.get("/invoices/<uuid:invoice_id>")
@member()
def show(invoice_id: UUID) -> Response:
    """One invoice; a fragment is the state of its document."""
    return page(
        "invoices/page.html",
        "invoices/_document.html",
        invoice=invoices.get(invoice_id),
        polls=max(request.args.get("polls", 0, int), 0),
    )


@bp.get("/invoices/<uuid:invoice_id>/document.pdf")
@member()
def document(invoice_id: UUID) -> Response:
    """The frozen PDF, as a file to keep."""
    invoice = invoices.get(invoice_id)
    found = invoices.document(invoice_id)
    return send_file(
        io.BytesIO(found.content),
        mimetype="application/pdf",
        as_attachment=True,
        download_name=f"{invoice.number}.pdf",
        etag=found.sha256.hex(),
    )


@bp.post("/invoices/<uuid:invoice_id>/document")
@member("owner", "billing")
def request_document(invoice_id: UUID) -> ResponseReturnValue:
    """Try a failed document once more."""
    invoice = invoices.request_document(invoice_id)
    if is_htmx():
        toast = gettext("The PDF is being prepared again.")
        return page("invoices/page.html", "invoices/_document.html", invoice=invoice, polls=0, toast=toast)
    return redirect(url_for("invoices.show", invoice_id=invoice.id), 303)
