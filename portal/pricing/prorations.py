"""Prorations to the second: what the time left of a period costs, and what of a billed period is given back.

A debit is the price for the time left; a credit is the same share of what was billed *originally* (Stripe's flexible
billing mode), not of what the price costs today. Discounts are shared out like the amounts that they lower. Each part
is rounded once, half up (assumed of Stripe, which publishes that rule for its own fees only; stripe.md §5.1, §5.12),
to what the currency can charge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from portal.money import round_half_up, smallest_charge_step

_EXACT = Context(prec=100)


@dataclass(frozen=True)
class DiscountTerms:
    """What a coupon takes off: ``percent_off`` (0 to 100) or ``amount_off_minor``; one of the two is ``None``."""

    percent_off: Decimal | None = None
    amount_off_minor: int | None = None


@dataclass(frozen=True)
class Share:
    """A part of an amount, in minor units: ``gross_minor`` before discounts, and what each discount takes of it."""

    gross_minor: int
    discounts_minor: tuple[int, ...] = ()

    @property
    def net_minor(self) -> int:
        """What is left after the discounts."""
        return self.gross_minor - sum(self.discounts_minor)


def rounded(amount: Decimal, currency: str) -> int:
    """Minor units of an exact amount, half up to what the currency can charge (KWD: the last digit is 0)."""
    step = smallest_charge_step(currency)
    with localcontext(_EXACT):
        return round_half_up(amount / step) * step


def share_of(amount: Decimal | int, seconds: int, of_seconds: int, currency: str) -> int:
    """``seconds`` of ``of_seconds`` of an amount in (fractions of) minor units. Raises ValueError for no such part."""
    if not 0 <= seconds <= of_seconds or of_seconds == 0:
        raise ValueError(f"{seconds} s are no part of {of_seconds} s")
    with localcontext(_EXACT):
        return rounded(Decimal(amount) * seconds / of_seconds, currency)


def taken_off(full_minor: int, terms: Sequence[DiscountTerms], currency: str) -> tuple[int, ...]:
    """What each discount takes off an amount, one after the other, each of what is left."""
    left, parts = full_minor, []
    for discount in terms:
        if discount.percent_off is not None:
            with localcontext(_EXACT):
                part = rounded(Decimal(left) * discount.percent_off / 100, currency)
        else:
            part = min(left, discount.amount_off_minor or 0)
        parts.append(part)
        left -= part
    return tuple(parts)


def debit(
    full: Decimal | int, seconds: int, of_seconds: int, currency: str, terms: Sequence[DiscountTerms] = ()
) -> Share:
    """What a period that costs ``full`` (minor units, before discounts) costs for the ``seconds`` left of it."""
    off = taken_off(rounded(Decimal(full), currency), terms, currency)
    return Share(
        share_of(full, seconds, of_seconds, currency),
        tuple(share_of(part, seconds, of_seconds, currency) for part in off),
    )


def credit(billed: Share, seconds: int, of_seconds: int, currency: str) -> Share:
    """What of a billed amount is given back for the ``seconds`` left of what it was billed for: negative amounts."""
    return Share(
        -share_of(billed.gross_minor, seconds, of_seconds, currency),
        tuple(-share_of(part, seconds, of_seconds, currency) for part in billed.discounts_minor),
    )
