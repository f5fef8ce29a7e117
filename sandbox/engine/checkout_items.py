"""The line items of a Checkout session: what a request asks for, and the items that the session shows.

An item keeps its tax rates, and what it costs in detail, in its compartment `_`; checkout_totals.py fills in the
amounts. Amounts are minor units of the session's currency.
"""

from typing import Any

from ..errors import InvalidRequest, NotModelled, modelled
from . import prices, tax_rates
from .fields import new_metadata, non_negative
from .money import currency_code
from .pricing import terms_in
from .work import Obj, Work, copied

_KNOWN = {"adjustable_quantity", "metadata", "price", "price_data", "quantity", "tax_rates"}
_MOST = {"payment": 100, "subscription": 20}
_MOST_QUANTITY = 999_999


def new_items(work: Work, params: Obj) -> list[Obj]:
    """The items of a new session; inline prices are made. Empty in setup mode.

    InvalidRequest: none or too many, an inactive or unfitting price, a quantity that is missing or out of range,
    more than one currency or interval.
    """
    mode, given = params["mode"], params.get("line_items", [])
    if mode == "setup":
        if given:
            raise InvalidRequest("You can not pass `line_items` in `setup` mode.", param="line_items")
        return []
    if not given:
        raise InvalidRequest("Missing required param: line_items.", code="parameter_missing", param="line_items")
    pairs = [(item, _price(work, item, f"line_items[{index}]")) for index, item in enumerate(given)]
    _check_prices([price for _, price in pairs], mode)
    currency = _currency(pairs, params.get("currency"))
    return [
        _item(work, item, price, currency, f"line_items[{index}]", alone=len(pairs) == 1)
        for index, (item, price) in enumerate(pairs)
    ]


def set_quantity(item: Obj, quantity: int) -> None:
    """The payer's choice; InvalidRequest when the item has a fixed quantity or it is out of its bounds."""
    bounds = item["adjustable_quantity"]
    if bounds is None:
        raise InvalidRequest("The quantity of this item is fixed.", param="quantity")
    if not bounds["minimum"] <= quantity <= bounds["maximum"]:
        raise InvalidRequest(
            f"The quantity must be between {bounds['minimum']} and {bounds['maximum']}.", param="quantity"
        )
    item["quantity"] = quantity


def is_recurring(item: Obj) -> bool:
    """Whether it is subscribed to; the others are paid once."""
    return item["price"]["recurring"] is not None


def _price(work: Work, item: Obj, here: str) -> Obj:
    modelled(item, _KNOWN, "line_items")
    if ("price" in item) == ("price_data" in item):
        raise InvalidRequest(
            f"Each line item has either `price` or `price_data`: {here}.",
            code=None if "price" in item else "parameter_missing",
            param=f"{here}[price]",
        )
    if "price_data" in item:
        return prices.inline(work, item["price_data"], f"{here}[price_data]")
    price = work.read("price", item["price"], param=f"{here}[price]")
    if not price["active"]:
        raise InvalidRequest(
            "The price specified is inactive. This field only accepts active prices.", param=f"{here}[price]"
        )
    return price


def _check_prices(found: list[Obj], mode: str) -> None:
    recurring = [price for price in found if price["recurring"] is not None]
    if mode == "payment" and recurring:
        raise InvalidRequest(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            param="line_items",
        )
    if mode == "subscription" and not recurring:
        raise InvalidRequest(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
            param="line_items",
        )
    for some in (recurring, [price for price in found if price["recurring"] is None]):
        if len(some) > _MOST[mode]:
            raise InvalidRequest(f"You can pass at most {_MOST[mode]} line items.", param="line_items")
    if len({(price["recurring"]["interval"], price["recurring"]["interval_count"]) for price in recurring}) > 1:
        raise NotModelled("Checkout with prices of different intervals", param="line_items")


def _currency(pairs: list[tuple[Obj, Obj]], wanted: str | None) -> str:
    """The one currency of all prices, or the wanted one when all are offered in it."""
    currency = currency_code(wanted) if wanted is not None else str(pairs[0][1]["currency"])
    for index, (_, price) in enumerate(pairs):
        if wanted is None and price["currency"] != currency:
            raise InvalidRequest(
                "All prices of a Checkout Session must have the same currency.", param=f"line_items[{index}][price]"
            )
        terms_in(price, currency)
    return currency


def _item(work: Work, given: Obj, price: Obj, currency: str, here: str, *, alone: bool) -> Obj:
    quantity = _quantity(given, price, here)
    return {
        "id": work.new_id("li"),
        "object": "item",
        "adjustable_quantity": _bounds(given.get("adjustable_quantity"), quantity, here, alone=alone),
        "amount_discount": 0,
        "amount_subtotal": 0,
        "amount_tax": 0,
        "amount_total": 0,
        "currency": currency,
        "description": work.read("product", price["product"])["name"],
        "metadata": new_metadata(given.get("metadata")),
        "price": copied(price),
        "quantity": quantity,
        "_": {
            "tax_rates": tax_rates.chosen(work, given.get("tax_rates"), param=f"{here}[tax_rates]"),
            "discounts": [],
            "taxes": [],
        },
    }


def _quantity(given: Obj, price: Obj, here: str) -> int | None:
    recurring = price["recurring"]
    if recurring is not None and recurring["usage_type"] == "metered":
        if "quantity" in given:
            raise InvalidRequest(
                f"Quantity should not be specified where usage_type is `metered`. Remove `quantity` from `{here}`.",
                param=f"{here}[quantity]",
            )
        return None
    if "quantity" not in given:
        raise InvalidRequest(f"Quantity is required. Add `quantity` to `{here}`", code="parameter_missing", param=here)
    quantity: int = given["quantity"]
    if quantity < 1 and "adjustable_quantity" not in given:
        raise _out_of_range("greater than or equal to 1", here)
    if quantity > _MOST_QUANTITY:
        raise _out_of_range(f"less than or equal to {_MOST_QUANTITY}", here)
    return non_negative(quantity, f"{here}[quantity]")


def _out_of_range(bound: str, here: str) -> InvalidRequest:
    return InvalidRequest(f"This value must be {bound}.", code="parameter_invalid_integer", param=f"{here}[quantity]")


def _bounds(given: Any, quantity: int | None, here: str, *, alone: bool) -> Obj | None:
    """`adjustable_quantity` as it is shown: 0 to 99 unless given; the only item cannot be taken out."""
    if given is None or not given["enabled"]:
        return None
    path = f"{here}[adjustable_quantity]"
    if quantity is None:
        raise InvalidRequest("The quantity of a metered price cannot be adjusted.", param=path)
    least, most = given.get("minimum", 0), given.get("maximum", max(99, quantity))
    if alone:
        least = max(least, 1)
    if not 0 <= least <= quantity <= most <= _MOST_QUANTITY:
        raise InvalidRequest("`quantity` must lie between `minimum` and `maximum`.", param=path)
    return {"enabled": True, "maximum": most, "minimum": least}
