"""`add_invoice_items`: what the first or next invoice of a subscription bills once, beside the subscription's items.

Each entry becomes a pending invoice item of the subscription, for the period that its items share unless the entry
says otherwise.
"""

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, modelled
from . import invoice_items, prices
from .fields import non_negative
from .invoice_item_terms import one_time_price, priced_terms
from .work import Obj, Work

_KNOWN = {"discountable", "discounts", "metadata", "period", "price", "price_data", "quantity", "tax_rates"}
_BESIDES = ("discountable", "discounts", "metadata", "tax_rates")
_MOST = 20


def put(work: Work, subscription: Obj, given: list[Obj], param: str = "add_invoice_items") -> None:
    """Makes the invoice items that the entries ask for; they are pending until an invoice takes them.

    InvalidRequest: more than twenty, not exactly one of `price` and `price_data`, a price that is recurring,
    archived or not in the subscription's currency, a period that ends before it begins.
    """
    if len(given) > _MOST:
        raise InvalidRequest(f"You may only pass up to {_MOST} items.", param=param)
    customer = work.edit("customer", subscription["customer"])
    for index, entry in enumerate(given):
        here = f"{param}[{index}]"
        modelled(entry, _KNOWN, param)
        quantity = non_negative(entry.get("quantity", 1), f"{here}[quantity]")
        terms = priced_terms(work, _price(work, entry, here), Decimal(quantity), subscription["currency"])
        more = {name: entry[name] for name in _BESIDES if name in entry}
        more.update(period=_period(work, subscription, entry.get("period"), here), subscription=subscription["id"])
        invoice_items.add(work, customer, terms, more, reusable=subscription["discounts"], param=here)


def _price(work: Work, entry: Obj, here: str) -> Obj:
    if ("price" in entry) == ("price_data" in entry):
        raise InvalidRequest(
            f"Each item has exactly one of `price` and `price_data`: {here}.",
            code=None if "price" in entry else "parameter_missing",
            param=f"{here}[price]",
        )
    if "price_data" in entry:
        return prices.inline(work, entry["price_data"], f"{here}[price_data]", may_credit=True)
    return one_time_price(work, entry["price"], f"{here}[price]")


def _period(work: Work, subscription: Obj, given: Any, here: str) -> Obj:
    """The period in UTC seconds: by default what the periods of all items have in common."""
    items = subscription["items"]["data"]
    wanted = given or {"start": {"type": "max_item_period_start"}, "end": {"type": "min_item_period_end"}}
    times = {
        "now": work.now,
        "max_item_period_start": max(item["current_period_start"] for item in items),
        "min_item_period_end": min(item["current_period_end"] for item in items),
    }
    found: Obj = {}
    for name in ("start", "end"):
        kind, path = wanted[name]["type"], f"{here}[period][{name}][timestamp]"
        if kind == "timestamp" and "timestamp" not in wanted[name]:
            raise InvalidRequest(f"Missing required param: {path}.", code="parameter_missing", param=path)
        found[name] = wanted[name]["timestamp"] if kind == "timestamp" else times[kind]
    if found["end"] < found["start"]:
        raise InvalidRequest("The end of the period must not be before its start.", param=f"{here}[period][end]")
    return found
