"""Paying an open invoice now: the choice of a method, and how the try went."""

from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.payments import PayForm
from portal.billing import collection, payment_methods
from portal.errors import Conflict
from portal.models import Invoice
from portal.security.guards import member
from portal.templating import page, principal

bp = Blueprint("payments", __name__)


@bp.get("/invoices/<uuid:invoice_id>/pay")
@member("owner", "billing")
def new(invoice_id: UUID) -> Response:
    """What is open, and the methods that could pay it."""
    return _choice(collection.invoice_of(invoice_id))


@bp.post("/invoices/<uuid:invoice_id>/pay")
@member("owner", "billing")
def create(invoice_id: UUID) -> ResponseReturnValue:
    """Charge the chosen method now."""
    form = PayForm()
    if not form.validate():
        return _choice(collection.invoice_of(invoice_id), form.first_error(), 422)
    try:
        attempt = collection.pay(
            invoice_id,
            form.method(),
            makes_default=form.makes_default.data,
            expected_minor=form.amount_minor.data,
            actor=principal().user_id,
        )
    except Conflict as error:
        return _choice(collection.invoice_of(invoice_id), error, 422)
    return redirect(url_for("payments.show", collection_attempt_id=attempt.id), 303)


@bp.get("/payments/<uuid:collection_attempt_id>")
@member()
def show(collection_attempt_id: UUID) -> Response:
    """How a try went; looks again by itself while that is not known."""
    attempt = collection.get(collection_attempt_id)
    polls = max(request.args.get("polls", 0, int), 0)
    return page(
        "payments/show.html",
        "payments/_attempt.html",
        attempt=attempt,
        invoice=collection.invoice_of(attempt.invoice_id),
        method=collection.method_of(attempt),
        polls=polls,
        next_look=url_for("payments.show", collection_attempt_id=attempt.id, polls=polls + 1),
    )


def _choice(invoice: Invoice, problem: object = None, status: int = 200) -> Response:
    methods = payment_methods.listed()
    chosen = request.values.get("method_id") or (str(methods[0].method.id) if methods else "")
    return page(
        "payments/new.html",
        "payments/_choice.html",
        status,
        invoice=invoice,
        methods=methods,
        chosen=chosen,
        tries=collection.tries(invoice),
        problem=problem,
    )
