"""Prices: per-unit amounts, one-time or recurring. Tiers and metered usage are not modelled yet."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, NotModelled, modelled
from . import products
from .fields import cleared, merged_metadata, new_metadata, where
from .money import currency_code, decimal_text, rounded
from .work import Obj, Work, copied

KIND = "price"
_KNOWN = {
    "active", "billing_scheme", "currency", "lookup_key", "metadata", "nickname", "product",
    "product_data", "recurring", "tax_behavior", "transfer_lookup_key", "unit_amount",
    "unit_amount_decimal",
}  # fmt: skip
_LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/prices: `unit_amount` in minor units or `unit_amount_decimal`, for a product."""
    modelled(params, _KNOWN, "prices")
    if params.get("billing_scheme") == "tiered":
        raise NotModelled("tiered prices", param="billing_scheme")
    amount = _unit_amount(params)
    recurring = _recurring(params.get("recurring"))
    product = _product(work, params)
    lookup_key = _lookup_key(work, params)
    price = {
        "id": work.new_id("price"),
        "object": KIND,
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": work.now,
        "currency": currency_code(params["currency"]),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": lookup_key,
        "metadata": new_metadata(params.get("metadata")),
        "nickname": params.get("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": int(amount) if amount == amount.to_integral_value() else None,
        "unit_amount_decimal": decimal_text(amount),
    }
    work.add(KIND, price)
    work.emit("price.created", price)
    return price


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
    """POST /v1/prices/{id}: the amount, currency and interval of a price never change."""
    modelled(
        params,
        {"active", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key"},
        "prices",
    )
    price = work.edit(KIND, price_id)
    before = copied(price)
    if "lookup_key" in params:
        price["lookup_key"] = _lookup_key(work, params, own_id=price_id)
    if "tax_behavior" in params:
        _change_tax_behavior(price, params["tax_behavior"])
    for name in ("active", "nickname"):
        if name in params:
            price[name] = cleared(params[name])
    price["metadata"] = merged_metadata(price["metadata"], params.get("metadata"))
    work.emit_updated("price.updated", before, price)
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


def amount_of(price: Obj, quantity: int) -> int:
    """Price times quantity, rounded once, in minor units."""
    return rounded(Decimal(price["unit_amount_decimal"]) * quantity)


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
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def _unit_amount(params: Obj) -> Decimal:
    given = [name for name in ("unit_amount", "unit_amount_decimal") if name in params]
    if len(given) != 1:
        raise InvalidRequest(
            "Prices require exactly one of `unit_amount` or `unit_amount_decimal`.",
            code=None if given else "parameter_missing",
            param="unit_amount",
        )
    amount = Decimal(str(params[given[0]]))
    if amount < 0:
        raise InvalidRequest("Invalid non-negative integer", param=given[0])
    if -int(amount.as_tuple().exponent) > 12:
        raise InvalidRequest("At most 12 decimal places are allowed.", param=given[0])
    return amount


def _recurring(given: Any) -> Obj | None:
    if given is None:
        return None
    modelled(given, {"interval", "interval_count", "trial_period_days", "usage_type"}, "recurring")
    if given.get("usage_type", "licensed") != "licensed":
        raise NotModelled("metered prices", param="recurring[usage_type]")
    count = given.get("interval_count", 1)
    if not 1 <= count <= _LONGEST[given["interval"]]:
        raise InvalidRequest(
            "Invalid interval_count: a period is at most three years.", param="recurring[interval_count]"
        )
    return {
        "interval": given["interval"],
        "interval_count": count,
        "meter": None,
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": "licensed",
    }


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
    return key


def _change_tax_behavior(price: Obj, wanted: str) -> None:
    if price["tax_behavior"] not in ("unspecified", wanted):
        raise InvalidRequest(
            "`tax_behavior` cannot be changed once it is set to inclusive or exclusive.",
            param="tax_behavior",
        )
    price["tax_behavior"] = wanted
