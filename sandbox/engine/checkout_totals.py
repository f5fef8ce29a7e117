"""What a Checkout session costs today: its items with discounts and taxes, added up.

The figures are those of the invoice that paying makes (subscription mode: the first invoice; a trial costs
nothing, what is bought once beside it is due at once). They are made from the same lines by the same arithmetic
(pricing.py, discounting.py, taxation.py). Amounts are minor units.
"""

from dataclasses import dataclass
from decimal import Decimal

from . import automatic_tax, checkout_items, checkout_plans, coupons, discounting, tax_rates, taxation
from .discounting import Discount, Discounted
from .invoice_lines import lines_of_items
from .pricing import amount_of
from .subscription_body import subscription_body
from .taxation import Rate, Tax, Taxed
from .work import Obj, Work, shown


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the bill: which item it bills, and what it costs before discounts."""

    key: str
    item: str
    product: str
    amount: int


def refresh(work: Work, session: Obj) -> None:
    """Sets the amounts of the session and of its items, after an item or the discount has changed."""
    if session["mode"] == "setup":
        return
    items, currency = session["_"]["items"], session["currency"]
    lines = _lines(work, session)
    discount = _discount(session)
    taken = discounting.apply(
        [discounting.Line(line.key, line.amount, line.item, line.product) for line in lines],
        {},
        [] if discount is None else [discount],
        currency=currency,
    )
    taxed = taxation.apply(
        [(line.key, line.amount - taken.taken(line.key)) for line in lines],
        {line.key: _rates(work, session, line.item) for line in lines},
        _exemption(work, session),
        currency=currency,
    )
    for item in items:
        _fill_in(work, item, [line for line in lines if line.item == item["id"]], taken, taxed, session)
    _add_up(work, session, taken, taxed)
    if session["automatic_tax"]["enabled"]:
        known = location(work, session) is not None
        session["automatic_tax"]["status"] = "complete" if known else "requires_location_inputs"


def after_trial(session: Obj) -> int:
    """What the recurring items cost for a whole period, without discounts and taxes."""
    recurring = [item for item in session["_"]["items"] if checkout_items.is_recurring(item)]
    return sum(_whole(item) for item in recurring)


def _discount(session: Obj) -> Discount | None:
    chosen = session["_"]["discount"]
    if chosen is None:
        return None
    terms = chosen["coupon"]
    percent, products = terms["percent_off"], terms["_"]["applies_to"]
    return Discount(
        chosen["body"]["id"],
        None if percent is None else Decimal(str(percent)),
        None if percent is not None else coupons.amount_off_in(terms, session["currency"]) or 0,
        None if products is None else frozenset(products),
    )


def _lines(work: Work, session: Obj) -> list[_Line]:
    items = [item for item in session["_"]["items"] if item["quantity"] != 0]
    once = [
        _Line(item["id"], item["id"], item["price"]["product"], _whole(item))
        for item in items
        if not checkout_items.is_recurring(item)
    ]
    if session["mode"] == "payment":
        return once
    # As the engine would bill them: periods that an anchor cuts short, tiers, trials.
    recurring = [item for item in items if checkout_items.is_recurring(item)]
    start = checkout_plans.start_of(work, session, session["customer"] or "")
    body = subscription_body(work, start, None)
    owners = {made["id"]: item for made, item in zip(body["items"]["data"], recurring, strict=True)}
    billed = lines_of_items(work, session["id"], body, body["items"]["data"], prorates=start.prorates)
    return [_line(line, owners) for line in billed] + once


def _line(line: Obj, owners: dict[str, Obj]) -> _Line:
    owner = owners[line["parent"]["subscription_item_details"]["subscription_item"]]
    return _Line(line["id"], owner["id"], owner["price"]["product"], line["amount"])


def _whole(item: Obj) -> int:
    return amount_of(item["price"], item["quantity"] or 0, item["currency"])


def location(work: Work, session: Obj) -> Obj | None:
    """Where automatic tax takes the payer to be: where he says, unless a known customer keeps his own address."""
    typed: Obj | None = (session["_"]["payer"] or {}).get("address")
    if session["customer"] is None:
        return typed
    known = automatic_tax.location_of(work.read("customer", session["customer"]))
    return typed or known if session["_"]["customer_update"].get("address") == "auto" else known


def _rates(work: Work, session: Obj, item_id: str) -> list[Rate]:
    """The item's own rates, else those of the whole subscription; with automatic tax those of the place."""
    item = next(item for item in session["_"]["items"] if item["id"] == item_id)
    if session["automatic_tax"]["enabled"]:
        inclusive = item["price"]["tax_behavior"] == "inclusive"
        return automatic_tax.rates_at(work, location(work, session), inclusive=inclusive)
    return tax_rates.plain(item["_"]["tax_rates"] or session["_"]["default_tax_rates"])


def _exemption(work: Work, session: Obj) -> taxation.Exemption:
    if session["customer"] is None:
        return "none"
    found: taxation.Exemption = work.read("customer", session["customer"])["tax_exempt"] or "none"
    return found


def _fill_in(work: Work, item: Obj, lines: list[_Line], taken: Discounted, taxed: Taxed, session: Obj) -> None:
    subtotal = sum(line.amount for line in lines)
    discount = sum(taken.taken(line.key) for line in lines)
    taxes = [tax for line in lines for tax in taxed.lines[line.key]]
    item.update(
        amount_subtotal=subtotal,
        amount_discount=discount,
        amount_tax=sum(tax.amount for tax in taxes),
        amount_total=subtotal - discount + sum(tax.amount for tax in taxes if not tax.inclusive),
    )
    item["_"]["taxes"] = _shown_taxes(work, taxes)
    item["_"]["discounts"] = _shown_discounts(discount, session) if discount else []


def _add_up(work: Work, session: Obj, taken: Discounted, taxed: Taxed) -> None:
    items = session["_"]["items"]
    discount = sum(item["amount_discount"] for item in items)
    session.update(
        amount_subtotal=sum(item["amount_subtotal"] for item in items),
        amount_total=sum(item["amount_total"] for item in items),
    )
    session["total_details"] = {
        "amount_discount": discount,
        "amount_shipping": 0,
        "amount_tax": sum(item["amount_tax"] for item in items),
    }
    session["_"]["breakdown"] = {
        "discounts": _shown_discounts(discount, session) if taken.totals else [],
        "taxes": _shown_taxes(work, taxed.totals),
    }


def _shown_discounts(amount: int, session: Obj) -> list[Obj]:
    return [{"amount": amount, "discount": session["_"]["discount"]["body"]}]


def _shown_taxes(work: Work, taxes: list[Tax]) -> list[Obj]:
    """Taxes by rate, as line items and the breakdown show them."""
    sums: dict[str, Obj] = {}
    for tax in taxes:
        entry = {
            "amount": tax.amount,
            "rate": shown(work.read(tax_rates.KIND, tax.rate)),
            # Rates set by hand have no reason here, where invoices say "not_available".
            "taxability_reason": None if tax.reason == "not_available" else tax.reason,
            "taxable_amount": tax.taxable,
        }
        known = sums.setdefault(tax.rate, entry)
        if known is not entry:
            known["amount"] += tax.amount
            known["taxable_amount"] += tax.taxable
    return list(sums.values())
