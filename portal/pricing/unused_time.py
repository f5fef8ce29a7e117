"""What of paid time is left and goes back when a subscription ends at once. Minor units and UTC seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from portal.money import round_half_up

_EXACT = Context(prec=100)  # far more digits than any half needs to be told apart


@dataclass(frozen=True)
class BilledTime:
    """A line that billed the time [start, end) with ``net_minor``: discounts off, taxes on, negative for a credit."""

    net_minor: int
    start: int
    end: int

    def left(self, at: int) -> Fraction:
        """What of its amount is for the time from ``at`` on, exactly."""
        if at >= self.end or self.end <= self.start:
            return Fraction(0)
        return Fraction(self.net_minor * (self.end - max(at, self.start)), self.end - self.start)


@dataclass(frozen=True)
class BilledInvoice:
    """An invoice by the caller's ``key``: its total, and the time that it billed.

    ``paid_minor``: what of the total was really paid (or, of an open one, is still asked for). ``left_minor``: what
    can still be given back of that. ``given_minor``: what was given back of it already for unused time.
    """

    key: str
    total_minor: int
    paid_minor: int
    left_minor: int
    billed: tuple[BilledTime, ...]
    given_minor: int = 0


def refunds(invoices: Sequence[BilledInvoice], at: int) -> dict[str, int]:
    """What goes back of each invoice for the time from ``at`` on, in minor units; those of nothing are left out.

    Each gives its share of what was paid (what a balance covered was not), rounded half up once, and never more than
    can still be given back of it. An invoice whose credits outweigh its charges, as after a downgrade, has given back
    already: that is taken off the others, in their order.
    """
    shares = {invoice.key: _share(invoice, at) for invoice in invoices}
    owed_back = -sum(share for share in shares.values() if share < 0)
    found = {}
    for key, share in shares.items():
        if share > 0:
            taken = min(share, owed_back)
            owed_back -= taken
            if share > taken:
                found[key] = share - taken
    return found


def _share(invoice: BilledInvoice, at: int) -> int:
    left = sum((line.left(at) for line in invoice.billed), Fraction(0))
    if left <= 0:
        return _rounded(left)
    if invoice.total_minor <= 0:
        return 0
    share = _rounded(left * invoice.paid_minor / invoice.total_minor) - invoice.given_minor
    return max(min(invoice.left_minor, share), 0)


def _rounded(amount: Fraction) -> int:
    return round_half_up(_EXACT.divide(Decimal(amount.numerator), Decimal(amount.denominator)))
