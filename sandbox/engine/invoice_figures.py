"""Discounts and taxes of a draft: which apply to which line, written into the lines and the invoice.

The figures are discounting.py's and taxation.py's. A line's own discounts are `line.discounts`, the invoice's
are `invoice.discounts`; a line's own tax rates, kept in its compartment `_`, replace the invoice's
`default_tax_rates`. Prorations keep the discounts that they were made with: they take no others.
"""

from dataclasses import dataclass
from typing import Any

from . import automatic_tax, discounting, discounts, tax_rates, taxation
from .work import Obj, Work, copied


@dataclass(frozen=True, slots=True)
class Figures:
    """What an invoice adds up to (minor units), before the customer's balance."""

    subtotal: int
    subtotal_excluding_tax: int
    total: int
    total_excluding_tax: int


def fill_in(work: Work, invoice: Obj) -> Figures:
    """Sets the discounts and taxes of the lines and of the invoice, and says what they add up to."""
    lines = invoice["lines"]["data"]
    _dress(invoice, lines)
    by_items = _discount(work, invoice, lines)
    nets = {line["id"]: line["amount"] - _sum(line["discount_amounts"]) for line in lines}
    taxed = _tax(work, invoice, lines, nets)
    subtotals = {line["id"]: line["amount"] - by_items[line["id"]] for line in lines}
    subtotal, net = sum(subtotals.values()), sum(nets.values())
    contained = _taxed(work, invoice, lines, subtotals).inclusive if taxed.inclusive else 0
    return Figures(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - contained,
        total=net + taxed.exclusive,
        total_excluding_tax=net - taxed.inclusive,
    )


def _dress(invoice: Obj, lines: list[Obj]) -> None:
    """Lines of a subscription's items get the item's discounts and rates as they were when the draft was made."""
    terms = invoice["_"].get("item_terms", {})
    for line in lines:
        details = (line["parent"] or {}).get("subscription_item_details")
        if details is None or details["invoice_item"] is not None:
            continue
        own = terms.get(details["subscription_item"])
        if own is not None:
            line["discounts"] = list(own["discounts"])
            line["_"] = {**line.get("_", {}), "tax_rates": copied(own["tax_rates"])}


def _discount(work: Work, invoice: Obj, lines: list[Obj]) -> dict[str, int]:
    """Sets what is taken off; returns per line id what its own discounts took."""
    currency = invoice["currency"]
    own = {
        _item_key(line): discounts.plain(work, line["discounts"], currency=currency)
        for line in lines
        if line["discountable"]
    }
    found = discounting.apply(
        [_plain(line) for line in lines],
        own,
        discounts.plain(work, invoice["discounts"], currency=currency),
        currency=currency,
    )
    totals: dict[str, int] = dict(found.totals)
    for line in lines:
        if line["discountable"]:
            line["discount_amounts"] = _discount_amounts(found.lines[line["id"]])
            continue
        found.by_items[line["id"]] = _sum(line["discount_amounts"])
        for each in line["discount_amounts"]:
            totals[each["discount"]] = totals.get(each["discount"], 0) + each["amount"]
    for line in lines:
        line["pretax_credit_amounts"] = _pretax(line["discount_amounts"])
    invoice["total_discount_amounts"] = _discount_amounts(totals.items())
    invoice["total_pretax_credit_amounts"] = _pretax(invoice["total_discount_amounts"])
    return found.by_items


def _tax(work: Work, invoice: Obj, lines: list[Obj], nets: dict[str, int]) -> taxation.Taxed:
    invoice["customer_tax_exempt"] = work.read("customer", invoice["customer"])["tax_exempt"]
    automatic_tax.refresh(work, invoice)
    taxed = _taxed(work, invoice, lines, nets)
    for line in lines:
        line["taxes"] = [_shown(tax) for tax in taxed.lines[line["id"]]]
    invoice["total_taxes"] = [_shown(tax) for tax in taxed.totals]
    return taxed


def _taxed(work: Work, invoice: Obj, lines: list[Obj], amounts: dict[str, int]) -> taxation.Taxed:
    rates = {line["id"]: _rates(work, invoice, line) for line in lines}
    return taxation.apply(list(amounts.items()), rates, invoice["customer_tax_exempt"], currency=invoice["currency"])


def _rates(work: Work, invoice: Obj, line: Obj) -> list[taxation.Rate]:
    private = line.get("_", {})
    if "credited_rates" in private:
        # A credit returns the tax of what it credits, also when that had none.
        return tax_rates.plain(private["credited_rates"])
    if invoice["automatic_tax"]["enabled"]:
        return automatic_tax.rates_of_line(work, invoice, line)
    return tax_rates.plain(private.get("tax_rates") or invoice["default_tax_rates"])


def _plain(line: Obj) -> discounting.Line:
    details = (line["pricing"] or {}).get("price_details", {})
    return discounting.Line(
        line["id"], line["amount"], _item_key(line), details.get("product"), discountable=line["discountable"]
    )


def _item_key(line: Obj) -> str:
    """What the line bills, so that the lines of a tiered price share their item's discounts."""
    parent: Any = line["parent"] or {}
    subscribed = parent.get("subscription_item_details")
    if subscribed is not None:
        return str(subscribed["subscription_item"])
    billed = parent.get("invoice_item_details")
    return str(line["id"] if billed is None else billed["invoice_item"])


def _sum(amounts: list[Obj]) -> int:
    return sum(each["amount"] for each in amounts)


def _discount_amounts(taken: Any) -> list[Obj]:
    return [{"amount": amount, "discount": discount_id} for discount_id, amount in taken]


def _pretax(amounts: list[Obj]) -> list[Obj]:
    return [{**each, "type": "discount"} for each in amounts]


def _shown(tax: taxation.Tax) -> Obj:
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.rate},
        "taxability_reason": tax.reason,
        "taxable_amount": tax.taxable,
        "type": "tax_rate_details",
    }
