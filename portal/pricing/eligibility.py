"""Whether a coupon may be used for a purchase, and why not: one pure function, one class for each reason."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from portal.errors import DomainError, Invalid
from portal.money import Amount
from portal.pricing.discounts import Terms


class CouponRefused(Invalid):
    """Base of all reasons. ``code`` never changes; nothing was reserved and nothing was charged."""

    code: ClassVar[str] = "coupon_refused"


class UnknownCoupon(CouponRefused):
    code = "coupon_unknown"
    message = "We do not know this coupon."
    remedy = "Check how it is spelled."


class CouponNotYet(CouponRefused):
    code = "coupon_not_yet"
    message = "This coupon is valid from %(valid_from)s."
    remedy = "Come back on that day."


class CouponExpired(CouponRefused):
    code = "coupon_expired"
    message = "This coupon is no longer valid."
    remedy = "You can go on without it."


class CouponUsedUp(CouponRefused):
    code = "coupon_used_up"
    message = "This coupon has been used up by others."
    remedy = "You can go on without it."


class CouponAlreadyUsed(CouponRefused):
    code = "coupon_already_used"
    message = "Your organisation has already used this coupon."
    remedy = "You can go on without it."


class CouponForFirstPurchase(CouponRefused):
    code = "coupon_first_time_only"
    message = "This coupon is for a first purchase, and your organisation has bought before."
    remedy = "You can go on without it."


class CouponNotThisPlan(CouponRefused):
    code = "coupon_not_this_plan"
    message = "This coupon is not for this plan."
    remedy = "Choose another plan, or go on without it."


class CouponBelowMinimum(CouponRefused):
    code = "coupon_below_minimum"
    message = "This coupon needs a price of at least %(minimum)s."
    remedy = "Choose a larger plan or the yearly price, or go on without it."


class CouponOtherCurrency(CouponRefused):
    code = "coupon_other_currency"
    message = "This coupon is not for prices in %(currency)s."
    remedy = "You can go on without it."


@dataclass(frozen=True)
class Rules:
    """What a coupon asks for. Empty ``plan_ids``, ``currencies`` and ``minimums`` (minor units by currency): no limit.

    The window is half-open: valid from ``valid_from`` on, and before ``valid_until``; ``None`` is unbounded.
    """

    terms: Terms
    plan_ids: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    minimums: dict[str, int] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    max_per_tenant: int | None = None
    first_time_only: bool = False
    is_offered: bool = True


@dataclass(frozen=True)
class Purchase:
    """What it would be used for: a price of ``amount_minor`` per interval, at business time ``now``."""

    plan_id: str
    currency: str
    amount_minor: int
    now: datetime
    has_paid_before: bool = False


def refusal(rules: Rules, purchase: Purchase, *, own_uses: int, is_left: bool) -> CouponRefused | None:
    """Why the coupon may not be used, or ``None`` when it may.

    ``own_uses``: how often the tenant has used it or is using it now; ``is_left``: whether there is a redemption
    left for anybody. The reasons come in the order in which a person can do least about them.
    """
    if not rules.is_offered or (rules.valid_until is not None and purchase.now >= rules.valid_until):
        return CouponExpired()
    if rules.valid_from is not None and purchase.now < rules.valid_from:
        return CouponNotYet(valid_from=rules.valid_from)
    if rules.max_per_tenant is not None and own_uses >= rules.max_per_tenant:
        return CouponAlreadyUsed()
    if not is_left:
        return CouponUsedUp()
    if rules.first_time_only and purchase.has_paid_before:
        return CouponForFirstPurchase()
    return _misfit(rules, purchase)


def _misfit(rules: Rules, purchase: Purchase) -> CouponRefused | None:
    """What another choice of plan or price could mend. From a price of nothing nothing can be taken off."""
    currency = purchase.currency
    if purchase.amount_minor <= 0 or (rules.plan_ids and purchase.plan_id not in rules.plan_ids):
        return CouponNotThisPlan()
    knows = not rules.currencies or currency in rules.currencies
    if not knows or not rules.terms.fits_currency(currency) or (rules.minimums and currency not in rules.minimums):
        return CouponOtherCurrency(currency=currency.upper())
    minimum = rules.minimums.get(currency, 0)
    if purchase.amount_minor < minimum:
        return CouponBelowMinimum(minimum=Amount(minimum, currency))
    return None


REASONS: tuple[type[DomainError], ...] = (
    UnknownCoupon,
    CouponNotYet,
    CouponExpired,
    CouponUsedUp,
    CouponAlreadyUsed,
    CouponForFirstPurchase,
    CouponNotThisPlan,
    CouponBelowMinimum,
    CouponOtherCurrency,
)
