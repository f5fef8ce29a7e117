"""The plans on sale, side by side."""

from dataclasses import dataclass

from flask import Blueprint, Response, request

from portal.billing import catalogue, plan_changes, subscriptions
from portal.billing.catalogue import Offer, OfferedPrice
from portal.models import Subscription
from portal.models.plans import INTERVALS
from portal.security.guards import member
from portal.templating import page, principal

bp = Blueprint("plans", __name__)

BUYERS = ("owner", "billing")


@dataclass(frozen=True)
class Column:
    """A plan as the comparison shows it. ``saving_minor`` and ``saving_percent`` of a year against 12 months.

    ``can_choose``: through the checkout. ``change_quantity``: with which quantity a subscription can be changed to it,
    0 where it cannot.
    """

    offer: Offer
    price: OfferedPrice
    saving_minor: int
    saving_percent: int
    is_current: bool
    can_choose: bool
    change_quantity: int


@bp.get("/plans")
@member()
def index() -> Response:
    """Every plan with its price for a month or a year, the current one marked."""
    current = subscriptions.live_subscription()
    wanted = request.args.get("interval")
    interval = wanted if wanted in INTERVALS else (current.interval if current else "month")
    change = plan_changes.under_way()
    columns = _columns(interval, current, is_open=change is None)
    return page(
        "plans/page.html",
        "plans/_comparison.html",
        columns=columns,
        limits=_limits(columns),
        interval=interval,
        best_saving=max((column.saving_percent for column in _columns("year", current, is_open=False)), default=0),
        subscription=current,
        plan_change=change,
        may_buy=principal().role in BUYERS,
    )


def _columns(interval: str, current: Subscription | None, *, is_open: bool) -> list[Column]:
    """``is_open``: whether a change may begin now."""
    return [
        _column(offer, offer.prices[interval], current, is_open=is_open)
        for offer in catalogue.offers()
        if interval in offer.prices
    ]


def _column(offer: Offer, price: OfferedPrice, current: Subscription | None, *, is_open: bool) -> Column:
    by_month = offer.prices["month"].unit_amount_minor * 12 if "month" in offer.prices else 0
    saving = max(0, by_month - price.unit_amount_minor) if price.interval == "year" else 0
    is_current = current is not None and current.plan_id == offer.plan_id
    # A free plan may be left for a paid one through the checkout; a paid one may not.
    to_checkout = current is None or (current.amount_minor == 0 and not offer.is_free)
    is_paid = current is not None and current.amount_minor > 0
    has_it = is_current and current is not None and current.interval == price.interval
    return Column(
        offer=offer,
        price=price,
        saving_minor=saving,
        saving_percent=saving * 100 // by_month if by_month else 0,
        is_current=is_current,
        can_choose=to_checkout and not is_current,
        change_quantity=_quantity(offer, current) if current and is_paid and is_open and not has_it else 0,
    )


def _quantity(offer: Offer, current: Subscription) -> int:
    """What one has, as far as the other plan is sold in such quantities."""
    return min(current.quantity, offer.max_quantity)


def _limits(columns: list[Column]) -> list[str]:
    """The limits that any plan has, in the order of their first appearance."""
    return list(dict.fromkeys(code for column in columns for code in column.offer.limits))
