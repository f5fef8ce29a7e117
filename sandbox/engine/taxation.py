"""Taxes on plain lines, apart from objects: what each rate charges on each line.

Rounded per line and rate, half up, and only then added up: 0.43 and 4.84 at 15 % are 0.06 and 0.73, together
0.79 (stripe.md §5.12). An exclusive rate comes on top of the amount; an inclusive one is part of it. Where a
line has both, the exclusive one is taken of the amount without the inclusive ones (assumed), and several
inclusive rates share one base (assumed). Credits have negative taxes, rounded alike.

Amounts are integers of minor units after discounts, percentages decimals with up to four places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from .money import rounded

Exemption = Literal["none", "exempt", "reverse"]
_REASONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate: its id, percentage (0 to 100), whether prices already contain it, and Stripe's word for why.

    Rates that were set by hand are "not_available" (assumed).
    """

    id: str
    percentage: Decimal
    inclusive: bool
    reason: str = "not_available"


@dataclass(frozen=True, slots=True)
class Tax:
    """What one rate charges: `amount` of tax on the base `taxable`, with Stripe's reason."""

    rate: str
    amount: int
    taxable: int
    inclusive: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Taxed:
    """The result: taxes per line key, in the order of its rates, and per rate over all lines."""

    lines: dict[str, list[Tax]]
    totals: list[Tax]

    @property
    def exclusive(self) -> int:
        """What comes on top of the lines."""
        return sum(tax.amount for tax in self.totals if not tax.inclusive)

    @property
    def inclusive(self) -> int:
        """What the lines contain already."""
        return sum(tax.amount for tax in self.totals if tax.inclusive)


def apply(
    lines: Sequence[tuple[str, int]],
    rates_per_line: Mapping[str, Sequence[Rate]],
    exempt: Exemption = "none",
    *,
    currency: str,
) -> Taxed:
    """The taxes of (key, amount after discounts) lines. A line without rates has none.

    `exempt` is the customer's `tax_exempt`: "exempt" and "reverse" make every tax 0, with the reason named; an
    amount that contains tax stays as it is (assumed).
    """
    taxed = {key: _of_line(amount, rates_per_line.get(key, ()), exempt, currency) for key, amount in lines}
    return Taxed(taxed, _summed(taxed))


def _of_line(amount: int, rates: Sequence[Rate], exempt: Exemption, currency: str) -> list[Tax]:
    if exempt != "none":
        return [Tax(rate.id, 0, 0, rate.inclusive, _REASONS[exempt]) for rate in rates]
    inside = sum(Fraction(rate.percentage) for rate in rates if rate.inclusive)
    base = Fraction(amount) * 100 / (100 + inside)
    contained = {rate.id: rounded(base * Fraction(rate.percentage) / 100, currency) for rate in rates if rate.inclusive}
    net = amount - sum(contained.values())
    return [
        Tax(
            rate.id,
            contained[rate.id] if rate.inclusive else rounded(net * Fraction(rate.percentage) / 100, currency),
            net,
            rate.inclusive,
            rate.reason,
        )
        for rate in rates
    ]


def _summed(taxed: Mapping[str, Sequence[Tax]]) -> list[Tax]:
    totals: dict[str, Tax] = {}
    for taxes in taxed.values():
        for tax in taxes:
            so_far = totals.get(tax.rate)
            if so_far is None:
                totals[tax.rate] = tax
            else:
                totals[tax.rate] = Tax(
                    tax.rate, so_far.amount + tax.amount, so_far.taxable + tax.taxable, tax.inclusive, tax.reason
                )
    return list(totals.values())
