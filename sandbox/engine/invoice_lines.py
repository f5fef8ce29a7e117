"""The lines of an invoice: what a subscription's items cost for their current periods.

Shapes of the pinned version: `parent.subscription_item_details`, `pricing.price_details`. A tiered price makes
a line per tier; a period that was cut short is billed for its part (proration.debit). Metered items have no
lines ahead; what they used is in usage_lines.py.
"""

from decimal import Decimal
from fractions import Fraction

from . import pricing, proration
from .billing_cycles import part_of_period
from .fields import absent
from .money import decimal_text, formatted, rounded
from .pricing import Part
from .work import Obj, Work, copied


def lines_of_items(
    work: Work, invoice_id: str, subscription: Obj, items: list[Obj], *, prorates: bool = True
) -> list[Obj]:
    """The lines of these items for their current periods, amounts in minor units; a trial costs nothing.

    `prorates` False: a period that was cut short costs nothing either.
    """
    lines = []
    for item in items:
        if is_metered(item):
            continue
        part = part_of_period(subscription, item)
        free = subscription["status"] == "trialing" or not (prorates or part == 1)
        lines += _lines_of(work, invoice_id, subscription, item, Fraction(0) if free else part)
    return lines


def is_metered(item: Obj) -> bool:
    """Whether the item is billed afterwards, for what was used."""
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def blank_line(work: Work, invoice_id: str, currency: str, amount: int) -> Obj:
    """A line of that amount with every key that the contract requires, and nothing else known."""
    return {
        **absent("description", "parent", "pricing", "quantity", "quantity_decimal", "subscription"),
        "id": work.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": {},
        "period": {"end": work.now, "start": work.now},
        "pretax_credit_amounts": [],
        "subtotal": amount,
        "taxes": [],
    }


def _lines_of(work: Work, invoice_id: str, subscription: Obj, item: Obj, part: Fraction) -> list[Obj]:
    price, quantity = item["price"], item["quantity"]
    if part == 0:
        name = work.read("product", price["product"])["name"]
        trial = subscription["status"] == "trialing"
        nothing = Part(Decimal(quantity), Decimal(0), Decimal(0), 0)
        text = f"Trial period for {name}" if trial else described(work, price, nothing, subscription)
        return [line_of(work, invoice_id, subscription, item, nothing, text)]
    lines = []
    for each in pricing.parts_of(price, quantity, subscription["currency"]):
        text = described(work, price, each, subscription)
        lines.append(line_of(work, invoice_id, subscription, item, _shortened(each, part, subscription), text))
    return lines


def _shortened(whole: Part, part: Fraction, subscription: Obj) -> Part:
    """What a part of the period costs: the whole one is left as it is."""
    if part == 1:
        return whole
    amount = proration.debit(whole.exact, part, subscription["currency"]).amount
    return Part(whole.quantity, Decimal(amount) / max(whole.quantity, Decimal(1)), whole.exact, amount, whole.tier)


def line_of(work: Work, invoice_id: str, subscription: Obj, item: Obj, part: Part, description: str) -> Obj:
    """One line of an item, for its current period."""
    price = item["price"]
    whole = part.quantity == part.quantity.to_integral_value()
    return {
        **blank_line(work, invoice_id, subscription["currency"], part.amount),
        "description": description,
        "metadata": copied(subscription["metadata"]),
        "parent": _origin(subscription, item),
        "period": {"end": item["current_period_end"], "start": item["current_period_start"]},
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": decimal_text(round(part.unit_amount, 12)),
        },
        "quantity": int(part.quantity) if whole else rounded(part.quantity),
        "quantity_decimal": decimal_text(part.quantity),
        "subscription": subscription["id"],
    }


def _origin(subscription: Obj, item: Obj) -> Obj:
    """What the line bills: the subscription's item."""
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }


def described(work: Work, price: Obj, part: Part, subscription: Obj) -> str:
    """What the payer reads: quantity, product, tier, unit price, interval."""
    name = work.read("product", price["product"])["name"]
    recurring = price["recurring"]
    count = recurring["interval_count"]
    every = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
    tier = "" if part.tier is None else f"Tier {part.tier} "
    if part.flat:
        return f"{name} ({tier}flat fee at {formatted(part.amount, subscription['currency'])} / {every})"
    unit = formatted(rounded(part.unit_amount), subscription["currency"])
    return f"{decimal_text(part.quantity)} × {name} ({tier}at {unit} / {every})"
