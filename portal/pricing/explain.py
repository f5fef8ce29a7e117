"""How the amount of an invoice's line comes about: its formula with its numbers, or none that leads there.

Each function is told the line's amount and what the amount should follow from. It returns the explanation when the
arithmetic arrives at that very amount, to the minor unit, and ``None`` otherwise: an amount is never corrected here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any

from portal.pricing.prorations import DiscountTerms, Share, credit, debit, rounded

_EXACT = Context(prec=100)


@dataclass(frozen=True)
class Shown:
    """What the line says: its amount and the discounts beside it, in minor units.

    Stripe shows a discounted proration either before its discounts, with them beside it, or after them.
    """

    amount_minor: int
    discount_minor: int
    currency: str

    def fits(self, share: Share) -> bool:
        """Whether the share is what is shown, in one way or the other."""
        shown = (self.amount_minor, self.discount_minor)
        return shown in ((share.gross_minor, sum(share.discounts_minor)), (share.net_minor, 0))


@dataclass(frozen=True)
class Explanation:
    """A formula with its numbers.

    ``kind``: "price" (``unit`` × ``quantity``), "time_left" (that × ``seconds`` / ``of_seconds``) or "given_back"
    (``unit`` is what was billed, with a minus). ``unit`` in (fractions of) minor units. ``share`` is the result before
    and after discounts.
    """

    kind: str
    unit: Decimal
    quantity: Decimal
    share: Share
    seconds: int = 0
    of_seconds: int = 0

    def to_json(self) -> dict[str, Any]:
        """For a JSON column; :func:`from_json` reads it."""
        return {
            "kind": self.kind,
            "unit": str(self.unit),
            "quantity": str(self.quantity),
            "seconds": self.seconds,
            "of_seconds": self.of_seconds,
            "gross_minor": self.share.gross_minor,
            "discounts_minor": list(self.share.discounts_minor),
        }


def from_json(found: Mapping[str, Any]) -> Explanation:
    """The explanation that :meth:`Explanation.to_json` wrote."""
    return Explanation(
        kind=found["kind"],
        unit=Decimal(found["unit"]),
        quantity=Decimal(found["quantity"]),
        share=Share(found["gross_minor"], tuple(found["discounts_minor"])),
        seconds=found["seconds"],
        of_seconds=found["of_seconds"],
    )


def whole_price(shown: Shown, unit: Decimal, quantity: Decimal) -> Explanation | None:
    """``unit`` × ``quantity``: a whole period, usage, or something billed once. Discounts stand beside it."""
    with localcontext(_EXACT):
        amount = rounded(unit * quantity, shown.currency)
    if amount != shown.amount_minor:
        return None
    return Explanation("price", unit, quantity, Share(amount))


def time_left(
    shown: Shown, unit: Decimal, quantity: Decimal, seconds: int, of_seconds: int, terms: Sequence[DiscountTerms]
) -> Explanation | None:
    """A debit: the price for the time left of a period."""
    with localcontext(_EXACT):
        share = debit(unit * quantity, seconds, of_seconds, shown.currency, terms)
    return Explanation("time_left", unit, quantity, share, seconds, of_seconds) if shown.fits(share) else None


def given_back(shown: Shown, billed: Share, seconds: int, of_seconds: int) -> Explanation | None:
    """A credit: the same share of what was billed for the time that is left."""
    share = credit(billed, seconds, of_seconds, shown.currency)
    if not shown.fits(share):
        return None
    return Explanation("given_back", Decimal(-billed.gross_minor), Decimal(1), share, seconds, of_seconds)
