"""The amounts that a request gives for a price: per unit, in tiers, in other currencies, in packages.

Amounts are minor units, with up to twelve decimals as `..._decimal`.
"""

from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, NotModelled, modelled
from .fields import inside
from .money import currency_code, decimal_text, whole_amount
from .work import Obj

_OPTION = {"tax_behavior", "tiers", "unit_amount", "unit_amount_decimal", "custom_unit_amount"}


def scheme_of(params: Obj, *, may_credit: bool = False) -> Obj:
    """The keys of a price that say how it is billed; `may_credit`: its amount may be below zero.

    InvalidRequest for what does not go together.
    """
    _refuse_custom(params, "")
    currency = currency_code(params["currency"])
    tiered = params.get("billing_scheme") == "tiered"
    if tiered != ("tiers" in params) or tiered != ("tiers_mode" in params):
        raise InvalidRequest(
            "`tiers` and `tiers_mode` are required with `billing_scheme=tiered`, and only allowed with it.",
            param="tiers" if "tiers" not in params else "billing_scheme",
        )
    if tiered and "recurring" not in params:
        raise InvalidRequest("Only recurring prices can be tiered.", param="billing_scheme")
    if tiered and "transform_quantity" in params:
        raise InvalidRequest("`transform_quantity` cannot be combined with tiers.", param="transform_quantity")
    terms = _terms(params, currency, "", tiered=tiered, may_credit=may_credit)
    return {
        "billing_scheme": "tiered" if tiered else "per_unit",
        "currency": currency,
        "tiers_mode": params.get("tiers_mode"),
        "transform_quantity": _packages(params.get("transform_quantity")),
        "unit_amount": terms["unit_amount"],
        "unit_amount_decimal": terms["unit_amount_decimal"],
        "_": {
            "tiers": terms["tiers"],
            "currency_options": currency_options(params.get("currency_options", {}), currency, tiered=tiered),
        },
    }


def currency_options(given: Any, own: str, *, tiered: bool) -> Obj:
    """The price's terms in other currencies, by currency; its own currency is refused there."""
    options: Obj = {}
    for name, option in (given or {}).items():
        path = f"currency_options[{name}]"
        modelled(option, _OPTION, path)
        code = currency_code(name, param=path)
        if code == own:
            raise InvalidRequest("`currency_options` must not name the price's own currency.", param=path)
        _refuse_custom(option, path)
        options[code] = _terms(option, code, path, tiered=tiered)
    return options


def shown_options(price: Obj, *, with_tiers: bool = False) -> Obj:
    """`currency_options` as an answer shows it when it is expanded, the price's own currency included."""
    private = price.get("_") or {"tiers": None, "currency_options": {}}
    own = {
        **{name: price[name] for name in ("tax_behavior", "unit_amount", "unit_amount_decimal")},
        "tiers": private["tiers"],
    }
    shown: Obj = {}
    for code, terms in {price["currency"]: own, **private["currency_options"]}.items():
        shown[code] = {"custom_unit_amount": None, **terms}
        if not with_tiers or terms["tiers"] is None:
            del shown[code]["tiers"]
    return shown


def _terms(given: Obj, currency: str, path: str, *, tiered: bool, may_credit: bool = False) -> Obj:
    terms: Obj = {"tax_behavior": given.get("tax_behavior", "unspecified"), "tiers": None}
    if tiered:
        if "unit_amount" in given or "unit_amount_decimal" in given:
            raise InvalidRequest("Tiered prices have their amounts in `tiers`.", param=inside(path, "unit_amount"))
        tiers = _tiers(given.get("tiers", []), currency, inside(path, "tiers"))
        return {**terms, "tiers": tiers, "unit_amount": None, "unit_amount_decimal": None}
    amount = _amount(given, "unit_amount", currency, path, may_credit=may_credit)
    if amount is None:
        raise InvalidRequest(
            "Prices require exactly one of `unit_amount` or `unit_amount_decimal`.",
            code="parameter_missing",
            param=inside(path, "unit_amount"),
        )
    return {**terms, **_both("unit_amount", amount)}


def _tiers(given: list[Obj], currency: str, path: str) -> list[Obj]:
    if not given or given[-1]["up_to"] != "inf":
        raise InvalidRequest("The last tier must have `up_to=inf`.", param=path)
    tiers, below = [], 0
    for index, tier in enumerate(given):
        here = f"{path}[{index}]"
        end = None if tier["up_to"] == "inf" else int(tier["up_to"])
        if (end is None) != (index == len(given) - 1) or (end is not None and end <= below):
            raise InvalidRequest("Tiers must be in ascending order of `up_to`, the last one `inf`.", param=here)
        unit, flat = _amount(tier, "unit_amount", currency, here), _amount(tier, "flat_amount", currency, here)
        if unit is None and flat is None:
            raise InvalidRequest("A tier needs a `unit_amount` or a `flat_amount`.", param=here)
        tiers.append({**_both("flat_amount", flat), **_both("unit_amount", unit), "up_to": end})
        below = end or below
    return tiers


def _amount(given: Obj, name: str, currency: str, path: str, *, may_credit: bool = False) -> Decimal | None:
    named = [each for each in (name, f"{name}_decimal") if each in given]
    if not named:
        return None
    param = inside(path, named[-1])
    if len(named) == 2:
        raise InvalidRequest(f"You may only specify one of these parameters: {', '.join(named)}.", param=param)
    amount = Decimal(str(given[named[0]]))
    if amount < 0 and not may_credit:
        raise InvalidRequest("Invalid non-negative integer", param=param)
    if -int(amount.as_tuple().exponent) > 12:
        raise InvalidRequest("At most 12 decimal places are allowed.", param=param)
    if named[0] == name:
        whole_amount(int(amount), currency, param=param)
    return amount


def _both(name: str, amount: Decimal | None) -> Obj:
    """An amount under its two names: as an integer where it is one, and as a decimal."""
    if amount is None:
        return {name: None, f"{name}_decimal": None}
    whole = int(amount) if amount == amount.to_integral_value() else None
    return {name: whole, f"{name}_decimal": decimal_text(amount)}


def _packages(given: Obj | None) -> Obj | None:
    if given is not None and given["divide_by"] < 1:
        raise InvalidRequest("`divide_by` must be at least 1.", param="transform_quantity[divide_by]")
    return given


def _refuse_custom(given: Obj, path: str) -> None:
    if given.get("custom_unit_amount", {}).get("enabled"):
        raise NotModelled("amounts that the customer chooses", param=inside(path, "custom_unit_amount"))
