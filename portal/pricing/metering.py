"""What usage beyond the included quantity costs: packages and tiers, in whole minor units of one currency."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from portal import money

_EXACT = Context(prec=100)
Mode = Literal["graduated", "volume"]


class Tier(NamedTuple):
    """Units up to ``up_to`` (``None``: all the rest) at ``unit_amount`` minor units each, and ``flat_amount`` once.

    ``up_to`` counts packages beyond the included quantity, from the first one, as Stripe's tiers do.
    """

    up_to: Decimal | None
    unit_amount: Decimal
    flat_amount: int = 0


class Rate(NamedTuple):
    """How what is beyond is priced in one currency. A unit is a package of ``package_size``; a begun one is whole."""

    mode: Mode
    tiers: tuple[Tier, ...]
    package_size: Decimal = Decimal(1)


class TierPart(NamedTuple):
    """Units of one tier: after ``from_units`` up to ``to_units``, times the unit's price, and the flat amount."""

    from_units: Decimal
    to_units: Decimal
    unit_amount: Decimal
    flat_amount: int
    amount: Decimal

    @property
    def units(self) -> Decimal:
        return self.to_units - self.from_units


class Metered(NamedTuple):
    """What a quantity costs and why: ``quantity`` less ``included`` is ``beyond``, in ``units`` of a package each.

    ``amount``: minor units, the exact sum of ``parts``, times ``share``, rounded once, half up.
    """

    quantity: Decimal
    included: Decimal | None
    beyond: Decimal
    units: Decimal
    parts: tuple[TierPart, ...]
    amount: int
    share: Fraction = Fraction(1)


class BadTiers(ValueError):
    """Tiers that are no price: none, not rising, without an end, negative."""


def rate(mode: Mode, tiers: Sequence[Mapping[str, Any]], package_size: Decimal = Decimal(1)) -> Rate:
    """Read tiers as they are stored: ``up_to``, ``unit_amount_decimal``, ``flat_amount``, texts or whole numbers.

    Raises :class:`BadTiers`. The last tier has no end; ``up_to`` rises from tier to tier.
    """
    read = tuple(_tier(tier) for tier in tiers)
    if not read or read[-1].up_to is not None or package_size <= 0:
        raise BadTiers
    last = Decimal(0)
    for tier in read[:-1]:
        if tier.up_to is None or tier.up_to <= last:
            raise BadTiers
        last = tier.up_to
    if any(not tier.unit_amount.is_finite() or tier.unit_amount < 0 or tier.flat_amount < 0 for tier in read):
        raise BadTiers
    return Rate(mode, read, package_size)


def price(
    quantity: Decimal, included: Decimal | None, rate: Rate | None, currency: str, share: Fraction = Fraction(1)
) -> Metered:
    """What ``quantity`` costs beyond ``included`` (``None``: all is included; no ``rate``: nothing is sold).

    ``share``: of the price that is due, for a level that was held for a part of the period only.

    Graduated tiers price each unit by the tier that it falls in; volume tiers price all units by the tier of the last
    one; a tier's flat amount is due once a unit falls in it (docs.stripe.com/products-prices/pricing-models). With no
    unit beyond nothing is due.
    """
    with localcontext(_EXACT):
        beyond = Decimal(0) if included is None else max(quantity - included, Decimal(0))
        if rate is None or not beyond:
            return Metered(quantity, included, beyond, Decimal(0), (), 0, share)
        units = beyond if rate.package_size == 1 else _whole(beyond / rate.package_size)
        parts = _graduated(units, rate.tiers) if rate.mode == "graduated" else _volume(units, rate.tiers)
        step = money.smallest_charge_step(currency)
        exact = sum((part.amount for part in parts), Decimal(0)) * share.numerator / share.denominator
        amount = step * money.round_half_up(exact / step)
        return Metered(quantity, included, beyond, units, parts, amount, share)


def part_of(included: Decimal, share: Fraction, decimals: int) -> Decimal:
    """The share of an included quantity, rounded up to so many decimals, in the customer's favour."""
    if share == 1:
        return included
    with localcontext(_EXACT):
        exact = included * share.numerator / share.denominator
        return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING)


def _graduated(units: Decimal, tiers: Sequence[Tier]) -> tuple[TierPart, ...]:
    parts, reached = [], Decimal(0)
    for tier in tiers:
        end = units if tier.up_to is None else min(tier.up_to, units)
        parts.append(_part(reached, end, tier))
        reached = end
        if reached == units:
            break
    return tuple(parts)


def _volume(units: Decimal, tiers: Sequence[Tier]) -> tuple[TierPart, ...]:
    tier = next(tier for tier in tiers if tier.up_to is None or units <= tier.up_to)
    return (_part(Decimal(0), units, tier),)


def _part(start: Decimal, end: Decimal, tier: Tier) -> TierPart:
    return TierPart(start, end, tier.unit_amount, tier.flat_amount, (end - start) * tier.unit_amount + tier.flat_amount)


def _whole(units: Decimal) -> Decimal:
    return units.to_integral_value(ROUND_CEILING)


def _tier(stored: Mapping[str, Any]) -> Tier:
    try:
        up_to = stored.get("up_to")
        return Tier(
            None if up_to is None else Decimal(str(up_to)),
            Decimal(str(stored.get("unit_amount_decimal") or 0)),
            int(stored.get("flat_amount") or 0),
        )
    except (ArithmeticError, ValueError) as error:
        raise BadTiers from error
