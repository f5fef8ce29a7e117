"""The hosted invoice page: what is billed, and a form to pay it."""

from collections.abc import Mapping
from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine import hosted_invoices
from ..engine.account import NAME
from ..engine.work import Obj, Work
from ..errors import InvalidRequest, Refusal, ResourceMissing
from ..world import World
from . import invoice_view, payer_form
from .rendering import page
from .texts import Words


def show(world: World, request: Request, invoice_id: str) -> Response:
    """GET /invoice/{id}: a finalized invoice; a draft has no page."""
    return _shown(world, request, invoice_id, {}, None)


def pay(world: World, request: Request, invoice_id: str) -> Response:
    """POST /invoice/{id}: pays what is due, or shows what is wrong."""
    values = payer_form.typed(request)
    if filled := payer_form.filled(request.form.get("fill", "")):
        return _shown(world, request, invoice_id, {**values, **filled}, None)
    try:
        entry = payer_form.entry(values)
        if entry is None:
            raise InvalidRequest("Enter a card number.", param="number")
        intent = world.store.run(hosted_invoices.pay, invoice_id, entry, values["name"] or None)
    except ResourceMissing:
        raise
    except Refusal as error:
        return _shown(world, request, invoice_id, values, error)
    if intent["status"] == "requires_action":
        return redirect(f"/authenticate/{intent['id']}", 303)
    return redirect(f"/invoice/{invoice_id}", 303)


def _shown(
    world: World, request: Request, invoice_id: str, values: Mapping[str, str], error: Refusal | None
) -> Response:
    with world.store.transaction() as work:
        invoice = invoice_view.issued(work, invoice_id)
        words = invoice_view.words_of(work, invoice["customer"], request)
        context = _context(work, invoice, words, values)
    problem = None if error is None else payer_form.problem(words, error)
    status = 200 if error is None else payer_form.status_of(error)
    return page("invoice.html", words, status=status, invoice=invoice, merchant=NAME, problem=problem, **context)


def _context(work: Work, invoice: Obj, words: Words, values: Mapping[str, str]) -> dict[str, Any]:
    payable = hosted_invoices.is_payable(work, invoice)
    form = (
        payer_form.context(
            words, values, hosted_invoices.types(work, invoice), list(hosted_invoices.saved(work, invoice))
        )
        if payable
        else {}
    )
    return {
        "payable": payable,
        "state": invoice_view.state(work, invoice),
        "lines": invoice_view.lines(work, invoice, words),
        "sums": invoice_view.sums(work, invoice, words),
        "paid_with": invoice_view.paid_with(work, invoice, words),
        "seller_fields": invoice["custom_fields"] or [],
        **form,
    }
