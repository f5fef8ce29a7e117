"""Money: whole minor units and a lower-case ISO 4217 code. No float ever enters or leaves.

An amount is an ``int`` of minor units (cents, yen, fils) beside its currency, as Stripe sends it.
``Decimal`` appears only at the edges: JSON, forms, documents and the arithmetic of prices.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import NamedTuple

# Stripe's list of currencies whose smallest unit is the unit itself (docs.stripe.com/currencies).
# fmt: off
ZERO_DECIMAL = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga",
    "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
})
# fmt: on
# Stripe's list of currencies with a thousandth; the last digit of a charge must be 0.
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# Stripe keeps króna in hundredths although only whole króna can be charged.
WHOLE_UNITS_IN_HUNDREDTHS = frozenset({"isk"})

_CODE = re.compile(r"[a-z]{3}")
# The default context rounds at 28 digits without a word; sums over many tenants must stay exact.
_EXACT = Context(prec=100)


class Amount(NamedTuple):
    """Minor units with their currency, for where one value has to carry both, such as an error's parameter."""

    amount_minor: int
    currency: str


class InvalidAmount(ValueError):
    """An amount or a currency that cannot be money: wrong code, excess digits, not a number."""


def currency_code(text: str) -> str:
    """Return ``text`` as a lower-case ISO code, the only spelling used inside the portal.

    Raises InvalidAmount when it is not three ASCII letters.
    """
    code = text.strip().lower()
    if not _CODE.fullmatch(code):
        raise InvalidAmount(f"not a currency code: {text!r}")
    return code


def exponent(currency: str) -> int:
    """Return how many decimals ``currency`` has at Stripe: 0, 2 or 3."""
    code = currency_code(currency)
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def smallest_charge_step(currency: str) -> int:
    """Return the minor units that every charged amount must be a multiple of (Stripe's special cases)."""
    code = currency_code(currency)
    if code in WHOLE_UNITS_IN_HUNDREDTHS:
        return 100
    return 10 if code in THREE_DECIMAL else 1


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """Return minor units as the exact decimal amount with the currency's digits: 2900 usd → 29.00."""
    if not isinstance(amount_minor, int) or isinstance(amount_minor, bool):
        raise InvalidAmount(f"minor units are whole numbers, not {amount_minor!r}")
    return Decimal(amount_minor).scaleb(-exponent(currency), _EXACT)


def from_decimal(amount: Decimal, currency: str) -> int:
    """Return the minor units of an exact decimal amount: 29.00 usd → 2900.

    Raises InvalidAmount when the amount has more digits than the currency; nothing is rounded silently.
    """
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise InvalidAmount(f"not an exact amount: {amount!r}")
    digits = exponent(currency)
    minor = amount.scaleb(digits, _EXACT)
    if minor != minor.to_integral_value(context=_EXACT):
        raise InvalidAmount(f"{amount} has more than {digits} decimals, too many for {currency.upper()}")
    return int(minor)


def round_half_up(amount: Decimal) -> int:
    """Round a fraction of minor units to whole ones, halves away from zero.

    The only rounding of the portal. Stripe documents half-up for its own fees (0.025 → 0.03); no page
    says it of invoices, so it is assumed there. Away from zero, so that a credit mirrors its charge.
    """
    if not isinstance(amount, Decimal) or not amount.is_finite():
        raise InvalidAmount(f"not an exact amount: {amount!r}")
    return int(amount.to_integral_value(rounding=ROUND_HALF_UP, context=_EXACT))


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split ``total_minor`` in proportion to ``weights``; the parts always add up to the total.

    Every part but that of the largest weight (the first of equals) is rounded half up; the largest takes
    the remainder, where a minor unit is felt least. Raises InvalidAmount for weights that are empty,
    negative or all zero.
    """
    if not weights or min(weights) < 0 or sum(weights) == 0:
        raise InvalidAmount("an amount needs at least one positive weight to be split by")
    whole, largest = sum(weights), max(range(len(weights)), key=lambda at: weights[at])
    with localcontext(_EXACT):
        parts = [round_half_up(Decimal(total_minor * weight) / whole) for weight in weights]
    parts[largest] += total_minor - sum(parts)
    return parts
