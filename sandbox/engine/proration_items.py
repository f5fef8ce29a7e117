"""Prorations as pending invoice items: what a change within a period gives back, and what it costs.

For each line that billed an item's time to come there is one credit, for what was billed (flexible billing
mode); the new price for the time left is one debit. Which lines were credited already is told by the credits
themselves, so that deleting a pending credit makes its debit whole again. The figures are proration.py's.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from . import billing_cycles, discounting, discounts, pricing, proration
from .invoice_items import KIND, item_of
from .money import decimal_text, rounded
from .proration import Debit, Share
from .work import Obj, Work, copied

_ONE = "1 × "


def give_back(work: Work, subscription: Obj, item: Obj, at: int) -> list[Obj]:
    """Credits, as pending items, for what was billed of an item's time from `at` on (UTC seconds).

    `item` as it was before the change. Empty when nothing of that time was billed, as in a trial.
    """
    currency = subscription["currency"]
    billed = _billed(work, subscription["id"], item["id"], at)
    made = []
    for credit in proration.credits_of([debit for debit, _, _ in billed], at, currency):
        source, invoice_id = next((body, invoice) for debit, body, invoice in billed if debit.key == credit.of)
        terms = {
            "credited_items": _reference(source, invoice_id),
            "description": f"Unused time on {_subject(source, item)} after {_day(at)}",
            "discountable": False,
            "period": {"end": credit.end, "start": credit.start},
            "pricing": source["pricing"],
            "quantity": source["quantity"],
            "tax_rates": [copied(work.read("tax_rate", rate)) for rate in credit.tax_rates],
        }
        # Not of a debit that is pending too: the invoice that takes both taxes them alike.
        if invoice_id is not None:
            terms["_"] = {"credited_rates": copied(terms["tax_rates"])}
        made.append(_add(work, subscription, item, credit.share, terms))
    return made


def charge(work: Work, subscription: Obj, item: Obj, at: int) -> Obj | None:
    """The debit, as a pending item, for the time from `at` to the end of the item's current period.

    `item` as it is after the change. None for metered items, and when no time is left.
    """
    price, currency = item["price"], subscription["currency"]
    start, end = item["current_period_start"], item["current_period_end"]
    left = proration.time_left(at, start, end)
    if left == 0 or price["recurring"]["usage_type"] == "metered":
        return None
    full = pricing.exact_amount(price, item["quantity"], currency)
    share = proration.debit(
        full, left * billing_cycles.part_of_period(subscription, item), currency, _off(work, subscription, item, full)
    )
    name = work.read("product", price["product"])["name"]
    terms = {
        "credited_items": None,
        "description": f"Remaining time on {_counted(item['quantity'], name)} after {_day(at)}",
        "discountable": False,
        "period": {"end": end, "start": max(at, start)},
        "pricing": {"price_details": {"price": price["id"], "product": price["product"]}, "type": "price_details"},
        "quantity": item["quantity"],
        "tax_rates": copied(item["tax_rates"]),
    }
    return _add(work, subscription, item, share, terms)


def _add(work: Work, subscription: Obj, item: Obj, share: Share, terms: Obj) -> Obj:
    """The pending item. `proration_discounts` decides whether its amount is before or after discounts."""
    itemized = subscription["billing_mode"]["flexible"]["proration_discounts"] == "itemized"
    amount = share.amount if itemized else share.net
    taken = [{"amount": off if itemized else 0, "discount": key} for key, off in share.discounts]
    quantity = terms["quantity"] or 0
    unit = Decimal(amount) / quantity if quantity else Decimal(amount)
    credited = terms.pop("credited_items")
    body = {
        **terms,
        "id": work.new_id("ii"),
        "object": KIND,
        "amount": amount,
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "customer_account": None,
        "date": work.now,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": share.net,
        "parent": {
            "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            "type": "subscription_details",
        },
        "pricing": {**terms["pricing"], "unit_amount_decimal": decimal_text(round(unit, 12))},
        "proration": True,
        "proration_details": {"credited_items": credited, "discount_amounts": taken},
        "quantity": quantity,
        "quantity_decimal": decimal_text(Decimal(quantity)),
        "test_clock": subscription["test_clock"],
        # A later credit of this debit starts from the figures before they were shown in one way or the other.
        "_": {**terms.get("_", {}), "gross": share.amount, "taken": [list(each) for each in share.discounts]},
    }
    work.add(KIND, body)
    work.emit("invoiceitem.created", body)
    return body


def _billed(work: Work, subscription_id: str, item_id: str, at: int) -> list[tuple[Debit, Obj, str | None]]:
    """The debits of an item that reach beyond `at` and were not credited: with their line (and invoice) or item."""
    credited = _credited(work, item_id)
    found = []
    for body, invoice_id in (*_lines(work, subscription_id, item_id), *_pending(work, item_id)):
        names = {body["id"], item_of(body) if invoice_id is not None else None}
        gross = body.get("_", {}).get("gross", body["amount"])
        if gross > 0 and body["period"]["end"] > at and not names & credited:
            found.append((_debit(body, gross), body, invoice_id))
    return found


def _debit(body: Obj, gross: int) -> Debit:
    private = body.get("_", {})
    taken = private.get("taken")
    if taken is None:
        taken = [(each["discount"], each["amount"]) for each in body.get("discount_amounts", [])]
    rates = [tax["tax_rate_details"]["tax_rate"] for tax in body.get("taxes", [])]
    return Debit(
        body["id"],
        gross,
        body["period"]["start"],
        body["period"]["end"],
        tuple((str(key), int(off)) for key, off in taken),
        tuple(rates) or tuple(rate["id"] for rate in body.get("tax_rates", [])),
    )


def _lines(work: Work, subscription_id: str, item_id: str) -> Iterator[tuple[Obj, str]]:
    for invoice in work.all("invoice"):
        parent = invoice["parent"] or {}
        details = parent.get("subscription_details")
        if details is None or details["subscription"] != subscription_id or invoice["status"] == "void":
            continue
        for line in invoice["lines"]["data"]:
            billed = (line["parent"] or {}).get("subscription_item_details")
            if billed is not None and billed["subscription_item"] == item_id:
                yield line, invoice["id"]


def _pending(work: Work, item_id: str) -> Iterator[tuple[Obj, None]]:
    for body in work.all(KIND):
        if body["invoice"] is None and _subscription_item_of(body) == item_id:
            yield body, None


def _credited(work: Work, item_id: str) -> set[str | None]:
    """Ids of the lines and items that credits name."""
    found: set[str | None] = set()
    for body in work.all(KIND):
        credited = (body.get("proration_details") or {}).get("credited_items")
        if credited is None or _subscription_item_of(body) != item_id:
            continue
        if body["invoice"] is not None and work.read("invoice", body["invoice"])["status"] == "void":
            continue
        if credited["type"] == "invoice_item":
            found.add(credited["invoice_item"])
        else:
            found.update(credited["invoice_line_item_details"]["invoice_line_items"])
    return found


def _reference(source: Obj, invoice_id: str | None) -> Obj:
    if invoice_id is None:
        return {"invoice_item": source["id"], "type": "invoice_item"}
    return {
        "invoice_line_item_details": {"invoice": invoice_id, "invoice_line_items": [source["id"]]},
        "type": "invoice_line_items",
    }


def _off(work: Work, subscription: Obj, item: Obj, full: Decimal) -> list[tuple[str, int]]:
    """What the discounts in force take off the item's whole period."""
    currency = subscription["currency"]

    def in_force(ids: list[str]) -> list[discounting.Discount]:
        return discounts.plain(work, discounts.in_force_at(work, ids, work.now), currency=currency)

    line = discounting.Line(item["id"], rounded(full, currency), item["id"], item["price"]["product"])
    own = {item["id"]: in_force(item["discounts"])}
    found = discounting.apply([line], own, in_force(subscription["discounts"]), currency=currency)
    return found.lines[item["id"]]


def _subscription_item_of(body: Obj) -> str | None:
    details = (body["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription_item")
    return found


def _subject(source: Obj, item: Obj) -> str:
    """What the credited line was for, by its own words, without its price."""
    described = str(source["description"] or "")
    if described.startswith("Remaining time on "):
        return described.removeprefix("Remaining time on ").rsplit(" after ", 1)[0]
    return described.rsplit(" (", 1)[0].removeprefix(_ONE) or f"{item['quantity']} items"


def _counted(quantity: int, name: str) -> str:
    """Prorations leave the quantity out when it is 1, other lines do not: "Seat", "3 × Seat"."""
    return f"{quantity} × {name}".removeprefix(_ONE)


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %b %Y}"
