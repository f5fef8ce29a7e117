"""What a credit note takes of an invoice's lines, apart from objects: discounts and taxes go in proportion.

Each component is rounded half up, counted from the line's beginning and less what was credited before, so that
notes for all of a line add up to the line exactly (assumed). Amounts are minor units; lines are positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .money import rounded, spread


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a line, or all of it: `gross` before discounts and exclusive taxes; the others per discount, per tax.

    `taxable` is what each tax was taken of.
    """

    gross: int
    discounts: tuple[int, ...]
    taxes: tuple[int, ...]
    taxable: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was billed, which of its taxes are inclusive, and what earlier notes credited of it."""

    whole: Portion
    inclusive: tuple[bool, ...]
    credited: Portion

    def total_of(self, portion: Portion) -> int:
        """What the payer pays for the portion: after discounts, with exclusive taxes."""
        exclusive = sum(tax for tax, inside in zip(portion.taxes, self.inclusive, strict=True) if not inside)
        return portion.gross - sum(portion.discounts) + exclusive

    @property
    def left(self) -> int:
        """The total that can still be credited."""
        return self.total_of(self.whole) - self.total_of(self.credited)


def nothing(like: Portion) -> Portion:
    """No portion at all, with as many discounts and taxes as the other."""
    return Portion(0, (0,) * len(like.discounts), (0,) * len(like.taxes), (0,) * len(like.taxable))


def added(one: Portion, other: Portion) -> Portion:
    """Two portions of one line together."""
    return Portion(one.gross + other.gross, *(_sums(a, b) for a, b in zip(_parts(one), _parts(other), strict=True)))


def by_gross(line: Line, gross: int, currency: str) -> Portion:
    """The portion of that gross amount, at most what is left of the line's."""
    share = Fraction(line.credited.gross + gross, line.whole.gross)
    return Portion(gross, *_others(line, share, currency))


def by_total(line: Line, total: int, currency: str) -> Portion:
    """The portion that comes to exactly this total, at most `line.left`."""
    before = line.total_of(line.credited)
    discounts, taxes, taxable = _others(line, Fraction(before + total, before + line.left), currency)
    rest = Portion(0, discounts, taxes, taxable)
    return Portion(total - line.total_of(rest), discounts, taxes, taxable)


def by_amount(lines: Sequence[Line], amount: int, currency: str) -> list[Portion]:
    """An amount over all lines in proportion to what is left of them; at most the sum of that."""
    totals = spread(amount, [line.left for line in lines], currency)
    return [
        by_total(line, total, currency) if total else nothing(line.whole)
        for line, total in zip(lines, totals, strict=True)
    ]


def _parts(portion: Portion) -> tuple[tuple[int, ...], ...]:
    return portion.discounts, portion.taxes, portion.taxable


def _sums(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _others(line: Line, share: Fraction, currency: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Discounts, taxes and bases of a portion that brings what is credited to this share of the line."""

    def reaching(whole: tuple[int, ...], before: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(0, rounded(all_ * share, currency) - done) for all_, done in zip(whole, before, strict=True))

    found = [reaching(whole, before) for whole, before in zip(_parts(line.whole), _parts(line.credited), strict=True)]
    return found[0], found[1], found[2]
