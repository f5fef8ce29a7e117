"""What an invoice says to its payer, on its page and on paper: state, lines, sums; amounts are texts."""

from typing import Any

from werkzeug.wrappers import Request

from ..engine import hosted_invoices, invoices, payment_methods, test_clocks
from ..engine.work import Obj, Work
from ..errors import ResourceMissing
from .checkout_summary import discount_label, tax_label
from .texts import Words, words_for


def issued(work: Work, invoice_id: str) -> Obj:
    """The finalized invoice; ResourceMissing for a draft, which nobody but the shop sees."""
    invoice = work.read(invoices.KIND, invoice_id)
    if invoice["status"] == "draft" or invoice.get("deleted"):
        raise ResourceMissing(invoices.KIND, invoice_id)
    return invoice


def words_of(work: Work, customer_id: str | None, request: Request) -> Words:
    """The customer's language, or what the browser asks for."""
    customer = work.find("customer", customer_id or "") or {}
    locales = customer.get("preferred_locales") or [None]
    return words_for(locales[0], request.accept_languages)


def payer(invoice: Obj) -> list[str]:
    """Who is billed, line by line: name, address, e-mail address, telephone number, tax ids."""
    place = invoice["customer_address"] or {}
    town = " ".join(filter(None, (place.get("postal_code"), place.get("city"), place.get("state"))))
    found = (
        invoice["customer_name"],
        place.get("line1"),
        place.get("line2"),
        town,
        place.get("country"),
        invoice["customer_email"],
        invoice["customer_phone"],
        *(f"{each['type'].upper().replace('_', ' ')} {each['value']}" for each in invoice["customer_tax_ids"]),
    )
    return [each for each in found if each] or [invoice["customer"]]


def state(work: Work, invoice: Obj) -> str:
    """The invoice's status as a payer understands it: also overdue (by the customer's clock), and processing."""
    if invoice["status"] != "open":
        return str(invoice["status"])
    intent = hosted_invoices.intent_of(work, invoice)
    if intent is not None and intent["status"] == "processing":
        return "processing"
    if invoice["due_date"] is None:
        return "open"
    # The page is anybody's, so the work may be at the global time.
    return "overdue" if invoice["due_date"] <= test_clocks.time_for(work, {}, [invoice["id"]]) else "open"


def lines(work: Work, invoice: Obj, words: Words) -> list[dict[str, Any]]:
    """The lines; discounts of the whole invoice are told below them, not in them."""
    return [_line(work, line, words, invoice["discounts"]) for line in invoice["lines"]["data"]]


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
        "taxes": percentages(work, line, words),
        "discounts": [
            (
                _discount_name(work, each["discount"], words, line["currency"]),
                words.money(-each["amount"], line["currency"]),
            )
            for each in line["discount_amounts"]
            if each["amount"] and each["discount"] not in told_below
        ],
    }


def sums(work: Work, invoice: Obj, words: Words) -> list[tuple[str, str, bool]]:
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


def percentages(work: Work, line: Obj, words: Words) -> str:
    """The tax rates of a line, 21% or 5% + 10%."""
    rates = [work.find("tax_rate", tax["tax_rate_details"]["tax_rate"]) for tax in line["taxes"]]
    return " + ".join(f"{words.percent(rate['percentage'])}%" for rate in rates if rate is not None)


def _discount_name(work: Work, discount_id: str, words: Words, currency: str) -> str:
    discount = work.find("discount", discount_id)
    if discount is None:
        return words("discount")
    coupon = discount["_"]["coupon"]
    code = discount["promotion_code"] and work.find("promotion_code", discount["promotion_code"])
    label = discount_label(coupon, words, currency, lasts=False)
    name = code["code"] if code else coupon["name"]
    return f"{name} ({label})" if name else label


def paid_with(work: Work, invoice: Obj, words: Words) -> str | None:
    """How a paid invoice was paid."""
    if invoice["status"] != "paid" or not invoice["amount_paid"]:
        return None
    intent = hosted_invoices.intent_of(work, invoice)
    if intent is None or intent["status"] != "succeeded":
        return words("paid_elsewhere")
    return words.method(work.read(payment_methods.KIND, intent["payment_method"]))
