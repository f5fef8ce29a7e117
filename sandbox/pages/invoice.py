"""The hosted invoice page: what is billed, and a form to pay it."""

from collections.abc import Mapping
from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine import hosted_invoices, invoices, payment_methods
from ..engine.account import NAME
from ..engine.work import Obj, Work
from ..errors import InvalidRequest, Refusal, ResourceMissing
from ..world import World
from . import payer_form
from .checkout_summary import discount_label, tax_label
from .rendering import page
from .texts import Words, words_for


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
        invoice = work.read(invoices.KIND, invoice_id)
        if invoice["status"] == "draft" or invoice.get("deleted"):
            raise ResourceMissing(invoices.KIND, invoice_id)
        locales = work.read("customer", invoice["customer"]).get("preferred_locales") or [None]
        words = words_for(locales[0], request.accept_languages)
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
        "state": _state(work, invoice),
        "lines": [_line(work, line, words, invoice["discounts"]) for line in invoice["lines"]["data"]],
        "sums": _sums(work, invoice, words),
        "paid_with": _paid_with(work, invoice, words),
        "seller_fields": invoice["custom_fields"] or [],
        **form,
    }


def _state(work: Work, invoice: Obj) -> str:
    """The invoice's status as a payer understands it: also overdue, and processing."""
    if invoice["status"] != "open":
        return str(invoice["status"])
    intent = hosted_invoices.intent_of(work, invoice)
    if intent is not None and intent["status"] == "processing":
        return "processing"
    late = invoice["due_date"] is not None and invoice["due_date"] <= work.now
    return "overdue" if late else "open"


def _line(work: Work, line: Obj, words: Words, told_below: list[str]) -> dict[str, Any]:
    price = (line["pricing"] or {}).get("unit_amount_decimal")
    quantity = line["quantity_decimal"] or line["quantity"]
    details = []
    period = line["period"]
    if period["start"] != period["end"]:
        details.append(f"{words.date(period['start'])} – {words.date(period['end'])}")
    return {
        "description": line["description"] or "",
        "details": details,
        "quantity": "" if quantity is None else words.percent(quantity),
        "unit": "" if price is None or quantity is None else words.rate(price, line["currency"]),
        "amount": words.money(line["amount"], line["currency"]),
        "discounts": [
            (
                _discount_name(work, each["discount"], words, line["currency"]),
                words.money(-each["amount"], line["currency"]),
            )
            for each in line["discount_amounts"]
            if each["amount"] and each["discount"] not in told_below
        ],
    }


def _sums(work: Work, invoice: Obj, words: Words) -> list[tuple[str, str, bool]]:
    """The rows under the lines: label, amount, and whether it is printed strongly."""
    currency = invoice["currency"]

    def money(amount: int) -> str:
        return words.money(amount, currency)

    rows = [(words("subtotal"), money(invoice["subtotal"]), False)]
    rows += [
        (_discount_name(work, each["discount"], words, currency), money(-each["amount"]), False)
        for each in invoice["total_discount_amounts"]
        if each["discount"] in invoice["discounts"]
    ]
    for tax in invoice["total_taxes"]:
        rate = work.find("tax_rate", tax["tax_rate_details"]["tax_rate"])
        rows.append((words("tax") if rate is None else tax_label(rate, words), money(tax["amount"]), False))
    rows.append((words("total"), money(invoice["total"]), True))
    moved = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    if moved:
        rows.append((words("balance_applied" if moved > 0 else "balance_owed"), money(-moved), False))
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if credited:
        rows.append((words("credited"), money(-credited), False))
    if invoice["amount_paid"]:
        rows.append((words("amount_paid"), money(-invoice["amount_paid"]), False))
    due = 0 if invoice["status"] == "void" else invoice["amount_remaining"]
    return [*rows, (words("amount_due"), money(due), True)]


def _discount_name(work: Work, discount_id: str, words: Words, currency: str) -> str:
    discount = work.find("discount", discount_id)
    if discount is None:
        return words("discount")
    coupon = discount["_"]["coupon"]
    code = discount["promotion_code"] and work.find("promotion_code", discount["promotion_code"])
    label = discount_label(coupon, words, currency, lasts=False)
    name = code["code"] if code else coupon["name"]
    return f"{name} ({label})" if name else label


def _paid_with(work: Work, invoice: Obj, words: Words) -> str | None:
    """How a paid invoice was paid."""
    if invoice["status"] != "paid" or not invoice["amount_paid"]:
        return None
    intent = hosted_invoices.intent_of(work, invoice)
    if intent is None or intent["status"] != "succeeded":
        return words("paid_elsewhere")
    return words.method(work.read(payment_methods.KIND, intent["payment_method"]))
