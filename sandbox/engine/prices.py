"""Prices: per unit, in packages or in tiers; one-time, recurring or metered; in one or more currencies.

What they cost is in pricing.py, what a request says about it in price_terms.py.
"""

from collections.abc import Iterator
from typing import Any

from ..errors import InvalidRequest, modelled
from . import products
from .fields import cleared, merged_metadata, new_metadata, where
from .price_terms import currency_options, scheme_of
from .pricing import amount_of
from .work import Obj, Work, copied

__all__ = ["KIND", "amount_of", "create", "create_product", "inline", "listing", "plan_of", "retrieve", "update"]

KIND = "price"
_KNOWN = {
    "active", "billing_scheme", "currency", "currency_options", "custom_unit_amount", "lookup_key", "metadata",
    "nickname", "product", "product_data", "recurring", "tax_behavior", "tiers", "tiers_mode",
    "transfer_lookup_key", "transform_quantity", "unit_amount", "unit_amount_decimal",
}  # fmt: skip
_UPDATE = {
    "active", "currency_options", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key",
}  # fmt: skip
_LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


def create(work: Work, params: Obj, *, may_credit: bool = False) -> Obj:
    """POST /v1/prices: `unit_amount` in minor units, `unit_amount_decimal` or `tiers`, for a product.

    `may_credit`: the amount may be below zero, as inline prices of invoice items may.
    """
    modelled(params, _KNOWN, "prices")
    scheme = scheme_of(params, may_credit=may_credit)
    recurring = _recurring(work, params.get("recurring"))
    product = _product(work, params)
    lookup_key = _lookup_key(work, params)
    price = {
        "id": work.new_id("price"),
        "object": KIND,
        "active": params.get("active", True),
        "created": work.now,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": lookup_key,
        "metadata": new_metadata(params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "type": "recurring" if recurring else "one_time",
        **scheme,
    }
    work.add(KIND, price)
    work.emit("price.created", price)
    return price


def inline(work: Work, given: Obj, param: str, *, may_credit: bool = False) -> Obj:
    """The price of a `price_data`. It is inactive: it belongs to what it was made for and cannot be bought otherwise.

    InvalidRequest as for any price; its `param` lies below `param`, the path of the data.
    """
    try:
        return create(work, {**given, "active": False}, may_credit=may_credit)
    except InvalidRequest as error:
        if error.param is not None:
            name, bracket, rest = error.param.partition("[")
            error.param = f"{param}[{name}]{bracket}{rest}"
        raise


def create_product(work: Work, params: Obj) -> Obj:
    """POST /v1/products, together with its first price when `default_price_data` is given."""
    product = products.create(work, params)
    if "default_price_data" in params:
        price = create(work, {**params["default_price_data"], "product": product["id"]})
        before = copied(product)
        product["default_price"] = price["id"]
        work.emit_updated("product.updated", before, product)
    return product


def retrieve(work: Work, _params: Obj, price_id: str) -> Obj:
    """GET /v1/prices/{id}."""
    return work.read(KIND, price_id)


def update(work: Work, params: Obj, price_id: str) -> Obj:
    """POST /v1/prices/{id}: the amount, currency and interval of a price never change.

    InvalidRequest when the default price of a product shall be archived.
    """
    modelled(params, _UPDATE, "prices")
    price = work.edit(KIND, price_id)
    before = copied(price)
    if params.get("active") is False and work.read("product", price["product"])["default_price"] == price_id:
        raise InvalidRequest("This price cannot be archived because it is the default price of its product.")
    if "lookup_key" in params:
        price["lookup_key"] = _lookup_key(work, params, own_id=price_id)
    if "tax_behavior" in params:
        _change_tax_behavior(price, params["tax_behavior"])
    if "currency_options" in params:
        _change_currency_options(price, params["currency_options"])
    for name in ("active", "nickname"):
        if name in params:
            price[name] = cleared(params[name])
    price["metadata"] = merged_metadata(price["metadata"], params.get("metadata"))
    if price != before:
        work.emit_updated("price.updated", before, price)
        _refresh_items(work, price)
    return price


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/prices, with `lookup_keys` (at most 10), `product`, `recurring`, `type`."""
    keys = params.get("lookup_keys")
    if keys is not None and len(keys) > 10:
        raise InvalidRequest("You can pass at most 10 lookup_keys.", param="lookup_keys")
    recurring = params.get("recurring", {})
    for price in where(work.all(KIND), params, "active", "currency", "product", "type"):
        if keys is not None and price["lookup_key"] not in keys:
            continue
        if all((price["recurring"] or {}).get(name) == value for name, value in recurring.items()):
            yield price


def plan_of(price: Obj) -> Obj:
    """The legacy `plan` that a subscription item still carries beside its price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def _recurring(work: Work, given: Any) -> Obj | None:
    if given is None:
        return None
    count = given.get("interval_count", 1)
    if not 1 <= count <= _LONGEST[given["interval"]]:
        raise InvalidRequest(
            "Invalid interval_count: a period is at most three years.", param="recurring[interval_count]"
        )
    usage = given.get("usage_type", "licensed")
    return {
        "interval": given["interval"],
        "interval_count": count,
        "meter": _meter(work, given.get("meter"), usage),
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": usage,
    }


def _meter(work: Work, meter_id: str | None, usage: str) -> str | None:
    """The meter of a metered price, which must have one; licensed prices have none."""
    if (meter_id is None) == (usage == "metered"):
        raise InvalidRequest(
            "Prices with `usage_type=metered` must be backed by a meter, and only these.",
            param="recurring[meter]",
        )
    if meter_id is None:
        return None
    meter = work.read("billing.meter", meter_id, param="recurring[meter]")
    if meter["status"] != "active":
        raise InvalidRequest(f"The meter `{meter_id}` is inactive.", param="recurring[meter]")
    return meter_id


def _product(work: Work, params: Obj) -> str:
    if ("product" in params) == ("product_data" in params):
        raise InvalidRequest(
            "Prices require exactly one of `product` or `product_data`.",
            code=None if "product" in params else "parameter_missing",
            param="product",
        )
    if "product_data" in params:
        return str(products.create(work, params["product_data"])["id"])
    return str(work.edit("product", params["product"], param="product")["id"])


def _lookup_key(work: Work, params: Obj, own_id: str | None = None) -> str | None:
    """The key to set. A key of another active price moves only with `transfer_lookup_key`."""
    key: str | None = cleared(params.get("lookup_key"))
    if key is None:
        return None
    if len(key) > 200:
        raise InvalidRequest("A lookup_key has at most 200 characters.", param="lookup_key")
    for other in work.all(KIND):
        if other["lookup_key"] != key or other["id"] == own_id:
            continue
        if not params.get("transfer_lookup_key"):
            raise InvalidRequest(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
        loser = work.edit(KIND, other["id"])
        loser["lookup_key"] = None
        work.emit("price.updated", loser, {"lookup_key": key})
        _refresh_items(work, loser)
    return key


def _refresh_items(work: Work, price: Obj) -> None:
    """Subscription items show their price as it is now."""
    for subscription in list(work.all("subscription")):
        if all(item["price"]["id"] != price["id"] for item in subscription["items"]["data"]):
            continue
        for item in work.edit("subscription", subscription["id"])["items"]["data"]:
            if item["price"]["id"] == price["id"]:
                item.update(price=copied(price), plan=plan_of(price))


def _change_tax_behavior(price: Obj, wanted: str) -> None:
    if price["tax_behavior"] not in ("unspecified", wanted):
        raise InvalidRequest(
            "`tax_behavior` cannot be changed once it is set to inclusive or exclusive.",
            param="tax_behavior",
        )
    price["tax_behavior"] = wanted


def _change_currency_options(price: Obj, given: Any) -> None:
    """Options are set by currency, the others stay; "" removes them all."""
    tiered = price["billing_scheme"] == "tiered"
    new = currency_options(cleared(given), price["currency"], tiered=tiered)
    private = price.setdefault("_", {"tiers": None, "currency_options": {}})
    private["currency_options"] = new if given == "" else {**private["currency_options"], **new}
