"""The plans on sale, side by side."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, Response, request

from portal import business_time
from portal.billing import catalogue, subscriptions, trials
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

    ``trial_ends_at``: when a trial that began now would end, where the tenant may have one.
    """

    offer: Offer
    price: OfferedPrice
    saving_minor: int
    saving_percent: int
    is_current: bool
    trial_ends_at: datetime | None
    can_choose: bool


@bp.get("/plans")
@member()
def index() -> Response:
    """Every plan with its price for a month or a year, the current one marked."""
    current = subscriptions.live_subscription()
    wanted = request.args.get("interval")
    interval = wanted if wanted in INTERVALS else (current.interval if current else "month")
    columns = _columns(interval, current, business_time.now() if trials.may_have() else None)
    return page(
        "plans/page.html",
        "plans/_comparison.html",
        columns=columns,
        limits=_limits(columns),
        interval=interval,
        best_saving=max((column.saving_percent for column in _columns("year", current, None)), default=0),
        subscription=current,
        may_buy=principal().role in BUYERS,
    )


def _columns(interval: str, current: Subscription | None, trial_from: datetime | None) -> list[Column]:
    sold = [offer for offer in catalogue.offers() if interval in offer.prices]
    return [_column(offer, offer.prices[interval], current, trial_from) for offer in sold]


def _column(offer: Offer, price: OfferedPrice, current: Subscription | None, trial_from: datetime | None) -> Column:
    by_month = offer.prices["month"].unit_amount_minor * 12 if "month" in offer.prices else 0
    saving = max(0, by_month - price.unit_amount_minor) if price.interval == "year" else 0
    is_current = current is not None and current.plan_id == offer.plan_id
    # A free plan may be left for a paid one through the checkout; a paid one may not.
    is_open = current is None or (current.amount_minor == 0 and not offer.is_free)
    has_trial = trial_from is not None and trials.is_offered(offer) and is_open and not is_current
    return Column(
        trial_ends_at=trial_from + timedelta(days=offer.trial_days) if trial_from and has_trial else None,
        offer=offer,
        price=price,
        saving_minor=saving,
        saving_percent=saving * 100 // by_month if by_month else 0,
        is_current=is_current,
        can_choose=is_open and not is_current,
    )


def _limits(columns: list[Column]) -> list[str]:
    """The limits that any plan has, in the order of their first appearance."""
    return list(dict.fromkeys(code for column in columns for code in column.offer.limits))
