"""The plans on sale, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from portal import business_time, tax_labels, tax_terms
from portal.billing import catalogue, coupons, plan_changes, subscriptions, trials
from portal.billing.catalogue import Offer, OfferedPrice
from portal.errors_http import said
from portal.models import Subscription
from portal.models.plans import INTERVALS
from portal.pricing.eligibility import CouponRefused
from portal.security.guards import member
from portal.templating import page, principal
from portal.usage import figures, resources

bp = Blueprint("plans", __name__)

BUYERS = ("owner", "billing")


@dataclass(frozen=True)
class Column:
    """A plan as the comparison shows it. ``saving_minor`` and ``saving_percent`` of a year against 12 months.

    ``can_choose``: through the checkout. ``change_quantity``: with which quantity a subscription can be changed to it,
    0 where it cannot. ``deal``: the coupon that choosing it would use; ``misfit``: not the one that was asked for,
    which does not fit. ``trial_ends_at``: when a trial that began now would end, where the tenant may have one.
    """

    offer: Offer
    price: OfferedPrice
    saving_minor: int
    saving_percent: int
    is_current: bool
    trial_ends_at: datetime | None
    can_choose: bool
    change_quantity: int
    deal: coupons.Deal | None = None
    misfit: bool = False


@dataclass(frozen=True)
class _Doors:
    """Which ways are open: whether a change may begin now, and from when on a trial would run."""

    is_open: bool = False
    trial_from: datetime | None = None


@bp.get("/plans")
@member()
def index() -> Response:
    """Every plan with its price for a month or a year, the current one marked; ``code``: with a coupon's effect."""
    return show(request.args.get("interval", ""), request.args.get("code", ""))


def show(wanted: str, code: str, refused: CouponRefused | None = None) -> Response:
    """The page for an interval and a coupon's code; ``refused``: why the code could not be used just now."""
    current = subscriptions.live_subscription()
    interval = wanted if wanted in INTERVALS else (current.interval if current else "month")
    change = plan_changes.under_way()
    columns = _columns(interval, current, _Doors(change is None, business_time.now() if trials.may_have() else None))
    if principal().role in BUYERS:
        columns, found = _with_deals(columns, code)
        refused = refused or found
    used = figures.used_at(business_time.now())[1]
    return page(
        "plans/page.html",
        "plans/_comparison.html",
        status=200 if refused is None else refused.status,
        code=code,
        tax_words=tax_labels.beside_prices(tax_terms.current()),
        refused=None if refused is None else said(refused),
        columns=columns,
        limits=_limits(columns),
        used=used,
        metered=resources.by_type(used),
        interval=interval,
        best_saving=max((column.saving_percent for column in _columns("year", current, _Doors())), default=0),
        subscription=current,
        plan_change=change,
        may_buy=principal().role in BUYERS,
    )


def _with_deals(columns: list[Column], code: str) -> tuple[list[Column], CouponRefused | None]:
    """Each open plan with the coupon that fits it, else the best automatic one.

    With the reason when one was asked for that fits none of them.
    """
    open_ones = [column for column in columns if column.can_choose and not column.offer.is_free]
    automatic = coupons.Desk() if open_ones else None
    deals: dict[str, coupons.Deal | None] = {}
    reasons: list[CouponRefused] = []
    try:
        asked = coupons.Desk(code) if code.strip() else automatic
    except CouponRefused as unknown:
        reasons, asked = [unknown] * len(open_ones), automatic
    for column in open_ones:
        price = column.price
        wanted = coupons.Price(column.offer.plan_id, price.interval, price.currency, price.unit_amount_minor)
        try:
            deals[column.offer.plan_id] = asked.deal(wanted) if asked else None
        except CouponRefused as error:
            reasons.append(error)
            deals[column.offer.plan_id] = automatic.deal(wanted) if automatic else None
    fits_none = bool(reasons) and len(reasons) == len(open_ones)
    found = [_with_deal(column, deals, has_reasons=bool(reasons) and not fits_none) for column in columns]
    return found, reasons[-1] if fits_none else None


def _with_deal(column: Column, deals: Mapping[str, coupons.Deal | None], *, has_reasons: bool) -> Column:
    if column.offer.plan_id not in deals:
        return column
    deal = deals[column.offer.plan_id]
    return replace(column, deal=deal, misfit=has_reasons and (deal is None or deal.is_automatic))


def _columns(interval: str, current: Subscription | None, doors: _Doors) -> list[Column]:
    sold = [offer for offer in catalogue.offers() if interval in offer.prices]
    return [_column(offer, offer.prices[interval], current, doors) for offer in sold]


def _column(offer: Offer, price: OfferedPrice, current: Subscription | None, doors: _Doors) -> Column:
    by_month = offer.prices["month"].unit_amount_minor * 12 if "month" in offer.prices else 0
    saving = max(0, by_month - price.unit_amount_minor) if price.interval == "year" else 0
    is_current = current is not None and current.plan_id == offer.plan_id
    # A free plan may be left for a paid one through the checkout; a paid one may not.
    to_checkout = current is None or (current.amount_minor == 0 and not offer.is_free)
    is_paid = current is not None and current.amount_minor > 0
    has_it = is_current and current is not None and current.interval == price.interval
    trial_from = doors.trial_from if to_checkout and not is_current and trials.is_offered(offer) else None
    return Column(
        trial_ends_at=trial_from + timedelta(days=offer.trial_days) if trial_from else None,
        offer=offer,
        price=price,
        saving_minor=saving,
        saving_percent=saving * 100 // by_month if by_month else 0,
        is_current=is_current,
        can_choose=to_checkout and not is_current,
        change_quantity=_quantity(offer, current) if current and is_paid and doors.is_open and not has_it else 0,
    )


def _quantity(offer: Offer, current: Subscription) -> int:
    """What one has, as far as the other plan is sold in such quantities."""
    return min(current.quantity, offer.max_quantity)


def _limits(columns: list[Column]) -> list[str]:
    """The limits that any plan has, in the order of their first appearance."""
    return list(dict.fromkeys(code for column in columns for code in column.offer.limits))
