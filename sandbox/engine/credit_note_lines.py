"""The lines of a credit note: portions of the invoice's lines, or lines of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, NotModelled, ResourceMissing
from . import crediting, tax_rates, taxation
from .crediting import Line, Portion
from .fields import new_metadata, non_negative
from .money import decimal_text, formatted, rounded
from .work import Obj, Work, copied

_ALLOWED = {
    "invoice_line_item": {"amount", "invoice_line_item", "metadata", "quantity", "type"},
    "custom_line_item": {
        "description", "metadata", "quantity", "tax_amounts", "tax_rates", "type", "unit_amount", "unit_amount_decimal",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Credited:
    """A line of a note with what it comes to, discounts off and exclusive taxes on."""

    body: Obj
    total: int


def of_amount(work: Work, invoice: Obj, notes: Sequence[Obj], amount: int) -> list[Credited]:
    """The lines of a note over an amount: every line of the invoice gives its share (assumed)."""
    plain = [(line, plain_line(line, notes)) for line in invoice["lines"]["data"]]
    plain = [(line, found) for line, found in plain if found.left > 0]
    portions = crediting.by_amount([found for _, found in plain], amount, invoice["currency"])
    return [
        _of_portion(work, line, found, portion)
        for (line, found), portion in zip(plain, portions, strict=True)
        if found.total_of(portion)
    ]


def of_request(work: Work, invoice: Obj, notes: Sequence[Obj], given: Iterable[Obj]) -> list[Credited]:
    """The lines that a request names; InvalidRequest for more than is left of a line."""
    found, earlier = [], list(notes)
    for index, wanted in enumerate(given):
        param = f"lines[{index}]"
        for name in wanted:
            if name not in _ALLOWED[wanted["type"]]:
                raise InvalidRequest(f"`{name}` is not for lines of type {wanted['type']}.", param=f"{param}[{name}]")
        if wanted["type"] == "custom_line_item":
            line = _custom(work, invoice, wanted, param)
        else:
            line = _of_line(work, invoice, earlier, wanted, param)
        # A line that is named twice is credited twice.
        earlier.append({"lines": {"data": [line.body]}})
        found.append(line)
    return found


def plain_line(line: Obj, notes: Iterable[Obj]) -> Line:
    """An invoice's line for crediting.py, with what these notes credited of it."""
    whole = _portion(line, [each["discount"] for each in line["discount_amounts"]], _rates(line))
    credited = crediting.nothing(whole)
    for note in notes:
        for part in note["lines"]["data"]:
            if part.get("invoice_line_item") == line["id"]:
                ids = [each["discount"] for each in line["discount_amounts"]]
                credited = crediting.added(credited, _portion(part, ids, _rates(line)))
    inclusive = tuple(tax["tax_behavior"] == "inclusive" for tax in line["taxes"])
    return Line(whole, inclusive, credited)


def _of_line(work: Work, invoice: Obj, notes: Sequence[Obj], wanted: Obj, param: str) -> Credited:
    line_id = wanted.get("invoice_line_item")
    line = next((each for each in invoice["lines"]["data"] if each["id"] == line_id), None)
    if line is None:
        raise ResourceMissing("invoice line item", str(line_id), param=f"{param}[invoice_line_item]")
    plain = plain_line(line, notes)
    left = plain.whole.gross - plain.credited.gross
    if left <= 0 or plain.whole.gross <= 0:
        raise InvalidRequest("This line has nothing left that can be credited.", param=param)
    quantity = wanted.get("quantity")
    if quantity is not None and "amount" in wanted:
        raise InvalidRequest("Give either `amount` or `quantity` of a line.", param=f"{param}[amount]")
    _check_way(line, notes, param, by_quantity=quantity is not None)
    if quantity is None:
        gross = wanted.get("amount", left)
    else:
        non_negative(quantity, f"{param}[quantity]")
        gross = rounded(Decimal(line["amount"]) * quantity / (line["quantity"] or 1), invoice["currency"])
    if not 0 < gross <= left:
        raise InvalidRequest(
            f"The amount to credit ({formatted(gross, invoice['currency'])}) must be positive and at most what is "
            f"left of the line ({formatted(left, invoice['currency'])}).",
            param=f"{param}[{'amount' if quantity is None else 'quantity'}]",
        )
    portion = crediting.by_gross(plain, gross, invoice["currency"])
    credited = _of_portion(work, line, plain, portion)
    credited.body["quantity"] = quantity
    credited.body["metadata"] = new_metadata(wanted.get("metadata"))
    return credited


def _check_way(line: Obj, notes: Iterable[Obj], param: str, *, by_quantity: bool) -> None:
    """A line that was credited by quantity goes on so, and one by amount too."""
    for note in notes:
        for part in note["lines"]["data"]:
            if part.get("invoice_line_item") == line["id"] and (part["quantity"] is not None) != by_quantity:
                way = "amount" if by_quantity else "quantity"
                raise InvalidRequest(f"This line has been credited by {way} before; go on so.", param=param)


def _custom(work: Work, invoice: Obj, wanted: Obj, param: str) -> Credited:
    if invoice["automatic_tax"]["enabled"]:
        raise InvalidRequest("Invoices with automatic tax have no custom lines on their credit notes.", param=param)
    if wanted.get("tax_amounts"):
        raise NotModelled("tax_amounts on credit notes", param=f"{param}[tax_amounts]")
    if ("unit_amount" in wanted) == ("unit_amount_decimal" in wanted):
        raise InvalidRequest("Give one of `unit_amount` and `unit_amount_decimal`.", param=f"{param}[unit_amount]")
    unit = Decimal(str(wanted.get("unit_amount", wanted.get("unit_amount_decimal"))))
    quantity = wanted.get("quantity", 1)
    gross = rounded(unit * quantity, invoice["currency"])
    if gross <= 0:
        raise InvalidRequest("Lines of credit notes are positive.", param=f"{param}[unit_amount]")
    rates = tax_rates.chosen(work, wanted.get("tax_rates"), param=f"{param}[tax_rates]")
    plain = tax_rates.plain(rates)
    exempt = invoice["customer_tax_exempt"]
    taxed = taxation.apply([("line", gross)], {"line": plain}, exempt, currency=invoice["currency"])
    body = {
        **_blank(work, "custom_line_item"),
        "amount": gross,
        "description": wanted.get("description"),
        "metadata": new_metadata(wanted.get("metadata")),
        "quantity": quantity,
        "tax_rates": copied(rates),
        "taxes": [_shown_tax(tax) for tax in taxed.lines["line"]],
        "unit_amount": int(unit) if unit == unit.to_integral_value() else None,
        "unit_amount_decimal": decimal_text(unit),
    }
    return Credited(body, gross + taxed.exclusive)


def _of_portion(work: Work, line: Obj, plain: Line, portion: Portion) -> Credited:
    taken = [
        {**each, "amount": amount}
        for each, amount in zip(line["discount_amounts"], portion.discounts, strict=True)
        if amount
    ]
    taxes = [
        {**copied(tax), "amount": amount, "taxable_amount": base}
        for tax, amount, base in zip(line["taxes"], portion.taxes, portion.taxable, strict=True)
    ]
    body = {
        **_blank(work, "invoice_line_item"),
        "amount": portion.gross,
        "description": line["description"],
        "discount_amount": sum(portion.discounts),
        "discount_amounts": taken,
        "invoice_line_item": line["id"],
        "pretax_credit_amounts": [{**each, "type": "discount"} for each in taken],
        "tax_rates": [copied(found) for found in (work.find("tax_rate", rate) for rate in _rates(line)) if found],
        "taxes": taxes,
        "_": {"own_discounts": sum(each["amount"] for each in taken if each["discount"] in line["discounts"])},
    }
    return Credited(body, plain.total_of(portion))


def _portion(line: Obj, discounts: list[str], rates: list[str]) -> Portion:
    """The amounts of an invoice's or a note's line, in the order of these discounts and rates."""
    taken = {each["discount"]: each["amount"] for each in line["discount_amounts"]}
    taxes = {tax["tax_rate_details"]["tax_rate"]: tax for tax in line["taxes"] or []}
    none: Any = {"amount": 0, "taxable_amount": 0}
    return Portion(
        line["amount"],
        tuple(taken.get(each, 0) for each in discounts),
        tuple(taxes.get(rate, none)["amount"] for rate in rates),
        tuple(taxes.get(rate, none)["taxable_amount"] or 0 for rate in rates),
    )


def _rates(line: Obj) -> list[str]:
    return [tax["tax_rate_details"]["tax_rate"] for tax in line["taxes"]]


def _shown_tax(tax: taxation.Tax) -> Obj:
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.rate},
        "taxability_reason": tax.reason,
        "taxable_amount": tax.taxable,
        "type": "tax_rate_details",
    }


def _blank(work: Work, kind: str) -> Obj:
    return {
        "id": work.new_id("cnli"),
        "object": "credit_note_line_item",
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": None,
        "type": kind,
        "unit_amount": None,
        "unit_amount_decimal": None,
    }
