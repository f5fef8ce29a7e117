"""What a credit note says, on its page and on paper: lines and sums; amounts are texts."""

from typing import Any

from ..engine.work import Obj, Work
from .invoice_view import percentages
from .texts import Words


def lines(work: Work, note: Obj, words: Words) -> list[dict[str, Any]]:
    """The lines, in the shape of an invoice's."""
    return [
        {
            "description": line["description"] or words("credit_note"),
            "details": [],
            "quantity": "" if line["quantity"] is None else words.percent(line["quantity"]),
            "unit": _unit(line, note["currency"], words),
            "amount": words.money(line["amount"], note["currency"]),
            "taxes": percentages(work, line, words),
            "discounts": [],
        }
        for line in note["lines"]["data"]
    ]


def sums(note: Obj, words: Words) -> list[tuple[str, str, bool]]:
    """The rows under the lines: discount, taxes, the total, and what became of it."""
    exclusive = [tax for tax in note["total_taxes"] if tax["tax_behavior"] == "exclusive"]
    refunded = sum(each["amount_refunded"] for each in note["refunds"])
    elsewhere = note["out_of_band_amount"] or 0
    found = [
        ("note_discount", -note["discount_amount"], False),
        *(("note_tax", tax["amount"], False) for tax in exclusive),
        ("note_total", note["amount"], True),
        ("note_lowered", note["pre_payment_amount"], False),
        ("note_refunded", refunded, False),
        ("note_balance", note["post_payment_amount"] - refunded - elsewhere, False),
        ("note_elsewhere", elsewhere, False),
    ]
    return [(words(key), words.money(amount, note["currency"]), strong) for key, amount, strong in found if amount]


def _unit(line: Obj, currency: str, words: Words) -> str:
    price = line["unit_amount_decimal"]
    return "" if price is None or line["quantity"] is None else words.rate(price, currency)
