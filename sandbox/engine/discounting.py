"""Discounts on plain lines, apart from objects: what each of them takes off each line.

Order: the discounts of a line's item first, then those of the invoice (or subscription), each list in its
order, each on what the ones before it left. A percentage is taken line by line and rounded there; a fixed
amount is spread over its lines in proportion to what is left of them, remainder to the largest (money.spread).
No line falls below zero, so a fixed amount may be used up in part only; the rest of it is lost.

Amounts are integers of minor units. Sources: stripe.md §5.12 for the order, docs.stripe.com/billing/
subscriptions/coupons for stacking; rounding per line is assumed, see money.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from .money import share, spread
from .periods import period_end


@dataclass(frozen=True, slots=True)
class Line:
    """A line before discounts. `key` is the caller's name for it, unique in one call.

    `item` names whose own discounts it gets (a subscription item, an invoice item); lines of one item share
    them. `amount` below zero, and `discountable` False (prorations), take no discount.
    """

    key: str
    amount: int
    item: str | None = None
    product: str | None = None
    discountable: bool = True


@dataclass(frozen=True, slots=True)
class Discount:
    """What a coupon takes off: `percent_off` (0 to 100) or `amount_off`, one of the two is None.

    `products`: only lines of these products; None means all.
    """

    id: str
    percent_off: Decimal | None = None
    amount_off: int | None = None
    products: frozenset[str] | None = None


@dataclass(slots=True)
class Discounted:
    """The result. `lines`: per line key what each discount took, positive, in the order they were applied.

    `by_items`: per line key what the discounts of its item took together (Stripe's invoice subtotal is after
    these and before the others). `totals`: per discount over all lines, also 0 for one that took nothing.
    """

    lines: dict[str, list[tuple[str, int]]]
    by_items: dict[str, int]
    totals: list[tuple[str, int]] = field(default_factory=list)

    def taken(self, key: str) -> int:
        """All discounts of one line."""
        return sum(amount for _, amount in self.lines[key])


def apply(
    lines: Sequence[Line],
    item_discounts: Mapping[str, Sequence[Discount]],
    invoice_discounts: Sequence[Discount],
    *,
    currency: str,
) -> Discounted:
    """All discounts on all lines. `item_discounts` by `Line.item`; a fixed amount there is spread over that
    item's lines. Every discount must be in force: windows are `in_force`'s affair.
    """
    result = Discounted({line.key: [] for line in lines}, {line.key: 0 for line in lines})
    left = {line.key: line.amount for line in lines}
    for item, discounts in item_discounts.items():
        own = [line for line in lines if line.item == item]
        for discount in discounts:
            _take(discount, own, left, result, currency)
    result.by_items = {key: result.taken(key) for key in result.lines}
    for discount in invoice_discounts:
        _take(discount, lines, left, result, currency)
    return result


def ends_at(duration: str, months: int | None, start: int) -> int | None:
    """When a discount that starts at `start` stops (UTC seconds), counted in calendar months; None: never."""
    if duration != "repeating" or months is None:
        return None
    return period_end(start, {"interval": "month", "interval_count": months})


def in_force(start: int, end: int | None, at: int) -> bool:
    """Whether a discount counts for an invoice of that time; the end itself is already outside."""
    return start <= at and (end is None or at < end)


def _take(discount: Discount, lines: Sequence[Line], left: dict[str, int], result: Discounted, currency: str) -> None:
    eligible = [
        line
        for line in lines
        if line.discountable and left[line.key] > 0 and (discount.products is None or line.product in discount.products)
    ]
    amounts = [left[line.key] for line in eligible]
    if discount.percent_off is not None:
        parts = [share(amount, discount.percent_off, currency) for amount in amounts]
    else:
        parts = spread(min(discount.amount_off or 0, sum(amounts)), amounts, currency)
    for line, part in zip(eligible, parts, strict=True):
        left[line.key] -= part
        result.lines[line.key].append((discount.id, part))
    result.totals.append((discount.id, sum(parts)))
