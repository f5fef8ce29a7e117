"""What a quantity of a price costs, apart from the store: per unit, in packages, in tiers.

A price is its stored object; what Stripe shows only when expanded is in its compartment `_`: `tiers` and
`currency_options` (see work.shown). Quantities are integers or, for metered usage, decimals; amounts are minor
units. Every part is rounded once (money.rounded), because each becomes a line of its own.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeAlias

from ..errors import InvalidRequest
from .money import rounded
from .work import Obj

Quantity: TypeAlias = int | Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the bill: `quantity` units at `unit_amount` (minor units, with decimals) make `amount`.

    `tier` counts from 1, None for prices without tiers; `flat`: the tier's flat amount instead of its units.
    """

    quantity: Decimal
    unit_amount: Decimal
    exact: Decimal
    amount: int
    tier: int | None = None
    flat: bool = False


def parts_of(price: Obj, quantity: Quantity, currency: str | None = None) -> list[Part]:
    """The lines that bill this quantity, at least one. In another currency of the price when one is given.

    Graduated tiers: each tier that the quantity reaches bills its own units and its flat amount. Volume tiers:
    the tier that the whole quantity falls into bills all units. At quantity 0 the first tier's flat amount is
    due (assumed). InvalidRequest when the price has no such currency.
    """
    terms = terms_in(price, currency)
    code = currency or price["currency"]
    amount = Decimal(quantity)
    if price["billing_scheme"] == "per_unit":
        return [_part(_transformed(price, amount), Decimal(terms["unit_amount_decimal"]), code, shown=amount)]
    tiers = (
        _graduated(terms["tiers"], amount) if price["tiers_mode"] == "graduated" else _volume(terms["tiers"], amount)
    )
    parts = [part for number, tier, units in tiers for part in _of_tier(number, tier, units, code)]
    return parts or [_part(Decimal(0), Decimal(terms["tiers"][0]["unit_amount_decimal"] or 0), code, tier=1)]


def amount_of(price: Obj, quantity: Quantity, currency: str | None = None) -> int:
    """What a quantity costs, in minor units; see `parts_of`."""
    return sum(part.amount for part in parts_of(price, quantity, currency))


def exact_amount(price: Obj, quantity: Quantity, currency: str | None = None) -> Decimal:
    """What a quantity costs before rounding: what a proration takes its share of."""
    return sum((part.exact for part in parts_of(price, quantity, currency)), Decimal(0))


def terms_in(price: Obj, currency: str | None) -> Obj:
    """`unit_amount`, `unit_amount_decimal`, `tax_behavior` and `tiers` of the price in a currency."""
    private = price.get("_", {})
    if currency in (None, price["currency"]):
        return {**price, "tiers": private.get("tiers")}
    options = private.get("currency_options", {})
    if currency not in options:
        raise InvalidRequest(
            f"The price `{price['id']}` is not available in the currency {currency}; it is in {price['currency']}.",
            param="currency",
        )
    found: Obj = options[currency]
    return found


def _transformed(price: Obj, quantity: Decimal) -> Decimal:
    packages = price["transform_quantity"]
    if packages is None:
        return quantity
    rounding = ROUND_CEILING if packages["round"] == "up" else ROUND_FLOOR
    return (quantity / Decimal(packages["divide_by"])).to_integral_value(rounding=rounding)


def _graduated(tiers: list[Obj], quantity: Decimal) -> list[tuple[int, Obj, Decimal]]:
    reached, below = [], Decimal(0)
    for number, tier in enumerate(tiers, start=1):
        top = quantity if tier["up_to"] is None else min(quantity, Decimal(tier["up_to"]))
        reached.append((number, tier, max(top - below, Decimal(0))))
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            break
        below = Decimal(tier["up_to"])
    return reached


def _volume(tiers: list[Obj], quantity: Decimal) -> list[tuple[int, Obj, Decimal]]:
    for number, tier in enumerate(tiers, start=1):
        if tier["up_to"] is None or quantity <= tier["up_to"]:
            return [(number, tier, quantity)]
    raise ValueError("the last tier has no end")


def _of_tier(number: int, tier: Obj, units: Decimal, currency: str) -> list[Part]:
    parts = []
    if units and tier["unit_amount_decimal"] is not None:
        parts.append(_part(units, Decimal(tier["unit_amount_decimal"]), currency, tier=number))
    if tier["flat_amount_decimal"] is not None and Decimal(tier["flat_amount_decimal"]):
        parts.append(_part(Decimal(1), Decimal(tier["flat_amount_decimal"]), currency, tier=number, flat=True))
    return parts


def _part(
    billed: Decimal,
    unit_amount: Decimal,
    currency: str,
    *,
    shown: Decimal | None = None,
    tier: int | None = None,
    flat: bool = False,
) -> Part:
    exact = billed * unit_amount
    return Part(billed if shown is None else shown, unit_amount, exact, rounded(exact, currency), tier, flat)
