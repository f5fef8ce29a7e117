"""Prorations to the second, apart from objects: what the time left of a period costs and gives back.

A change within a period bills the new price for the time that is left (a debit), and in flexible billing mode
gives back the same share of each debit that was billed for that time (a credit): of what was billed, not of
what the price costs today. Discounts are shared out like the amounts they lower, so that a credit returns a
debit's discounts too; the tax rates of a debit are those of its credit (assumed; their tax is rounded per line
by taxation.py, as for every line).

Amounts are integers of minor units, times UTC seconds. Rounded once, half up, by money.py (the direction is
assumed). Source: docs.stripe.com/billing/subscriptions/prorations and .../billing-mode/compare.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from .money import rounded


@dataclass(frozen=True, slots=True)
class Share:
    """A part of an amount: `amount` before discounts, `discounts` by discount id, both of the same sign.

    `net` is what `proration_discounts: included` shows as the line's amount; `itemized` shows the other two.
    """

    amount: int
    discounts: tuple[tuple[str, int], ...] = ()

    @property
    def net(self) -> int:
        """The amount after its discounts."""
        return self.amount - sum(amount for _, amount in self.discounts)


@dataclass(frozen=True, slots=True)
class Debit:
    """A line that was billed for the period [start, end). `key` is the caller's name for it.

    `amount` is before discounts, `discounts` what each of them took off, `tax_rates` ids.
    """

    key: str
    amount: int
    start: int
    end: int
    discounts: tuple[tuple[str, int], ...] = ()
    tax_rates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credit:
    """What the debit named `of` gives back for [start, end): a share with negative amounts."""

    of: str
    share: Share
    start: int
    end: int
    tax_rates: tuple[str, ...] = ()


def time_left(at: int, start: int, end: int) -> Fraction:
    """Which part of the period [start, end) is left at a time, exactly: 1 before it, 0 from its end on."""
    if at >= end:
        return Fraction(0)
    return Fraction(end - max(at, start), end - start)


def debit(full: Decimal | int, part: Fraction, currency: str, discounts: Iterable[tuple[str, int]] = ()) -> Share:
    """What a price costs for a part of its period.

    `full` is price times quantity for the whole period, before discounts and not yet rounded; `discounts` is
    what each discount takes off the whole period.
    """
    return _part(Fraction(full), tuple(discounts), part, currency)


def credit(billed: Debit, at: int, currency: str) -> Credit | None:
    """What a billed line gives back from `at` on; None when nothing is left of its period."""
    part = time_left(at, billed.start, billed.end)
    if part == 0:
        return None
    back = _part(Fraction(-billed.amount), tuple((key, -off) for key, off in billed.discounts), part, currency)
    return Credit(billed.key, back, max(at, billed.start), billed.end, billed.tax_rates)


def credits_of(billed: Iterable[Debit], at: int, currency: str) -> list[Credit]:
    """One credit for each billed line that has time left, in their order.

    The caller leaves out what was credited already: a debit gives back the rest of its time once.
    """
    found = (credit(line, at, currency) for line in billed)
    return [each for each in found if each is not None]


def _part(full: Fraction, discounts: tuple[tuple[str, int], ...], part: Fraction, currency: str) -> Share:
    return Share(
        rounded(full * part, currency),
        tuple((key, rounded(off * part, currency)) for key, off in discounts),
    )
