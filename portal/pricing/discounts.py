"""What a coupon takes off an amount. Amounts are whole minor units of one currency; nothing is read or written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from portal import money

Duration = Literal["once", "repeating", "forever"]
MONTHS_COMPARED = 12
_MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True)
class Terms:
    """The terms of a coupon that decide about money: ``percent_off`` (0 to 100, two decimals), or ``amounts_off``.

    ``amounts_off``: minor units by lower-case currency. ``months``: how long a ``repeating`` one lasts.
    """

    duration: Duration = "once"
    months: int | None = None
    percent_off: Decimal | None = None
    amounts_off: Mapping[str, int] = field(default_factory=dict)

    def fits_currency(self, currency: str) -> bool:
        """Whether it takes anything off an amount in ``currency``; a percentage does of all."""
        return self.percent_off is not None or currency in self.amounts_off


def taken_off(terms: Terms, amount_minor: int, currency: str) -> int:
    """What the coupon takes off one line of ``amount_minor``, never more than the line; nothing off a credit.

    A percentage is rounded half up, in currencies of three decimals to tens, because the last digit of a charge is 0
    there. Stripe publishes no rule for this; it is what ``sandbox/engine/discounting.py`` assumes too, and what
    the portal shows of a running subscription comes from Stripe's own preview.
    """
    if amount_minor <= 0:
        return 0
    if terms.percent_off is None:
        return min(terms.amounts_off.get(currency, 0), amount_minor)
    step = money.smallest_charge_step(currency) if currency in money.THREE_DECIMAL else 1
    return step * money.round_half_up(Decimal(amount_minor) * terms.percent_off / 100 / step)


def invoices_discounted(terms: Terms, interval: str, within_months: int = MONTHS_COMPARED) -> int:
    """How many of the invoices that begin within so many months have the discount, the first being now.

    ``interval``: "month" or "year", each invoice being for the period that it begins.
    """
    invoices = -(-within_months // _MONTHS[interval])
    if terms.duration == "once":
        return min(1, invoices)
    if terms.duration == "forever":
        return invoices
    return min(invoices, -(-(terms.months or 0) // _MONTHS[interval]))


def saved_in_a_year(terms: Terms, amount_minor: int, currency: str, interval: str) -> int:
    """What it saves within twelve months on a plan of ``amount_minor`` per interval: what "best" is judged by."""
    return taken_off(terms, amount_minor, currency) * invoices_discounted(terms, interval)
