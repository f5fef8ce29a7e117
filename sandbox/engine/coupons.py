"""Coupons: what a discount takes off, how long, and how often it may be redeemed.

`applies_to` and `currency_options` appear only when expanded and are kept in the compartment `_`. The terms
of a coupon never change, so a discount copies them (discounts.py) and outlives a deleted coupon.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest
from . import agenda
from .fields import merged_metadata, new_metadata, where
from .money import currency_code, whole_amount
from .work import Obj, Work, copied

KIND = "coupon"
# Coupons that are gone, for the discounts that still name them.
DELETED = "_deleted_coupon"
EXPIRE = "coupon.expire"
_LONGEST_REDEMPTION = 5 * 366 * 86400


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/coupons: `percent_off` (at most two decimals) or `amount_off` with `currency` (minor units).

    InvalidRequest for what does not fit together, resource_already_exists for a taken id.
    """
    coupon_id = params.get("id") or work.new_id("coupon")
    if work.find(KIND, coupon_id) is not None:
        raise InvalidRequest("Coupon already exists.", code="resource_already_exists", param="id")
    coupon = {
        "id": coupon_id,
        "object": KIND,
        **_terms(params),
        **_window(work, params),
        "created": work.now,
        "livemode": False,
        "metadata": new_metadata(params.get("metadata")),
        "name": _name(params),
        "times_redeemed": 0,
        "valid": True,
        "_": {"applies_to": _products(work, params), "currency_options": _options(params)},
    }
    work.add(KIND, coupon)
    if coupon["redeem_by"] is not None:
        agenda.put(work, EXPIRE, coupon_id, coupon["redeem_by"])
    work.emit("coupon.created", coupon)
    return coupon


def retrieve(work: Work, _params: Obj, coupon_id: str) -> Obj:
    """GET /v1/coupons/{id}."""
    return work.read(KIND, coupon_id)


def update(work: Work, params: Obj, coupon_id: str) -> Obj:
    """POST /v1/coupons/{id}: name, metadata, and amounts in currencies that it does not have yet."""
    coupon = work.edit(KIND, coupon_id)
    before = copied(coupon)
    if "name" in params:
        coupon["name"] = _name(params)
    if "currency_options" in params:
        _add_options(coupon, params)
    coupon["metadata"] = merged_metadata(coupon["metadata"], params.get("metadata"))
    work.emit_updated("coupon.updated", before, coupon)
    return coupon


def delete(work: Work, _params: Obj, coupon_id: str) -> Obj:
    """DELETE /v1/coupons/{id}: it can be redeemed no more; discounts that it made stay."""
    coupon = work.edit(KIND, coupon_id)
    work.emit("coupon.deleted", coupon)
    _end_codes(work, coupon_id)
    agenda.drop(work, EXPIRE, coupon_id)
    work.remove(KIND, coupon_id)
    work.add(DELETED, {**coupon, "valid": False})
    return {"id": coupon_id, "object": KIND, "deleted": True}


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/coupons."""
    return where(work.all(KIND), params)


def redeem(work: Work, coupon_id: str) -> Obj:
    """Counts one redemption; the last one that `max_redemptions` allows makes the coupon invalid."""
    coupon = work.edit(KIND, coupon_id)
    before = copied(coupon)
    coupon["times_redeemed"] += 1
    if coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]:
        coupon["valid"] = False
    work.emit_updated("coupon.updated", before, coupon)
    if not coupon["valid"]:
        _end_codes(work, coupon_id)
    return coupon


def expire_due(work: Work, coupon_id: str) -> None:
    """The agenda's entry at `redeem_by`: the coupon and its promotion codes cannot be redeemed any more."""
    coupon = work.edit(KIND, coupon_id)
    before = copied(coupon)
    coupon["valid"] = False
    work.emit_updated("coupon.updated", before, coupon)
    _end_codes(work, coupon_id)


def is_redeemable(coupon: Obj, now: int) -> bool:
    """Whether it can be redeemed at that time, which may be a test clock's (UTC seconds)."""
    return bool(coupon["valid"] and (coupon["redeem_by"] is None or now <= coupon["redeem_by"]))


def amount_off_in(coupon: Obj, currency: str) -> int | None:
    """What a coupon of a fixed amount takes off in a currency (minor units); None: not in that currency."""
    if coupon["currency"] == currency:
        own: int = coupon["amount_off"]
        return own
    option = coupon.get("_", {}).get("currency_options", {}).get(currency)
    return None if option is None else int(option["amount_off"])


def shown_products(work: Work, coupon: Obj) -> Obj | None:
    """`applies_to` as an expanded answer has it; None when the coupon is for everything."""
    products = _whole(work, coupon)["_"]["applies_to"]
    return None if products is None else {"products": products}


def shown_options(work: Work, coupon: Obj) -> Obj | None:
    """`currency_options` as an expanded answer has it, with the coupon's own currency; None for percentages."""
    if coupon["amount_off"] is None:
        return None
    own = {coupon["currency"]: {"amount_off": coupon["amount_off"]}}
    return {**own, **_whole(work, coupon)["_"]["currency_options"]}


def _whole(work: Work, coupon: Obj) -> Obj:
    return work.find(KIND, coupon["id"]) or work.read(DELETED, coupon["id"])


def _end_codes(work: Work, coupon_id: str) -> None:
    """A promotion code is active only as long as its coupon is valid."""
    for code in list(work.all("promotion_code")):
        if code["active"] and code["promotion"]["coupon"] == coupon_id:
            ended = work.edit("promotion_code", code["id"])
            ended["active"] = False
            work.emit("promotion_code.updated", ended, {"active": True})


def _terms(params: Obj) -> Obj:
    if ("percent_off" in params) == ("amount_off" in params):
        raise InvalidRequest(
            "You must pass either `percent_off` or `amount_off`, and not both.", code="parameter_missing"
        )
    terms: Obj = {"amount_off": None, "currency": None, "percent_off": None}
    if "percent_off" in params:
        if "currency_options" in params:
            raise InvalidRequest("`currency_options` needs `amount_off`.", param="currency_options")
        return {**terms, "percent_off": _percentage(params["percent_off"])}
    if "currency" not in params:
        raise InvalidRequest("Missing required param: currency.", code="parameter_missing", param="currency")
    currency = currency_code(params["currency"])
    return {**terms, "amount_off": _amount(params["amount_off"], currency, "amount_off"), "currency": currency}


def _percentage(given: float) -> float:
    exact = Decimal(str(given))
    if not 0 < exact <= 100:
        raise InvalidRequest("`percent_off` must be larger than 0 and at most 100.", param="percent_off")
    if exact != exact.quantize(Decimal("0.01")):
        raise InvalidRequest("`percent_off` has at most two decimal places.", param="percent_off")
    return given


def _amount(given: int, currency: str, param: str) -> int:
    if given < 1:
        raise InvalidRequest("Invalid positive integer", code="parameter_invalid_integer", param=param)
    return whole_amount(given, currency, param=param)


def _window(work: Work, params: Obj) -> Obj:
    """How long a discount lasts and when and how often it can be had."""
    duration, months = params.get("duration", "once"), params.get("duration_in_months")
    if (duration == "repeating") != (months is not None) or (months is not None and months < 1):
        raise InvalidRequest(
            "`duration_in_months` must be a positive integer with `duration=repeating`, and only then.",
            param="duration_in_months",
        )
    most, until = params.get("max_redemptions"), params.get("redeem_by")
    if most is not None and most < 1:
        raise InvalidRequest("Invalid positive integer", code="parameter_invalid_integer", param="max_redemptions")
    if until is not None and not work.now < until <= work.now + _LONGEST_REDEMPTION:
        raise InvalidRequest("`redeem_by` must be in the future, at most 5 years from now.", param="redeem_by")
    return {"duration": duration, "duration_in_months": months, "max_redemptions": most, "redeem_by": until}


def _name(params: Obj) -> str | None:
    name: str | None = params.get("name")
    if name is not None and len(name) > 40:
        raise InvalidRequest("A coupon's name has at most 40 characters.", param="name")
    return name


def _products(work: Work, params: Obj) -> list[Any] | None:
    products: list[Any] | None = params.get("applies_to", {}).get("products")
    for index, product in enumerate(products or []):
        work.read("product", product, param=f"applies_to[products][{index}]")
    return products or None


def _options(params: Obj) -> Obj:
    options: Obj = {}
    for name, option in params.get("currency_options", {}).items():
        path = f"currency_options[{name}]"
        code = currency_code(name, param=path)
        options[code] = {"amount_off": _amount(option["amount_off"], code, f"{path}[amount_off]")}
    return options


def _add_options(coupon: Obj, params: Obj) -> None:
    if coupon["amount_off"] is None:
        raise InvalidRequest("`currency_options` needs `amount_off`.", param="currency_options")
    new, current = _options(params), {coupon["currency"], *coupon["_"]["currency_options"]}
    if taken := sorted(new.keys() & current):
        raise InvalidRequest(
            f"The coupon has an amount in {taken[0]} already, which cannot be changed.", param="currency_options"
        )
    coupon["_"]["currency_options"].update(new)
