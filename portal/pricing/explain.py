"""How the amount of an invoice's line comes about: its formula with its numbers, or none that leads there.

Each function is told the line's amount and what the amount should follow from. It returns the explanation when the
arithmetic arrives at that very amount, to the minor unit, and ``None`` otherwise: an amount is never corrected here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
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
class Usage:
    """What a metered amount follows from: ``quantity`` less ``included`` is ``beyond``, in ``units`` of the tiers.

    ``parts``: (first unit, last unit, minor units for each, flat amount) of each tier. ``before_minor`` was billed by
    an earlier charge. ``charge_id``: the charge that opens into days and events.
    """

    charge_id: str
    resource_type: str
    quantity: Decimal
    included: Decimal | None
    beyond: Decimal
    units: Decimal
    parts: tuple[tuple[Decimal, Decimal, Decimal, int], ...]
    before_minor: int

    def to_json(self) -> dict[str, Any]:
        texts = {name: str(getattr(self, name)) for name in ("quantity", "beyond", "units")}
        return {
            **texts,
            "charge_id": self.charge_id,
            "resource_type": self.resource_type,
            "included": None if self.included is None else str(self.included),
            "parts": [[str(start), str(end), str(unit), flat] for start, end, unit, flat in self.parts],
            "before_minor": self.before_minor,
        }


def _usage(found: Mapping[str, Any] | None) -> Usage | None:
    if found is None:
        return None
    numbers = {name: Decimal(found[name]) for name in ("quantity", "beyond", "units")}
    return Usage(
        charge_id=found["charge_id"],
        resource_type=found["resource_type"],
        included=None if found["included"] is None else Decimal(found["included"]),
        parts=tuple((Decimal(start), Decimal(end), Decimal(unit), flat) for start, end, unit, flat in found["parts"]),
        before_minor=found["before_minor"],
        **numbers,
    )


@dataclass(frozen=True)
class Explanation:
    """A formula with its numbers.

    ``kind``: "price" (``unit`` × ``quantity``), "time_left" (that × ``seconds`` / ``of_seconds``), "given_back"
    (``unit`` is what was billed, with a minus) or "usage" (``usage`` says how). ``unit`` in (fractions of) minor
    units. ``share`` is the result before and after discounts.
    """

    kind: str
    unit: Decimal
    quantity: Decimal
    share: Share
    seconds: int = 0
    of_seconds: int = 0
    usage: Usage | None = None

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
            **({} if self.usage is None else {"usage": self.usage.to_json()}),
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
        usage=_usage(found.get("usage")),
    )


def whole_price(shown: Shown, unit: Decimal, quantity: Decimal) -> Explanation | None:
    """``unit`` × ``quantity``: a whole period, usage, or something billed once. Discounts stand beside it."""
    with localcontext(_EXACT):
        amount = rounded(unit * quantity, shown.currency)
    if amount != shown.amount_minor:
        return None
    return Explanation("price", unit, quantity, Share(amount))


def metered(shown: Shown, usage: Usage, share: Fraction = Fraction(1)) -> Explanation | None:
    """What was used beyond what is included, by its tiers, less what was billed of it before.

    ``share``: the part of a whole period's price that is due for a level.
    """
    with localcontext(_EXACT):
        exact = sum(((end - start) * unit + flat for start, end, unit, flat in usage.parts), Decimal(0))
        amount = rounded(exact * share.numerator / share.denominator, shown.currency) - usage.before_minor
    if amount != shown.amount_minor:
        return None
    return Explanation("usage", Decimal(amount), Decimal(1), Share(amount), usage=usage)


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
