"""Promotion codes: words that customers enter, each for one coupon, with restrictions of their own."""

import re
from collections.abc import Iterator
from typing import Any

from ..errors import InvalidRequest, modelled
from . import agenda, coupons
from .fields import merged_metadata, new_metadata, where
from .money import currency_code
from .work import Obj, Work, copied

KIND = "promotion_code"
EXPIRE = "promotion_code.expire"
_KNOWN = {
    "active", "code", "customer", "expires_at", "max_redemptions", "metadata", "promotion", "restrictions",
}  # fmt: skip


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/promotion_codes for a valid coupon; without `code` one is made up.

    InvalidRequest for a code that another active promotion code of the same customer has in any case.
    """
    modelled(params, _KNOWN, "promotion codes")
    coupon = _coupon(work, params["promotion"])
    customer = params.get("customer")
    if customer is not None:
        work.edit("customer", customer, param="customer")
    active = params.get("active", True)
    promotion_code = {
        "id": work.new_id("promo"),
        "object": KIND,
        "active": active,
        "code": _code(work, params.get("code"), customer, active=active),
        "created": work.now,
        "customer": customer,
        "customer_account": None,
        "expires_at": _expiry(work, params.get("expires_at"), coupon),
        "livemode": False,
        "max_redemptions": _most(params.get("max_redemptions"), coupon),
        "metadata": new_metadata(params.get("metadata")),
        "promotion": {"coupon": coupon["id"], "type": "coupon"},
        **_restrictions(params.get("restrictions", {})),
        "times_redeemed": 0,
    }
    work.add(KIND, promotion_code)
    if promotion_code["expires_at"] is not None:
        agenda.put(work, EXPIRE, promotion_code["id"], promotion_code["expires_at"])
    work.emit("promotion_code.created", promotion_code)
    return promotion_code


def retrieve(work: Work, _params: Obj, promotion_code_id: str) -> Obj:
    """GET /v1/promotion_codes/{id}."""
    return work.read(KIND, promotion_code_id)


def update(work: Work, params: Obj, promotion_code_id: str) -> Obj:
    """POST /v1/promotion_codes/{id}: active, metadata, minimum amounts in more currencies.

    InvalidRequest when it shall be active again and is expired or used up, or its coupon is.
    """
    promotion_code = work.edit(KIND, promotion_code_id)
    before = copied(promotion_code)
    if "active" in params:
        if params["active"] and not promotion_code["active"]:
            _check_can_be_active(work, promotion_code)
        promotion_code["active"] = params["active"]
    options = params.get("restrictions", {}).get("currency_options", {})
    promotion_code["_"]["currency_options"].update(_minimum_options(options))
    promotion_code["metadata"] = merged_metadata(promotion_code["metadata"], params.get("metadata"))
    work.emit_updated("promotion_code.updated", before, promotion_code)
    return promotion_code


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/promotion_codes; `code` in any case."""
    code, coupon = params.get("code"), params.get("coupon")
    for found in where(work.all(KIND), params, "active", "customer"):
        if code is not None and found["code"].lower() != code.lower():
            continue
        if coupon in (None, found["promotion"]["coupon"]):
            yield found


def by_code(work: Work, code: str, customer: str | None) -> Obj | None:
    """The active promotion code behind a word that this customer enters, in any case; its own come first."""
    own = [each for each in listing(work, {"code": code, "active": True}) if each["customer"] in (None, customer)]
    return min(own, key=lambda each: each["customer"] is None, default=None)


def redeem(work: Work, promotion_code_id: str) -> Obj:
    """Counts one redemption; the last one that `max_redemptions` allows ends the code."""
    promotion_code = work.edit(KIND, promotion_code_id)
    before = copied(promotion_code)
    promotion_code["times_redeemed"] += 1
    if _is_used_up(promotion_code):
        promotion_code["active"] = False
    work.emit_updated("promotion_code.updated", before, promotion_code)
    return promotion_code


def expire_due(work: Work, promotion_code_id: str) -> None:
    """The agenda's entry at `expires_at`."""
    promotion_code = work.edit(KIND, promotion_code_id)
    before = copied(promotion_code)
    promotion_code["active"] = False
    work.emit_updated("promotion_code.updated", before, promotion_code)


def minimum_in(promotion_code: Obj, currency: str) -> int | None:
    """The least amount of a purchase in a currency (minor units), or None; InvalidRequest: not in that currency."""
    restrictions = promotion_code["restrictions"]
    if restrictions["minimum_amount"] is None:
        return None
    if currency == restrictions["minimum_amount_currency"]:
        own: int = restrictions["minimum_amount"]
        return own
    option = promotion_code["_"]["currency_options"].get(currency)
    if option is None:
        raise InvalidRequest(f"This promotion code has no minimum amount in {currency.upper()}.")
    return int(option["minimum_amount"])


def shown_options(work: Work, promotion_code: Obj) -> Obj:
    """`restrictions` with its `currency_options`, as an expanded answer has it."""
    whole = work.read(KIND, promotion_code["id"])
    own = whole["restrictions"]
    options: Obj = dict(whole["_"]["currency_options"])
    if own["minimum_amount"] is not None:
        options = {own["minimum_amount_currency"]: {"minimum_amount": own["minimum_amount"]}, **options}
    return {**own, "currency_options": options}


def _coupon(work: Work, promotion: Obj) -> Obj:
    if "coupon" not in promotion:
        raise InvalidRequest(
            "Missing required param: promotion[coupon].", code="parameter_missing", param="promotion[coupon]"
        )
    coupon = work.read(coupons.KIND, promotion["coupon"], param="promotion[coupon]")
    if not coupons.is_redeemable(coupon, work.now):
        raise InvalidRequest(f"Coupon expired: {coupon['id']}", code="coupon_expired", param="promotion[coupon]")
    return coupon


def _code(work: Work, given: str | None, customer: str | None, *, active: bool) -> str:
    code = given or work.new_id("promotion").upper()
    if not re.fullmatch(r"[A-Za-z0-9-]{1,500}", code):
        raise InvalidRequest("A promotion code has letters, digits and dashes only.", param="code")
    taken = (each for each in listing(work, {"code": code, "active": True}) if each["customer"] == customer)
    if active and next(taken, None) is not None:
        raise InvalidRequest(f"An active promotion code with `code: {code}` already exists.", param="code")
    return code


def _expiry(work: Work, at: int | None, coupon: Obj) -> int | None:
    if at is None:
        return None
    if at <= work.now:
        raise InvalidRequest("`expires_at` must be in the future.", param="expires_at")
    if coupon["redeem_by"] is not None and at > coupon["redeem_by"]:
        raise InvalidRequest("`expires_at` cannot be after the coupon's `redeem_by`.", param="expires_at")
    return at


def _most(most: int | None, coupon: Obj) -> int | None:
    if most is None:
        return None
    if most < 1:
        raise InvalidRequest("Invalid positive integer", code="parameter_invalid_integer", param="max_redemptions")
    if coupon["max_redemptions"] is not None and most > coupon["max_redemptions"]:
        raise InvalidRequest(
            "`max_redemptions` cannot be greater than the coupon's `max_redemptions`.", param="max_redemptions"
        )
    return most


def _restrictions(given: Obj) -> Obj:
    amount, currency = given.get("minimum_amount"), given.get("minimum_amount_currency")
    if (amount is None) != (currency is None):
        raise InvalidRequest(
            "`minimum_amount` and `minimum_amount_currency` go together.", param="restrictions[minimum_amount]"
        )
    if amount is None and "currency_options" in given:
        raise InvalidRequest("`currency_options` needs `minimum_amount`.", param="restrictions[currency_options]")
    if amount is not None and amount < 1:
        raise InvalidRequest("Invalid positive integer", param="restrictions[minimum_amount]")
    return {
        "restrictions": {
            "first_time_transaction": given.get("first_time_transaction", False),
            "minimum_amount": amount,
            "minimum_amount_currency": None if currency is None else currency_code(currency),
        },
        "_": {"currency_options": _minimum_options(given.get("currency_options", {}))},
    }


def _minimum_options(given: Any) -> Obj:
    return {
        currency_code(name, param=f"restrictions[currency_options][{name}]"): dict(option)
        for name, option in given.items()
    }


def _check_can_be_active(work: Work, promotion_code: Obj) -> None:
    _coupon(work, promotion_code["promotion"])
    expires_at = promotion_code["expires_at"]
    if _is_used_up(promotion_code) or (expires_at is not None and expires_at <= work.now):
        raise InvalidRequest("This promotion code is expired or used up and cannot be active again.", param="active")
    _code(work, promotion_code["code"], promotion_code["customer"], active=True)


def _is_used_up(promotion_code: Obj) -> bool:
    most = promotion_code["max_redemptions"]
    return most is not None and promotion_code["times_redeemed"] >= most
