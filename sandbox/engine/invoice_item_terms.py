"""What an invoice item costs, from the several ways that a request can say it.

Amounts are minor units, with up to twelve decimals as `unit_amount_decimal`; quantities are decimals.
"""

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest
from . import prices
from .fields import non_negative
from .money import currency_code, decimal_text, rounded, whole_amount
from .pricing import amount_of, terms_in
from .work import Obj, Work

_WAYS = ("pricing", "price_data", "unit_amount_decimal", "amount")


def new_terms(work: Work, params: Obj, known_currency: str | None) -> Obj:
    """amount, currency, quantity, quantity_decimal, pricing and a description for a new item.

    `known_currency`: the invoice's or customer's; which a price's `currency_options` may serve, and which an
    amount is in when no `currency` is given. InvalidRequest when not exactly one way is used.
    """
    given = [name for name in _WAYS if name in params]
    if len(given) != 1:
        raise InvalidRequest(
            f"Invoice items need exactly one of {', '.join(f'`{name}`' for name in _WAYS)}.",
            code=None if given else "parameter_missing",
            param="amount",
        )
    if given[0] == "amount" and ("quantity" in params or "quantity_decimal" in params):
        raise InvalidRequest("`quantity` cannot be used with `amount`.", param="quantity")
    quantity = _quantity(params)
    if given[0] in ("pricing", "price_data"):
        price = _price(work, params)
        return priced_terms(work, price, quantity, _currency_of(price, params, known_currency))
    currency = params.get("currency", known_currency)
    if currency is None:
        raise InvalidRequest("Missing required param: currency.", code="parameter_missing", param="currency")
    return _plain(params, quantity, currency_code(currency))


def updated_terms(work: Work, item: Obj, params: Obj) -> Obj:
    """The keys of `new_terms` that an update changes; {} when it says nothing about them.

    InvalidRequest: a proration keeps its amount, and currencies never change.
    """
    touched = {"quantity", "quantity_decimal", *_WAYS} & params.keys()
    if not touched:
        return {}
    if item["proration"]:
        raise InvalidRequest("The amount of a proration cannot be changed.", param=min(touched))
    if touched <= {"quantity", "quantity_decimal"}:
        params = {**params, **_same_way(item)}
    if not {"quantity", "quantity_decimal", "amount"} & params.keys():
        params = {**params, "quantity_decimal": item["quantity_decimal"]}
    terms = new_terms(work, params, item["currency"])
    if terms["currency"] != item["currency"]:
        raise InvalidRequest(f"The invoice item is in {item['currency']}.", param="currency")
    return {name: value for name, value in terms.items() if name != "description" or "pricing" in params}


def one_time_price(work: Work, price_id: str, param: str) -> Obj:
    """The price that the parameter `param` names; InvalidRequest for a recurring or an archived one."""
    price = work.read("price", price_id, param=param)
    if price["type"] != "one_time":
        raise InvalidRequest(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param=param,
        )
    if not price["active"]:
        raise InvalidRequest("The price specified is inactive. This field only accepts active prices.", param=param)
    return price


def period_of(params: Obj, now: int) -> Obj:
    """The period that an item is for (UTC seconds); the moment itself when none is given."""
    period: Obj = params.get("period", {"start": now, "end": now})
    if period["end"] < period["start"]:
        raise InvalidRequest("The end of the period must not be before its start.", param="period[end]")
    return {"end": period["end"], "start": period["start"]}


def _same_way(item: Obj) -> Obj:
    pricing = item["pricing"]
    if "price_details" in pricing:
        return {"pricing": {"price": pricing["price_details"]["price"]}}
    return {"unit_amount_decimal": pricing["unit_amount_decimal"]}


def _quantity(params: Obj) -> Decimal:
    if "quantity" in params:
        return non_negative(Decimal(params["quantity"]), "quantity")
    return non_negative(Decimal(params.get("quantity_decimal", "1")), "quantity_decimal")


def _price(work: Work, params: Obj) -> Obj:
    if "price_data" in params:
        return prices.inline(work, params["price_data"], "price_data", may_credit=True)
    pricing: Any = params["pricing"]
    if "price" not in pricing:
        raise InvalidRequest(
            "Missing required param: pricing[price].", code="parameter_missing", param="pricing[price]"
        )
    return one_time_price(work, pricing["price"], "pricing[price]")


def _currency_of(price: Obj, params: Obj, known: str | None) -> str:
    wanted = currency_code(params["currency"]) if "currency" in params else known
    offers = price["_"]["currency_options"]
    if wanted is not None and ("currency" in params or wanted in offers):
        return wanted
    return str(price["currency"])


def priced_terms(work: Work, price: Obj, quantity: Decimal, currency: str) -> Obj:
    """The keys of `new_terms` for so many of a price; InvalidRequest when it is not offered in the currency."""
    unit = terms_in(price, currency)["unit_amount_decimal"]
    return {
        "amount": amount_of(price, quantity, currency),
        "currency": currency,
        "description": work.read("product", price["product"])["name"],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": unit,
        },
        **_quantities(quantity),
    }


def _plain(params: Obj, quantity: Decimal, currency: str) -> Obj:
    if "amount" in params:
        amount = whole_amount(params["amount"], currency, param="amount")
        unit = Decimal(amount)
    else:
        unit = Decimal(params["unit_amount_decimal"])
        amount = rounded(unit * quantity, currency)
    return {
        "amount": amount,
        "currency": currency,
        "description": None,
        "pricing": {"type": "price_details", "unit_amount_decimal": decimal_text(unit)},
        **_quantities(quantity),
    }


def _quantities(quantity: Decimal) -> Obj:
    """The integer cuts decimals off, the decimal keeps them."""
    return {"quantity": int(quantity), "quantity_decimal": decimal_text(quantity)}
